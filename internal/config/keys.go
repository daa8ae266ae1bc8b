package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/train"
)

// Key describes one key of the configuration.
type Key struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	Default string `json:"default"`
	Help    string `json:"help"`
}

// Keys lists all keys in order, with the defaults of V3.
func Keys() []Key {
	c, _ := train.DefaultConfig(defaultVariant)
	var keys []Key
	for _, l := range settings.Leaves(&c) {
		keys = append(keys, Key{l.Key, l.TypeName(), l.Text(), l.Help})
	}
	return keys
}

// known is what a configuration may contain: keys, each with the type of its
// values, and sections, which only contain keys and other sections.
type known struct {
	types    map[string]reflect.Type
	sections map[string]bool
}

func knownKeys() known {
	k := known{map[string]reflect.Type{}, map[string]bool{}}
	for _, l := range settings.Leaves(new(train.Config)) {
		k.types[l.Key] = l.Value.Type()
		for at, r := range l.Key {
			if r == '.' {
				k.sections[l.Key[:at]] = true
			}
		}
	}
	return k
}

// isText reports whether the values of a key are text.
func (k known) isText(key string) bool { return k.types[key] == reflect.TypeFor[string]() }

// below lists the names directly below a section.
func below(section string) []string {
	var names []string
	for _, k := range Keys() {
		rest, ok := strings.CutPrefix(k.Name, section+".")
		if section == "" {
			rest, ok = k.Name, true
		}
		if name, _, _ := strings.Cut(rest, "."); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
