package hdf5

import (
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/weights/element"
)

// dataset adds a dataset of numbers to what was found.
func (r *reader) dataset(path string, messages []message) error {
	t := element.Tensor{Name: path}
	var layout []byte
	var swapped, filtered, numeric, shaped bool
	for _, m := range messages {
		var err error
		switch m.kind {
		case msgDataspace:
			t.Shape, err = dimensions(m.data)
			shaped = true
		case msgDatatype:
			t.Type, swapped, numeric = datatype(m.data)
		case msgLayout:
			layout = m.data
		case msgFilters:
			filtered = true
		}
		if err != nil {
			return in(path, err)
		}
	}
	if !numeric || !shaped || layout == nil {
		return nil
	}
	if filtered {
		return fmt.Errorf("%s: is compressed, which Keras does not do; rewrite the file with h5repack -f NONE -l CONTI",
			path)
	}
	size, err := element.Bytes(t.Shape, t.Type.Size(), len(r.file))
	if err != nil {
		return in(path, err)
	}
	data, err := r.stored(layout, size)
	if err != nil {
		return in(path, err)
	}
	t.Bytes = func() ([]byte, error) {
		if swapped {
			return littleEndian(data, t.Type.Size()), nil
		}
		return data, nil
	}
	r.found = append(r.found, t)
	return nil
}

// dimensions reads a dataspace (IV.A.2.b).
func dimensions(b []byte) ([]int, error) {
	if len(b) < 4 {
		return nil, errTruncated
	}
	rank, skip := int(b[1]), 8
	if b[0] == 2 {
		skip = 4
	}
	if b[0] < 1 || b[0] > 2 || rank > 32 || len(b) < skip+8*rank {
		return nil, fmt.Errorf("has a dataspace of version %d and rank %d", b[0], rank)
	}
	shape := make([]int, rank)
	for i := range shape {
		d := le.Uint64(b[skip+8*i:])
		if d > min(1<<40, math.MaxInt) {
			return nil, fmt.Errorf("has a dimension of %d", d)
		}
		shape[i] = int(d)
	}
	return shape, nil
}

// datatype reads a fixed-point or IEEE floating-point type (IV.A.2.d).
func datatype(b []byte) (t element.Type, swapped, numeric bool) {
	if len(b) < 12 {
		return "", false, false
	}
	size := le.Uint32(b[4:])
	swapped = b[1]&1 != 0
	switch b[0] & 15 {
	case 0: // fixed-point; bit 3: signed
		if b[1]&8 != 0 {
			t = map[uint32]element.Type{4: element.I32, 8: element.I64}[size]
		}
	case 1:
		if len(b) < 20 || b[1]&0x40 != 0 { // VAX order
			return "", false, false
		}
		exponent := b[13]
		switch {
		case size == 4 && exponent == 8:
			t = element.F32
		case size == 8 && exponent == 11:
			t = element.F64
		case size == 2 && exponent == 5:
			t = element.F16
		case size == 2 && exponent == 8:
			t = element.BF16
		}
	}
	return t, swapped, t != ""
}

// stored returns the size bytes of a dataset (IV.A.2.i).
func (r *reader) stored(layout []byte, size int) ([]byte, error) {
	if len(layout) < 4 || layout[0] < 3 || layout[0] > 4 {
		return nil, fmt.Errorf("has a layout that is not read; rewrite the file with h5repack -l CONTI")
	}
	switch class := layout[1]; {
	case class == 0: // compact: in the header
		have := int(le.Uint16(layout[2:]))
		if have < size || len(layout) < 4+size {
			return nil, errTruncated
		}
		return layout[4 : 4+size], nil
	case class == 1 && len(layout) >= 18:
		address := le.Uint64(layout[2:])
		if size == 0 {
			return nil, nil
		}
		if address == undefined {
			return nil, fmt.Errorf("was never written")
		}
		if have := le.Uint64(layout[10:]); have < uint64(size) {
			return nil, fmt.Errorf("takes %d bytes, there are %d", size, have)
		}
		return r.at(address, uint64(size))
	}
	return nil, fmt.Errorf("is stored in chunks, which Keras does not do; rewrite the file with h5repack -l CONTI")
}

// littleEndian returns big-endian elements turned around.
func littleEndian(data []byte, size int) []byte {
	out := slices.Clone(data)
	for i := 0; i+size <= len(out); i += size {
		slices.Reverse(out[i : i+size])
	}
	return out
}
