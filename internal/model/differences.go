package model

import (
	"fmt"
	"reflect"
	"strings"
)

// Difference is a key at which two structures differ.
type Difference struct {
	Key          string // as in a configuration, such as model.stem.conv
	Value, Other any
}

// String writes the key with its value.
func (d Difference) String() string { return fmt.Sprintf("%s %v", d.Key, d.Value) }

// Differences lists the keys at which s differs from other, in the order of
// Spec's fields.
func (s Spec) Differences(other Spec) []Difference {
	return differences("model", reflect.ValueOf(s), reflect.ValueOf(other))
}

func differences(section string, a, b reflect.Value) (all []Difference) {
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		key, x, y := section+"."+name, a.Field(i), b.Field(i)
		switch {
		case x.Kind() == reflect.Struct:
			all = append(all, differences(key, x, y)...)
		case x.Interface() != y.Interface():
			all = append(all, Difference{key, x.Interface(), y.Interface()})
		}
	}
	return all
}
