package main

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// sbomOf lists the modules that a program is built from, as the program itself
// says: CycloneDX 1.5 (https://cyclonedx.org/docs/1.5/json/).
func sbomOf(program, version string, when time.Time) ([]byte, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(binary)
	main := component{Type: "application", Ref: "pkg:golang/" + info.Main.Path + "@" + version, Name: info.Main.Path,
		Version: version,
		PURL:    "pkg:golang/" + info.Main.Path + "@" + version, Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}},
		Licences: []licence{{map[string]string{"id": "Apache-2.0"}}}}
	bom := sbom{
		Format: "CycloneDX", Spec: "1.5", Number: 1,
		Metadata: metadata{Timestamp: when.Format(time.RFC3339), Component: main},
		Components: []component{{Type: "library", Ref: "pkg:golang/stdlib@" + info.GoVersion, Name: "stdlib",
			Version: info.GoVersion, PURL: "pkg:golang/stdlib@" + strings.TrimPrefix(info.GoVersion, "go")}},
		Dependencies: []dependency{{Ref: main.Ref}},
	}
	for _, m := range modules(info) {
		ref := "pkg:golang/" + m.Path + "@" + m.Version
		bom.Components = append(bom.Components, component{Type: "library", Ref: ref, Name: m.Path, Version: m.Version,
			PURL:       ref,
			Properties: []property{{"go:sum", m.Sum}}})
	}
	for _, c := range bom.Components {
		bom.Dependencies[0].On = append(bom.Dependencies[0].On, c.Ref)
	}
	text, err := json.MarshalIndent(bom, "", "  ")
	return append(text, '\n'), err
}

// modules lists the modules of others, with those that replace them.
func modules(info *debug.BuildInfo) (all []*debug.Module) {
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, m)
	}
	return all
}

// licencesOf joins the licences of the modules that a program is built from:
// most ask to be given along with it.
func licencesOf(program string) ([]byte, error) {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return nil, err
	}
	root, err := output("go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := addLicence(&b, "Go's standard library", root); err != nil {
		return nil, err
	}
	for _, m := range modules(info) {
		dir, err := output("go", "list", "-m", "-f", "{{.Dir}}", m.Path)
		if err != nil {
			return nil, err
		}
		if err := addLicence(&b, m.Path+" "+m.Version, dir); err != nil {
			return nil, err
		}
	}
	notices, err := filepath.Glob("internal/*/*/NOTICE*")
	if err != nil {
		return nil, err
	}
	for _, path := range notices {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "==== %s\n\n%s\n", filepath.ToSlash(path), text)
	}
	return b.Bytes(), nil
}

// addLicence adds the licence files of a module's folder.
func addLicence(b *bytes.Buffer, name, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	found := false
	for _, e := range entries {
		upper := strings.ToUpper(e.Name())
		is := func(beginning string) bool { return strings.HasPrefix(upper, beginning) }
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, is) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "==== %s: %s\n\n%s\n", name, e.Name(), bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
		found = true
	}
	if !found {
		return fmt.Errorf("%s: %s holds no licence", name, dir)
	}
	return nil
}

// The parts of CycloneDX that are used.
type (
	sbom struct {
		Format       string       `json:"bomFormat"`
		Spec         string       `json:"specVersion"`
		Number       int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		Ref        string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		PURL       string     `json:"purl"`
		Hashes     []hash     `json:"hashes,omitempty"`
		Licences   []licence  `json:"licenses,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	licence struct {
		Licence map[string]string `json:"license"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	dependency struct {
		Ref string   `json:"ref"`
		On  []string `json:"dependsOn,omitempty"`
	}
)
