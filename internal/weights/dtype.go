package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// DType is a safetensors element type, such as F32.
type DType string

// The element types that values are read from. Others may stand in a file,
// their tensors are refused only when their values are asked for.
const (
	F64  DType = "F64"
	F32  DType = "F32"
	F16  DType = "F16"
	BF16 DType = "BF16"
	I64  DType = "I64"
	I32  DType = "I32"
)

// dtypeBytes holds the size of an element of each type of the format.
var dtypeBytes = map[DType]uint64{
	F64: 8, I64: 8, "U64": 8, "C64": 8,
	F32: 4, I32: 4, "U32": 4,
	F16: 2, BF16: 2, "I16": 2, "U16": 2,
	"I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}

// decodeFloats appends the elements in raw to dst as float32.
func decodeFloats(dst []float32, dtype DType, raw []byte) ([]float32, error) {
	le := binary.LittleEndian
	switch dtype {
	case F32: // the usual one, in a form without a check for each append
		at := len(dst)
		dst = slices.Grow(dst, len(raw)/4)[:at+len(raw)/4]
		for i := range dst[at:] {
			dst[at+i] = math.Float32frombits(le.Uint32(raw[4*i:]))
		}
	case F64:
		for ; len(raw) >= 8; raw = raw[8:] {
			dst = append(dst, float32(math.Float64frombits(le.Uint64(raw))))
		}
	case BF16:
		for ; len(raw) >= 2; raw = raw[2:] {
			dst = append(dst, math.Float32frombits(uint32(le.Uint16(raw))<<16))
		}
	case F16:
		for ; len(raw) >= 2; raw = raw[2:] {
			dst = append(dst, HalfToFloat(le.Uint16(raw)))
		}
	case I64:
		for ; len(raw) >= 8; raw = raw[8:] {
			dst = append(dst, float32(int64(le.Uint64(raw))))
		}
	case I32:
		for ; len(raw) >= 4; raw = raw[4:] {
			dst = append(dst, float32(int32(le.Uint32(raw))))
		}
	default:
		return nil, fmt.Errorf("element type %s is not read; known: F64, F32, F16, BF16, I64, I32", dtype)
	}
	return dst, nil
}

// HalfToFloat widens an IEEE 754 binary16, subnormals and infinities included.
func HalfToFloat(h uint16) float32 {
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
