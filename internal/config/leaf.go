package config

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
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
	c, _ := Default(defaultVariant)
	var keys []Key
	for _, l := range leavesOf(&c) {
		keys = append(keys, Key{l.key, l.typeName(), l.text(), l.help})
	}
	return keys
}

// leaf is a value of a configuration under its key.
type leaf struct {
	key, help string
	value     reflect.Value
}

// leavesOf lists the values of c in the order of its fields.
func leavesOf(c *Config) []leaf { return leavesBelow("", reflect.ValueOf(c).Elem()) }

func leavesBelow(prefix string, s reflect.Value) (all []leaf) {
	for i := range s.NumField() {
		field, value := s.Type().Field(i), s.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		key := strings.TrimPrefix(prefix+"."+name, ".")
		switch {
		case name == "": // inlined
			all = append(all, leavesBelow(prefix, value)...)
		case value.Kind() == reflect.Struct:
			all = append(all, leavesBelow(key, value)...)
		default:
			all = append(all, leaf{key, field.Tag.Get("help"), value})
		}
	}
	return all
}

// leafTypes gives the type of each key, and sections the names that only hold
// others.
var (
	leafTypes = map[string]reflect.Type{}
	sections  = map[string]bool{}
)

func init() {
	var c Config
	for _, l := range leavesOf(&c) {
		leafTypes[l.key] = l.value.Type()
		for at, r := range l.key {
			if r == '.' {
				sections[l.key[:at]] = true
			}
		}
	}
}

func (l leaf) typeName() string {
	switch l.value.Interface().(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case int, uint64:
		return "whole number"
	case float64:
		return "number"
	case time.Duration:
		return "duration"
	case []string:
		return "list of texts"
	case [2]float64:
		return "two numbers"
	}
	return l.value.Type().String()
}

// decode sets the value from YAML.
func (l leaf) decode(n *yaml.Node) error {
	if d, ok := l.value.Addr().Interface().(*time.Duration); ok {
		return l.decodeDuration(d, n)
	}
	fresh := reflect.New(l.value.Type()) // a list must not keep earlier entries
	if !l.accepts(n) || n.Decode(fresh.Interface()) != nil {
		return fmt.Errorf("%s: must be %s, is %s%s", l.key, article(l.typeName()), inline(n), l.advice(n))
	}
	l.value.Set(fresh.Elem())
	return nil
}

// accepts refuses what the decoder would bend until it fits.
func (l leaf) accepts(n *yaml.Node) bool {
	switch {
	case l.typeName() == "whole number":
		return n.ShortTag() == "!!int" // the decoder would cut a fraction off
	case l.value.Kind() == reflect.Array:
		return n.Kind == yaml.SequenceNode && len(n.Content) == l.value.Len()
	}
	return true
}

func (l leaf) decodeDuration(d *time.Duration, n *yaml.Node) error {
	parsed, err := time.ParseDuration(n.Value) // "0" needs no unit
	if n.Kind != yaml.ScalarNode || err != nil {
		return fmt.Errorf("%s: must be a duration such as 90m or 8h, is %s", l.key, inline(n))
	}
	*d = parsed
	return nil
}

// advice says how to write what was probably meant.
func (l leaf) advice(n *yaml.Node) string {
	if l.value.Kind() == reflect.String && n.Kind == yaml.MappingNode {
		return "; put it in quotes"
	}
	return ""
}

func article(typeName string) string {
	switch typeName {
	case "true or false", "two numbers", "text":
		return typeName
	}
	return "a " + typeName
}

// inline writes a node on one line for a message.
func inline(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		return fmt.Sprintf("%q", n.Value)
	}
	text, err := yaml.Marshal(n)
	if err != nil {
		return "something else"
	}
	line := strings.Join(strings.Fields(string(text)), " ")
	if len(line) > 60 {
		line = line[:60] + "..."
	}
	return line
}
