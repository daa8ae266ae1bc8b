package kernel

import (
	"fmt"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// MapInt8 is an activation in bytes without a sign: value v stands for v times a
// scale that its user knows, 0 for zero.
type MapInt8 = Activation[uint8]

var inInt8 = &precision{
	func(s *simd.ISA) *simd.Tiles { return &s.Int8.Tiles },
	func(s *simd.ISA) *simd.Wide { return s.Int8.Wide },
	tapBytes / 4,
}

// Int8Weights are a convolution's weights for bytes. Its sums of products and Bias
// are integers; a result is that times the channel's Scale in float32, rounded by
// simd.RoundByte. Its lower limit of 0 is the ReLU.
type Int8Weights struct {
	W     []int8    // from PackInt8 or PackImageInt8
	Bias  []int32   // of each output channel, padding included
	Scale []float32 // likewise
}

// The largest sums of an int8 convolution: of MaxInt8Terms products, and with a
// bias of at most MaxInt8Bias in size, they fit 32 bits.
const (
	MaxInt8Bias  = 1 << 30
	MaxInt8Terms = (1<<30 - 1) / (255 * 128)
)

// Int8WeightLen returns how many weights PackInt8 makes.
func (c Conv) Int8WeightLen() int { return c.weightsFor(c.wideIn(inInt8)).len() }

// PackInt8 makes weights for ForwardInt8 of weights [k][ci][r][s], padding k and ci
// with zeros to c's: [K/16][C/16][R][S][4][16k][4c], or as the implementation in use
// takes them.
func (c Conv) PackInt8(packed, oihw []int8, k, ci int) {
	fill(c.weightsFor(c.wideIn(inInt8)), packed, func(to *[Block * Block]int8, out, in, tap int) {
		clear(to[:])
		for cl := range max(0, min(Block, ci-in*Block)) {
			for kl := range max(0, min(Block, k-out*Block)) {
				to[cl/4*4*Block+kl*4+cl%4] = oihw[((out*Block+kl)*ci+in*Block+cl)*c.R*c.S+tap]
			}
		}
	})
}

// ForwardInt8 is ForwardBias with a ReLU in bytes.
func (c Conv) ForwardInt8(y, x MapInt8, w Int8Weights) {
	w.check("ForwardInt8", c.K)
	c.convolve(&product{precision: inInt8, slab: int8SlabBytes, operands: operands{
		out: y.operand("ForwardInt8"), in: x.operand("ForwardInt8"),
		weights: unsafe.Pointer(unsafe.SliceData(w.W)), bias: w.bias(), scale: w.Scale,
	}}, len(w.W))
}

// bias returns the 32-bit integers as tiles take them.
func (w Int8Weights) bias() []float32 {
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(w.Bias))), len(w.Bias))
}

func (w Int8Weights) check(what string, k int) {
	if len(w.Bias) < k || len(w.Scale) < k {
		panic(fmt.Sprintf("kernel: %s has %d biases and %d scales for %d channels", what, len(w.Bias), len(w.Scale), k))
	}
}

// MaxForwardInt8 is MaxForward in bytes, without argmax. Maxima are multiplied by
// factor and rounded, unless it is 1.
func (p Pool) MaxForwardInt8(y, x MapInt8, factor float32) {
	plan := p.planRows(x.H, x.W, Block, y.H)
	table := rescaling(factor)
	eachPlane(y, func(a *simd.PoolArgs, image, block, _ int) {
		to := y.Plane(image, block)
		runPool(plan, a, to, x.Plane(image, block), nil, active.Int8.PoolMax, 0)
		if factor != 1 {
			table.apply(to, to)
		}
	})
}

// AvgForwardInt8 is AvgForward in bytes: a sum, exact, is multiplied by factor over
// the window's divisor, as one float32, and rounded once.
func (p Pool) AvgForwardInt8(y, x MapInt8, factor float32) {
	if p.R*p.S > simd.MaxByteTaps {
		panic(fmt.Sprintf("kernel: an average of %dx%d bytes; the limit is %d", p.R, p.S, simd.MaxByteTaps))
	}
	plan := p.planRows(x.H, x.W, Block, y.H).times(factor)
	loop := p.sumLoop(active.Int8.PoolSum, active.Int8.PoolSum3)
	eachPlane(y, func(a *simd.PoolArgs, image, block, _ int) {
		runPool(plan, a, y.Plane(image, block), x.Plane(image, block), nil, loop, 0)
	})
}

// GlobalAvgForwardInt8 overwrites y with the mean of each channel's plane, times
// scale, in float32.
func GlobalAvgForwardInt8(y Map, x MapInt8, scale float32) {
	blocks, factor := x.Blocks(), float64(scale)/float64(x.H*x.W)
	parallel.For(x.N*blocks, func(i int) {
		sums := sumBytes(x.Plane(i/blocks, i%blocks))
		to := y.Plane(i/blocks, i%blocks)
		for lane := range to {
			to[lane] = float32(float64(sums[lane]) * factor)
		}
	})
}

// sumBytes sums the pixels of a plane, by eight channels in two words of four sums
// of 16 bits each.
func sumBytes(plane []uint8) (sums [Block]uint64) {
	const even, perTurn = 0x00ff00ff00ff00ff, simd.MaxByteTaps
	words := unsafe.Slice((*[2]uint64)(unsafe.Pointer(unsafe.SliceData(plane))), len(plane)/Block)
	for len(words) > 0 {
		turn := words[:min(len(words), perTurn)]
		words = words[len(turn):]
		var low, high [2]uint64
		for _, w := range turn {
			low[0] += w[0] & even
			high[0] += w[0] >> 8 & even
			low[1] += w[1] & even
			high[1] += w[1] >> 8 & even
		}
		for lane := range sums {
			word := low[lane/8]
			if lane%2 == 1 {
				word = high[lane/8]
			}
			sums[lane] += word >> (lane % 8 / 2 * 16) & 0xffff
		}
	}
	return sums
}

// Rescale overwrites y with x times factor, rounded.
func Rescale(y, x MapInt8, factor float32) {
	table := rescaling(factor)
	eachPlane(y, func(_ *simd.PoolArgs, image, block, _ int) { table.apply(y.Plane(image, block), x.Plane(image, block)) })
}

// Quantise overwrites y with x times factor, rounded.
func Quantise(y MapInt8, x Map, factor float32) {
	eachPlane(y, func(_ *simd.PoolArgs, image, block, _ int) {
		to := y.Plane(image, block)
		for i, v := range x.Plane(image, block) {
			to[i] = simd.RoundByte(v * factor)
		}
	})
}

// Dequantise overwrites y with x times scale.
func Dequantise(y Map, x MapInt8, scale float32) {
	eachPlane(y, func(_ *simd.PoolArgs, image, block, _ int) {
		to := y.Plane(image, block)
		for i, v := range x.Plane(image, block) {
			to[i] = float32(v) * scale
		}
	})
}

// byteTable is what each byte becomes.
type byteTable [256]uint8

func rescaling(factor float32) *byteTable {
	var t byteTable
	for v := range t {
		t[v] = simd.RoundByte(float32(v) * factor)
	}
	return &t
}

func (t *byteTable) apply(to, from []uint8) {
	for i, v := range from {
		to[i] = t[v]
	}
}
