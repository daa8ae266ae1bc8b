package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Decode sets the value from YAML.
func (l Leaf) Decode(n *yaml.Node) error {
	if d, ok := l.Value.Addr().Interface().(*time.Duration); ok {
		return l.decodeDuration(d, n)
	}
	fresh := reflect.New(l.Value.Type()) // so that a list does not keep earlier entries
	if !l.accepts(n) || n.Decode(fresh.Interface()) != nil {
		return Errorf(l.Key, "must be %s, is %s%s", l.article(), Inline(n), l.advice(n))
	}
	l.Value.Set(fresh.Elem())
	return nil
}

func (l Leaf) decodeDuration(d *time.Duration, n *yaml.Node) error {
	parsed, err := time.ParseDuration(n.Value) // "0" needs no unit
	if n.Kind != yaml.ScalarNode || err != nil {
		return Errorf(l.Key, "must be a duration such as 90m or 8h, is %s", Inline(n))
	}
	*d = parsed
	return nil
}

// accepts refuses values that the decoder would silently convert.
func (l Leaf) accepts(n *yaml.Node) bool {
	switch {
	case l.TypeName() == "whole number":
		return n.ShortTag() == "!!int" // the decoder would drop a fraction
	case l.TypeName() == "list of whole numbers", l.TypeName() == "three whole numbers":
		return n.Kind == yaml.SequenceNode && (l.Value.Kind() == reflect.Slice || len(n.Content) == l.Value.Len()) &&
			!slices.ContainsFunc(n.Content, func(one *yaml.Node) bool { return one.ShortTag() != "!!int" })
	case l.Value.Kind() == reflect.Array:
		return n.Kind == yaml.SequenceNode && len(n.Content) == l.Value.Len()
	}
	return true
}

func (l Leaf) article() string {
	typeName := l.TypeName()
	if _, own := l.Value.Interface().(Value); own {
		return typeName
	}
	switch typeName {
	case "true or false", "two numbers", "three whole numbers", "text":
		return typeName
	}
	return "a " + typeName
}

// advice says how to write the value that was probably meant.
func (l Leaf) advice(n *yaml.Node) string {
	if l.Value.Kind() == reflect.String && n.Kind == yaml.MappingNode {
		return "; put it in quotes"
	}
	return ""
}

// Inline writes a node on one line for a message.
func Inline(n *yaml.Node) string {
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
