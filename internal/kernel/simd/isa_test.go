package simd

import (
	"reflect"
	"testing"
)

// An implementation without one of the loops would end the program at its first
// use, on the machines that have the instructions alone.
func TestEveryImplementationIsComplete(t *testing.T) {
	for _, s := range ISAs() {
		complete(t, s.Name, reflect.ValueOf(s))
	}
	for _, s := range Int8s() {
		complete(t, "int8 "+s.Name, reflect.ValueOf(s))
	}
}

// complete looks at everything that a value holds but for tiles, of which TileRows
// says what there is.
func complete(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Func, reflect.Pointer:
		if v.IsNil() {
			t.Errorf("%s is missing", name)
		} else if v.Kind() == reflect.Pointer {
			complete(t, name, v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i).Name
			if optional := field == "Wide" || field == "twin"; !optional || !v.Field(i).IsNil() {
				complete(t, name+"."+field, v.Field(i))
			}
		}
	}
}
