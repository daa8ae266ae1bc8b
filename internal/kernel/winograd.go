package kernel

import (
	"fmt"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// winogradLeast is the fewest tiles with which reading the larger weights does not take
// too long.
const winogradLeast = 16

// HasWinograd reports whether ForwardWinograd computes c faster than
// ForwardBias on n images of h by w: a 3x3 with stride 1 and enough tiles.
func (c Conv) HasWinograd(n, h, w int) bool {
	oh, ow := c.Out(h, w)
	return c.winogradPays(simd.F4, n, oh, ow)
}

// HasWinogradBF16 reports the same of ForwardWinogradBF16 and ForwardBF16. Where whole
// registers are multiplied (AMX), there is little time to be saved.
func (c Conv) HasWinogradBF16(n, h, w int) bool {
	oh, ow := c.Out(h, w)
	return c.winogradPays(simd.F3, n, oh, ow) && c.wideIn(inBF16) == nil
}

// hasBackwardWinograd is HasWinograd of BackwardData, and hasBackwardWinogradBF16 of
// BackwardDataBF16.
func (c Conv) hasBackwardWinograd(dx Map) bool {
	return c.backwardPays(simd.F4, dx.N, dx.H, dx.W)
}

func (c Conv) hasBackwardWinogradBF16(dx MapBF16) bool {
	return c.backwardPays(simd.F3, dx.N, dx.H, dx.W) && c.wideTransposed() == nil
}

// backwardPays is winogradPays of a gradient of h by w, whose padding must not be negative.
func (c Conv) backwardPays(f *simd.Algorithm, n, h, w int) bool {
	return c.winogradPays(f, n, h, w) && c.PadH < c.R && c.PadW < c.S
}

// winogradPays reports whether results of h by w make enough tiles to pay for
// reading several times as many weights.
func (c Conv) winogradPays(f *simd.Algorithm, n, h, w int) bool {
	return c.R == 3 && c.S == 3 && c.StrideH == 1 && c.StrideW == 1 &&
		n*winogradTiles(f, h)*winogradTiles(f, w) >= winogradLeast
}

func winogradTiles(f *simd.Algorithm, size int) int { return (size + f.Output - 1) / f.Output }

// WinogradLen returns the number of transformed weights.
func (c Conv) WinogradLen() int { return c.K * c.C * simd.F4.Points() }

// WinogradWeights overwrites u with the transform GwG' of the packed 3x3
// weights w, [36][K/16][C/16][16c][16k].
func (c Conv) WinogradWeights(u, w []float32) {
	c.checkWinogradWeights(len(u), c.WinogradLen(), len(w))
	winogradWeights(u, w, c.K/Block*(c.C/Block), forwardTaps)
}

// WinogradBF16Len is WinogradLen in bf16.
func (c Conv) WinogradBF16Len() int { return c.K * c.C * simd.F3.Points() }

// WinogradWeightsBF16 is WinogradWeights in bf16, with pairs of input channels:
// [25][K/16][C/16][8c][16k][2c].
func (c Conv) WinogradWeightsBF16(u []BF16, w []float32) {
	c.checkWinogradWeights(len(u), c.WinogradBF16Len(), len(w))
	winogradWeightsBF16(u, w, c.K/Block*(c.C/Block), forwardTaps)
}

func (c Conv) checkWinogradWeights(have, want, w int) {
	if c.R != 3 || c.S != 3 || have < want || w < c.WeightLen() {
		panic(fmt.Sprintf("kernel: WinogradWeights of %+v from %d to %d values", c, w, have))
	}
}

// tapOrder is where the taps of a kernel begin, and how many bytes they are apart.
type tapOrder struct{ first, apart int }

var (
	forwardTaps  = tapOrder{0, tapBytes}
	backwardTaps = tapOrder{8 * Block * Block, -tapBytes}
)

// winogradWeights transforms the kernels between pairs of blocks.
func winogradWeights(u, w []float32, pairs int, taps tapOrder) {
	parallel.For(pairs, func(i int) {
		s := borrowScratch()
		temporary := s.grow(3 * simd.F4.Window * Block)
		s.transformWeights(&active.Transforms, u[i*Block*Block:], pairs*tapBytes, w[i*9*Block*Block:], taps, temporary)
		s.release()
	})
}

// winogradWeightsBF16 is winogradWeights, rounded.
func winogradWeightsBF16(u []BF16, w []float32, pairs int, taps tapOrder) {
	parallel.For(pairs, func(i int) {
		s := borrowScratch()
		count := simd.F3.Points()
		memory := s.grow((count*Block + 3*simd.F3.Window) * Block)
		points, temporary := memory[:count*Block*Block], memory[count*Block*Block:]
		s.transformWeights(&active.BF16.Transforms, points, tapBytes, w[i*9*Block*Block:], taps, temporary)
		for point := range count {
			active.BF16.PackPairs((*[Block * Block]BF16)(u[(point*pairs+i)*Block*Block:]),
				(*[Block * Block]float32)(points[point*Block*Block:]))
		}
		s.release()
	})
}

// transformWeights transforms the kernels w between two blocks to points that are so
// many bytes apart.
func (s *scratch) transformWeights(
	t *simd.Transforms, points []float32, apart int, w []float32, taps tapOrder, temporary []float32,
) {
	s.winogradWeights = simd.WinogradWeightsArgs{
		Points: unsafe.Pointer(&points[0]), Point: apart,
		W: unsafe.Pointer(&w[taps.first]), Tap: taps.apart,
		Temporary: unsafe.Pointer(&temporary[0]), Constants: t.Algorithm.Numbers,
	}
	t.WinogradWeights(&s.winogradWeights)
}

// ForwardWinograd is ForwardBias by F(4x4, 3x3), with a quarter of its
// multiplications: y's 4x4 tiles are the inverse transform of 36 products
// between transformed 6x6 windows of x and transformed weights u (see
// WinogradWeights). Its rounding error is three to five times ForwardBias's.
func (c Conv) ForwardWinograd(y, x Map, u, bias []float32, relu bool) {
	const name = "ForwardWinograd"
	c.checkWinograd(name, y.operand(name), x.operand(name), len(u), c.WinogradLen(), len(bias))
	p := winogradInFloat32(y, x, u, bias)
	p.run(c.PadH, c.PadW, relu)
}

// ForwardWinogradBF16 is ForwardBF16 by F(3x3, 3x3), with u from WinogradWeightsBF16 and
// a third of the multiplications. The points of windows are rounded too; the transforms'
// arithmetic is float32. Its rounding error is about twice ForwardBF16's.
func (c Conv) ForwardWinogradBF16(y, x MapBF16, u []BF16, bias []float32, relu bool) {
	const name = "ForwardWinogradBF16"
	c.checkWinograd(name, y.operand(name), x.operand(name), len(u), c.WinogradBF16Len(), len(bias))
	p := winogradInBF16(y, x, u, bias)
	p.run(c.PadH, c.PadW, relu)
}

func (c Conv) checkWinograd(what string, y, x operand, weights, want, biases int) {
	c.checkMaps(what, y, x)
	if c.R != 3 || c.S != 3 || c.StrideH != 1 || c.StrideW != 1 || weights < want || biases < c.K {
		panic(fmt.Sprintf("kernel: %s of %+v with %d weights and %d biases", what, c, weights, biases))
	}
}

// backwardWinograd is BackwardData by F(4x4, 3x3): dx is dy convolved with the
// kernels rotated by 180 degrees and their channels exchanged.
func (c Conv) backwardWinograd(dx, dy Map, transposed []float32) {
	u, bias := borrowFloats(c.WinogradLen()), borrowFloats(c.C)
	defer returnFloats(u)
	defer returnFloats(bias)
	clear(bias)
	winogradWeights(u, transposed, c.K/Block*(c.C/Block), backwardTaps)
	p := winogradInFloat32(dx, dy, u, bias)
	p.run(c.R-1-c.PadH, c.S-1-c.PadW, false)
}

// backwardWinogradBF16 is backwardWinograd in bf16, by F(3x3, 3x3).
func (c Conv) backwardWinogradBF16(dx, dy MapBF16, transposed []float32) {
	memory, bias := borrowFloats(c.WinogradBF16Len()/2), borrowFloats(c.C)
	defer returnFloats(memory)
	defer returnFloats(bias)
	clear(bias)
	winogradWeightsBF16(BF16s(memory), transposed, c.K/Block*(c.C/Block), backwardTaps)
	p := winogradInBF16(dx, dy, BF16s(memory), bias)
	p.run(c.R-1-c.PadH, c.S-1-c.PadW, false)
}
