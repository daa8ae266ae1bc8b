// Package configs holds the configurations that are part of the program.
package configs

import (
	"embed"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Entry is an embedded configuration.
type Entry struct {
	Name  string `json:"name"`
	About string `json:"about"` // its first comment line
}

// List returns the embedded configurations by name.
func List() []Entry {
	found, _ := files.ReadDir(".")
	var all []Entry
	for _, f := range found {
		text, _ := files.ReadFile(f.Name())
		about, _, _ := strings.Cut(string(text), "\n")
		all = append(all, Entry{strings.TrimSuffix(f.Name(), ".yaml"), strings.TrimSpace(strings.TrimPrefix(about, "#"))})
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Read returns the YAML of an embedded configuration, if there is one of that
// name.
func Read(name string) (text []byte, ok bool) {
	text, err := files.ReadFile(name + ".yaml")
	return text, err == nil
}
