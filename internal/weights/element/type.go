// Package element is the common tongue of the weight file readers: what type
// a tensor's elements have, and how their bytes become float32.
package element

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// Type is an element type, by its safetensors name.
type Type string

// The element types that values are read from. Others may stand in a file;
// their tensors are refused only when their values are asked for.
const (
	F64  Type = "F64"
	F32  Type = "F32"
	F16  Type = "F16"
	BF16 Type = "BF16"
	I64  Type = "I64"
	I32  Type = "I32"
	I8   Type = "I8" // of quantised weights, which are read as they are
)

var sizes = map[Type]int{
	F64: 8, I64: 8, "U64": 8, "C64": 8,
	F32: 4, I32: 4, "U32": 4,
	F16: 2, BF16: 2, "I16": 2, "U16": 2,
	I8: 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}

// Size returns the bytes of an element, 0 for an unknown type.
func (t Type) Size() int { return sizes[t] }

// Decode appends the elements of raw, little-endian, to dst as float32.
func Decode(dst []float32, t Type, raw []byte) ([]float32, error) {
	le := binary.LittleEndian
	switch t {
	case F32, F64, F16, BF16, I64, I32:
	default:
		return nil, fmt.Errorf("element type %s is not read; known: F64, F32, F16, BF16, I64, I32", t)
	}
	n, at := len(raw)/t.Size(), len(dst)
	dst = slices.Grow(dst, n)[:at+n]
	out := dst[at:]
	switch t {
	case F32:
		for i := range out {
			out[i] = math.Float32frombits(le.Uint32(raw[4*i:]))
		}
	case F64:
		for i := range out {
			out[i] = float32(math.Float64frombits(le.Uint64(raw[8*i:])))
		}
	case F16:
		for i := range out {
			out[i] = widenHalf(le.Uint16(raw[2*i:]))
		}
	case BF16:
		for i := range out {
			out[i] = math.Float32frombits(uint32(le.Uint16(raw[2*i:])) << 16)
		}
	case I64:
		for i := range out {
			out[i] = float32(int64(le.Uint64(raw[8*i:])))
		}
	case I32:
		for i := range out {
			out[i] = float32(int32(le.Uint32(raw[4*i:])))
		}
	}
	return dst, nil
}

// widenHalf widens an IEEE 754 binary16, subnormals and infinities included.
func widenHalf(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent, fraction := uint32(h>>10)&31, uint32(h)&1023
	switch exponent {
	case 0: // zero and subnormals: fraction * 2^-24
		value := float32(fraction) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(value) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
