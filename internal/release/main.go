// Command release builds what is given to those who have no Go: an archive for
// each platform with the program, its manual pages, completions and licences,
// a list of all that is inside (SBOM), and checksums. The same commit gives the
// same bytes.
//
//	go run ./internal/release -version v1.2.0 -o dist
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// platform is an operating system and an architecture as Go names them.
type platform struct{ os, arch string }

var platforms = []platform{
	{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}, {"windows", "arm64"},
}

func main() {
	log.SetFlags(0)
	out := flag.String("o", "dist", "folder to write")
	version := flag.String("version", "", "of the program (default: what git describe says)")
	only := flag.String("only", "", "build for this platform only, such as linux/amd64")
	flag.Parse()
	if err := release(*out, *version, *only); err != nil {
		log.Fatal("release: ", err)
	}
}

// release writes the archives, their SBOMs and the checksums.
func release(out, version, only string) error {
	if version == "" {
		described, err := output("git", "describe", "--tags", "--always", "--dirty")
		if err != nil {
			return err
		}
		version = described
	}
	when, err := committed()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o777); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	texts, err := documents(work, version)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, p := range platforms {
		if only != "" && only != p.os+"/"+p.arch {
			continue
		}
		files, err := build(p, version, work, texts, when)
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := os.WriteFile(filepath.Join(out, f.name), f.data, 0o666); err != nil {
				return err
			}
			fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.data), f.name)
			log.Printf("%s, %.1f MiB", f.name, float64(len(f.data))/(1<<20))
		}
	}
	return os.WriteFile(filepath.Join(out, "SHA256SUMS"), []byte(sums.String()), 0o666)
}

// build returns a platform's archive and SBOM.
func build(p platform, version, work string, texts []file, when time.Time) ([]file, error) {
	name := fmt.Sprintf("inception-%s-%s-%s", version, p.os, p.arch)
	program := "inception"
	if p.os == "windows" {
		program += ".exe"
	}
	path := filepath.Join(work, p.os+"-"+p.arch, program)
	if err := compile(p, version, path); err != nil {
		return nil, err
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	licences, err := licencesOf(path)
	if err != nil {
		return nil, err
	}
	sbom, err := sbomOf(path, version, when)
	if err != nil {
		return nil, err
	}
	content := append([]file{{program, binary, true}, {"THIRD-PARTY-LICENCES.txt", licences, false}}, texts...)
	var archive bytes.Buffer
	if p.os == "windows" {
		err = writeZip(&archive, name, content, when)
		return []file{{name: name + ".zip", data: archive.Bytes()}, {name: name + ".cdx.json", data: sbom}}, err
	}
	err = writeTar(&archive, name, content, when)
	return []file{{name: name + ".tar.gz", data: archive.Bytes()}, {name: name + ".cdx.json", data: sbom}}, err
}

// compile builds the program without cgo, and without what differs from one
// machine to another.
func compile(p platform, version, path string) error {
	c := exec.Command("go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -buildid= -X main.released="+version, "-o", path, "./cmd/inception")
	c.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	if text, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s/%s: %w\n%s", p.os, p.arch, err, text)
	}
	return nil
}

// documents returns what all archives hold besides the program: the manual pages
// and completions are those of a program built for this machine.
func documents(work, version string) ([]file, error) {
	var here platform
	for _, of := range []struct {
		name string
		to   *string
	}{{"GOHOSTOS", &here.os}, {"GOHOSTARCH", &here.arch}} {
		value, err := output("go", "env", of.name)
		if err != nil {
			return nil, err
		}
		*of.to = value
	}
	program := filepath.Join(work, "inception-here")
	if err := compile(here, version, program); err != nil {
		return nil, err
	}
	if _, err := output(program, "manual", "-q", filepath.Join(work, "man")); err != nil {
		return nil, err
	}
	var texts []file
	for _, path := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		texts = append(texts, file{name: path, data: data})
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		text, err := output(program, "completion", shell)
		if err != nil {
			return nil, err
		}
		texts = append(texts, file{name: "completions/inception." + shell, data: []byte(text + "\n")})
	}
	pages, err := filepath.Glob(filepath.Join(work, "man", "*.1"))
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			return nil, err
		}
		texts = append(texts, file{name: "man/" + filepath.Base(page), data: data})
	}
	return texts, nil
}

// committed returns the time that all files get: SOURCE_DATE_EPOCH, or that of
// the commit.
func committed() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		var err error
		if text, err = output("git", "log", "-1", "--format=%ct"); err != nil {
			return time.Time{}, err
		}
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: must be a number of seconds, is %q", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// output returns what a command prints.
func output(name string, args ...string) (string, error) {
	c := exec.Command(name, args...)
	c.Stderr = os.Stderr
	text, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w", filepath.Base(name), strings.Join(args, " "), err)
	}
	return strings.TrimRight(string(text), "\n"), nil
}
