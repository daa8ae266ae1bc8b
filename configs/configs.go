// Package configs holds the configurations and the suites of ablations that
// are part of the program.
package configs

import (
	"embed"
	"path"
	"slices"
	"strings"
)

//go:embed *.yaml suites/*.yaml
var files embed.FS

// Entry is an embedded file.
type Entry struct {
	Name  string `json:"name"`
	About string `json:"about"` // the first sentence of its comment
}

// List returns the embedded configurations by name.
func List() []Entry { return list(".") }

// Read returns the YAML of an embedded configuration, if there is one of that
// name.
func Read(name string) (text []byte, ok bool) { return read(".", name) }

// Suites returns the embedded suites by name.
func Suites() []Entry { return list("suites") }

// ReadSuite returns the YAML of an embedded suite, if there is one of that
// name.
func ReadSuite(name string) (text []byte, ok bool) { return read("suites", name) }

// Names returns the names of entries.
func Names(entries []Entry) (names []string) {
	for _, e := range entries {
		names = append(names, e.Name)
	}
	return names
}

func list(folder string) []Entry {
	found, _ := files.ReadDir(folder)
	var all []Entry
	for _, f := range found {
		if name, ok := strings.CutSuffix(f.Name(), ".yaml"); ok {
			text, _ := read(folder, name)
			all = append(all, Entry{name, firstSentence(string(text))})
		}
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func firstSentence(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(line, "#")
		if !ok {
			break
		}
		words = append(words, strings.Fields(comment)...)
	}
	sentence, _, _ := strings.Cut(strings.Join(words, " ")+" ", ". ")
	return strings.TrimSuffix(strings.TrimSpace(sentence), ".") + "."
}

func read(folder, name string) ([]byte, bool) {
	if strings.ContainsAny(name, `/\`) {
		return nil, false
	}
	text, err := files.ReadFile(path.Join(folder, name+".yaml"))
	return text, err == nil
}
