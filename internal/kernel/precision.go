package kernel

import (
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// precision is what the drivers need to know of the numbers that a product
// multiplies. Sums are float32 in all of them.
type precision struct {
	tilesOf func(*simd.ISA) *simd.Tiles
	tap     int // bytes of the weights of one tap between two blocks
}

var (
	inFloat32 = &precision{func(s *simd.ISA) *simd.Tiles { return &s.Tiles }, tapBytes}
	inBF16    = &precision{func(s *simd.ISA) *simd.Tiles { return &s.BF16.Tiles }, tapBytes / 2}
)

// operand is an activation as the drivers see it: an address, and sizes in bytes.
type operand struct {
	data            unsafe.Pointer
	n, blocks, h, w int
	stride          int // from an image to the next
	pixel           int // of one channel block
}

// operand checks m's memory.
func (m Activation[E]) operand(what string) operand {
	m.check(what)
	size := int(unsafe.Sizeof(*new(E)))
	return operand{
		data: unsafe.Pointer(unsafe.SliceData(m.Data)), n: m.N, blocks: m.Blocks(), h: m.H, w: m.W,
		stride: m.Stride * size, pixel: Block * size,
	}
}

// plane returns the bytes of one channel block of an image.
func (o *operand) plane() int { return o.h * o.w * o.pixel }

// RoundWeights rounds packed weights to bf16 and puts the pairs of neighbouring
// input channels together: [K/16][C/16][R][S][8c][16k][2c].
func RoundWeights(rounded []BF16, packed []float32) {
	parallel.For(len(packed)/(Block*Block), func(i int) {
		from := (*[Block][Block]float32)(unsafe.Pointer(&packed[i*Block*Block]))
		to := (*[Block / 2][Block][2]BF16)(unsafe.Pointer(&rounded[i*Block*Block : (i+1)*Block*Block][0]))
		for c := range from {
			for k, v := range from[c] {
				to[c/2][k][c%2] = simd.RoundBF16(v)
			}
		}
	})
}

// BF16s returns memory of floats as twice as many bf16.
func BF16s(floats []float32) []BF16 {
	return unsafe.Slice((*BF16)(unsafe.Pointer(unsafe.SliceData(floats))), 2*len(floats))
}

// Bytes returns memory of floats as four times as many bytes.
func Bytes(floats []float32) []uint8 {
	return unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(floats))), floatBytes*len(floats))
}

// Widen overwrites to with the values of from.
func Widen(to []float32, from []BF16) {
	for i, v := range from {
		to[i] = widen(v)
	}
}

func widen(v BF16) float32 {
	bits := uint32(v) << 16
	return *(*float32)(unsafe.Pointer(&bits))
}
