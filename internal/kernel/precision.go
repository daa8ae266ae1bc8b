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
	wideOf  func(*simd.ISA) *simd.Wide // nil where there are none
	tap     int                        // bytes of the weights of one tap between two blocks
}

var (
	inFloat32 = &precision{
		func(s *simd.ISA) *simd.Tiles { return &s.Tiles },
		func(*simd.ISA) *simd.Wide { return nil },
		tapBytes,
	}
	inBF16 = &precision{
		func(s *simd.ISA) *simd.Tiles { return &s.BF16.Tiles },
		func(s *simd.ISA) *simd.Wide { return s.BF16.Wide },
		tapBytes / 2,
	}
)

// operand is an activation as the drivers see it: an address, and sizes in bytes.
type operand struct {
	data unsafe.Pointer
	extent
}

// extent is where an operand's values lie.
type extent struct {
	n, blocks, h, w int
	stride          int // from an image to the next
	pixel           int // of one channel block
}

// operand checks m's memory.
func (m Activation[E]) operand(what string) operand {
	m.check(what)
	size := int(unsafe.Sizeof(*new(E)))
	return operand{unsafe.Pointer(unsafe.SliceData(m.Data)), extent{
		n: m.N, blocks: m.Blocks(), h: m.H, w: m.W, stride: m.Stride * size, pixel: Block * size,
	}}
}

// plane returns the bytes of one channel block of an image.
func (o *extent) plane() int { return o.h * o.w * o.pixel }

// RoundWeights rounds packed weights to bf16 and puts the pairs of neighbouring
// input channels together: [K/16][C/16][R][S][8c][16k][2c]. It is for an ImageConv;
// a Conv has its own.
func RoundWeights(rounded []BF16, packed []float32) {
	const each = 64 // taps of a piece of work
	pack, taps := active.BF16.PackPairs, len(packed)/(Block*Block)
	parallel.For((taps+each-1)/each, func(i int) {
		for at := i * each; at < min(taps, (i+1)*each); at++ {
			pack((*[Block * Block]BF16)(rounded[at*Block*Block:]), (*[Block * Block]float32)(packed[at*Block*Block:]))
		}
	})
}

// BF16WeightLen returns how many values RoundWeights makes.
func (c Conv) BF16WeightLen() int { return c.weightsFor(c.wideIn(inBF16)).len() }

// RoundWeights makes weights for ForwardBF16 of packed ones. Their layout is that of
// the implementation in use.
func (c Conv) RoundWeights(rounded []BF16, packed []float32) {
	round, from := active.BF16.PackPairs, c.weightsFor(nil)
	fill(c.weightsFor(c.wideIn(inBF16)), rounded, func(to *[Block * Block]BF16, out, in, tap int) {
		round(to, (*[Block * Block]float32)(packed[from.at(out, in, tap):]))
	})
}

// wideTransposed returns the products for BackwardDataBF16, or nil. There must be
// padding left in its direction, and one phase.
func (c Conv) wideTransposed() *simd.Wide {
	if c.StrideW != 1 || c.PadH >= c.R || c.PadW >= c.S {
		return nil
	}
	return c.wideIn(inBF16)
}

// transposedWeights returns the layout of weights for BackwardDataBF16.
func (c Conv) transposedWeights() weightLayout {
	return Conv{c.K, c.C, c.Window}.weightsFor(c.wideTransposed())
}

// roundTransposed rounds packed weights to those of the transposed product, with pairs
// of k: [cb][kb][taps][8k][16c][2k], or as wide products take them.
func (c Conv) roundTransposed(rounded []BF16, packed []float32) {
	round, from := active.BF16.PackTransposed, c.weightsFor(nil)
	fill(c.transposedWeights(), rounded, func(to *[Block * Block]BF16, out, in, tap int) {
		round(to, (*[Block * Block]float32)(packed[from.at(in, out, tap):]))
	})
}

// pairImages overwrites y, of 4-byte elements, with pairs of bf16 of neighbouring
// images of x: a reduction over images and pixels takes two images at once. An odd
// last image is paired with zeros.
func pairImages(y Map, x MapBF16) {
	blocks, size := x.Blocks(), x.H*x.W*Block
	var zeros []float32
	if x.N%2 != 0 {
		zeros = borrowFloats(size / 2)
		defer returnFloats(zeros)
		clear(zeros)
	}
	parallel.For(y.N*blocks, func(i int) {
		image, block := 2*(i/blocks), i%blocks
		high := BF16s(zeros)
		if image+1 < x.N {
			high = x.Plane(image+1, block)
		}
		active.BF16.Pair(BF16s(y.Plane(i/blocks, block)), x.Plane(image, block), high)
	})
}

// BF16s returns memory of floats as twice as many bf16.
func BF16s(floats []float32) []BF16 { return elements[BF16](floats) }

// Bytes returns memory of floats as four times as many bytes.
func Bytes(floats []float32) []uint8 { return elements[uint8](floats) }

// elements returns memory of floats as what an activation consists of.
func elements[E Element](floats []float32) []E {
	return unsafe.Slice((*E)(unsafe.Pointer(unsafe.SliceData(floats))), floatBytes*len(floats)/int(unsafe.Sizeof(*new(E))))
}

// Widen overwrites to with the values of from, whole blocks of them.
func Widen(to []float32, from []BF16) { active.BF16.Widen(to, from, 1) }
