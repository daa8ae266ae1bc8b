package textfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// JSONError says in the words of a JSON file what encoding/json says in those of Go;
// other errors stay as they are.
func JSONError(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	name := "it"
	if wrong.Field != "" {
		name = wrong.Field[strings.LastIndex(wrong.Field, ".")+1:]
	}
	return fmt.Errorf("%s must be %s, is %s", name, inWords(wrong.Type), strings.TrimPrefix(wrong.Value, "number "))
}

// inWords says which JSON a type is read from.
func inWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "text"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Pointer:
		return inWords(t.Elem())
	case reflect.Float32, reflect.Float64:
		return "a number"
	}
	return "a whole number"
}
