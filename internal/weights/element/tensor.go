package element

import (
	"fmt"
	"math"
	"math/bits"
)

// Tensor is a tensor of a foreign file, not yet read.
type Tensor struct {
	Name  string
	Shape []int
	Type  Type
	// Bytes returns the elements in row-major order, little-endian. They may
	// alias the file: they are not to be changed, nor used after it is closed.
	Bytes func() ([]byte, error)
	// Refused says why the elements cannot be read; Shape may be unknown then.
	Refused error
}

// Count returns the number of elements.
func (t Tensor) Count() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Floats reads the tensor as float32.
func (t Tensor) Floats() ([]float32, error) {
	if t.Refused != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, t.Refused)
	}
	raw, err := t.Bytes()
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	values, err := Decode(nil, t.Type, raw)
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if len(values) != t.Count() {
		return nil, fmt.Errorf("tensor %q: shape %v has %d values", t.Name, t.Shape, len(values))
	}
	return values, nil
}

// Bytes returns how many bytes a shape of some type takes. It returns an error
// if that is more than limit, which is the file's size or what is left of it.
func Bytes(shape []int, size, limit int) (int, error) {
	total := uint64(size)
	for _, d := range shape {
		high, low := bits.Mul64(total, uint64(d))
		if d < 0 || high != 0 || low > math.MaxInt64 {
			return 0, fmt.Errorf("shape %v is impossible", shape)
		}
		total = low
	}
	if total > uint64(limit) {
		return 0, fmt.Errorf("shape %v takes %d bytes, there are %d", shape, total, limit)
	}
	return int(total), nil
}
