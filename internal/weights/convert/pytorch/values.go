package pytorch

import (
	"fmt"
	"strconv"
	"strings"
)

// The values an unpickler makes. Python's str, int, float, bool and None
// become string, int64, float64, bool and nil.
type (
	dict  struct{ pairs []pair }
	list  struct{ items []any }
	tuple []any
	// long is an integer beyond 64 bits, two's complement, little-endian.
	long string
	// class is a class or function that the pickle names.
	class struct{ module, name string }
	// object is a call that was recorded, not made, with the items and the
	// attributes that the pickle gives to what it would have made.
	object struct {
		class class
		args  tuple
		dict  dict
		list  list
		state any
	}
	mark struct{}
)

type pair struct{ key, value any }

func (c class) String() string { return c.module + "." + c.name }

// maxShown is how much of a file's words an error repeats.
const maxShown = 80

// shown is the class for an error: the file chose the name.
func (c class) shown() string {
	name := c.String()
	return strings.Trim(strconv.Quote(name[:min(len(name), maxShown)]), `"`)
}

// describe names a value for an error, in few words whatever it holds: a tuple
// of tuples may be far longer than its pickle.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return strconv.Quote(v[:min(len(v), maxShown)])
	case nil, int64, float64, bool:
		return fmt.Sprint(v)
	case long:
		return fmt.Sprintf("a number of %d bytes", len(v))
	case class:
		return v.shown()
	case *list:
		return "a list"
	case tuple:
		return "a tuple"
	case *dict:
		return "a dict"
	case *tensor:
		return "a tensor"
	case *object:
		return "an object of " + v.class.shown()
	}
	return "an object"
}

// longValue makes an int64 of a two's complement number that fits.
func longValue(b []byte) any {
	if len(b) > 8 {
		return long(b)
	}
	var n uint64
	for i, v := range b {
		n |= uint64(v) << (8 * i)
	}
	if k := len(b); k > 0 && k < 8 && b[k-1] >= 128 {
		n |= ^uint64(0) << (8 * k)
	}
	return int64(n)
}
