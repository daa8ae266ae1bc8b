// Package settings treats a struct of options as values under dotted keys.
// The yaml and help tags of its fields name and explain them; structs in it are
// sections. Values are read from and written to YAML, and an invalid value is a
// KeyError. Other packages own the options; this one contains no key.
package settings

import (
	"reflect"
	"strings"
	"time"
)

// Leaf is a value of a configuration under its key.
type Leaf struct {
	Key, Help string
	Value     reflect.Value
}

// Explainer is a section that generates the help of some of its keys from the
// program's lists; for the others it returns "".
type Explainer interface{ Help(name string) string }

// Value is a value with a form of its own in YAML, which its type reads by
// yaml.Unmarshaler.
type Value interface {
	TypeName() string // in words, such as "text or a list"
	Text() string     // in YAML
}

// Leaves lists the values of the struct that c points to, in the order of its
// fields.
func Leaves(c any) []Leaf { return below("", reflect.ValueOf(c).Elem()) }

func below(prefix string, s reflect.Value) (all []Leaf) {
	explainer, _ := s.Interface().(Explainer)
	for i := range s.NumField() {
		field, value := s.Type().Field(i), s.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		key := strings.TrimPrefix(prefix+"."+name, ".")
		switch {
		case name == "": // inlined
			all = append(all, below(prefix, value)...)
		case value.Kind() == reflect.Struct:
			all = append(all, below(key, value)...)
		default:
			help := field.Tag.Get("help")
			if help == "" && explainer != nil {
				help = explainer.Help(name)
			}
			all = append(all, Leaf{key, help, value})
		}
	}
	return all
}

// TypeName describes the type of the value in words.
func (l Leaf) TypeName() string {
	switch v := l.Value.Interface().(type) {
	case Value:
		return v.TypeName()
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
	case []int:
		return "list of whole numbers"
	case [3]int:
		return "three whole numbers"
	case [2]float64:
		return "two numbers"
	}
	return l.Value.Type().String()
}

// Difference returns the first key at which two structs of the same type differ,
// with both values as YAML has them, or an empty key. a and b are pointers.
func Difference(a, b any) (key, inA, inB string) {
	theirs := Leaves(b)
	for i, l := range Leaves(a) {
		if was, is := l.Text(), theirs[i].Text(); was != is {
			return l.Key, was, is
		}
	}
	return "", "", ""
}

// Differing is a key whose value is not the same in several structs.
type Differing struct {
	Key    string   `json:"key"`
	Values []string `json:"values"` // of each struct, as YAML has it
}

// Differences lists the keys at which structs of the same type differ, in
// Leaves' order. all are pointers.
func Differences[T any](all []*T) (differ []Differing) {
	var leaves [][]Leaf
	for _, s := range all {
		leaves = append(leaves, Leaves(s))
	}
	for i, l := range Leaves(new(T)) {
		d, same := Differing{Key: l.Key}, true
		for _, of := range leaves {
			d.Values = append(d.Values, of[i].Text())
			same = same && d.Values[0] == of[i].Text()
		}
		if !same {
			differ = append(differ, d)
		}
	}
	return differ
}
