package settings

import (
	"fmt"
	"slices"
	"strings"
)

// KeyError says what is wrong with the value of a key.
type KeyError struct {
	Key     string
	Err     error
	Choices []string // all values that the key may have, if it is one of a few names
}

// Errorf returns a KeyError whose message is formatted as by fmt.Errorf.
func Errorf(key, format string, args ...any) error {
	return &KeyError{Key: key, Err: fmt.Errorf(format, args...)}
}

// ChoiceErrorf is Errorf for a key that may have only these values.
func ChoiceErrorf(key string, choices []string, format string, args ...any) error {
	return &KeyError{key, fmt.Errorf(format, args...), choices}
}

// Error returns "KEY: what is wrong".
func (e *KeyError) Error() string { return e.Key + ": " + e.Err.Error() }

// Unwrap returns the error without its key.
func (e *KeyError) Unwrap() error { return e.Err }

// First returns the first non-nil error, or nil.
func First(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// AtLeast refuses smaller values.
func AtLeast(key string, value, least int) error {
	if value < least {
		return Errorf(key, "must be at least %d, is %d", least, value)
	}
	return nil
}

// Within refuses values outside low to high, NaN and infinities.
func Within(key string, value, low, high float64) error {
	if !(value >= low && value <= high) {
		return Errorf(key, "must be from %g to %g, is %g", low, high, value)
	}
	return nil
}

// Below refuses negative values, values of limit or more, and NaN.
func Below(key string, value, limit float64) error {
	if !(value >= 0 && value < limit) {
		return Errorf(key, "must be at least 0 and below %g, is %g", limit, value)
	}
	return nil
}

// Choice is a possible value of a key, with an explanation if the name is not
// enough.
type Choice struct{ Name, About string }

// OneOf refuses every name except those of choices.
func OneOf(key, value string, choices []Choice) error {
	if slices.ContainsFunc(choices, func(c Choice) bool { return c.Name == value }) {
		return nil
	}
	var names []string
	for _, c := range choices {
		names = append(names, c.Name)
	}
	return ChoiceErrorf(key, names, "%q is unknown; must be one of %s", value, strings.Join(names, ", "))
}

// Choices lists choices for a key's help: "a (what it is), b or c".
func Choices(choices []Choice) string {
	var b strings.Builder
	for i, c := range choices {
		switch {
		case i > 0 && i == len(choices)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(c.Name)
		if c.About != "" {
			b.WriteString(" (" + c.About + ")")
		}
	}
	return b.String()
}
