package kernel

import (
	"fmt"
	"unsafe"
)

// Conv is a 2-D convolution without bias: y[k] = sum over c, r, s of
// w[k][c][r][s] * x[c] shifted by the tap (r, s). C and K are multiples of
// Block; weights are packed [K/16][C/16][R][S][16c][16k] (see PackOIHW). A
// fully connected layer is a 1x1 Conv on maps with H = W = 1.
//
// # Computation
//
// Everything reduces to two tiles (see simd.ISA): a batch-reduce product for
// Forward and BackwardData, and an outer product for BackwardWeights. Both walk
// pixels with a constant stride, and the batch (or the rows) of a tile is a
// list of offsets. A tap outside the image is dropped from the list, or its
// pixels are cut; no padding is copied and no zero is multiplied, which saves a
// padded 3x3 on 8x8 planes a sixth of its work.
//
// Forward and BackwardData are the same product over three dimensions (image,
// row, column; see product): BackwardData reads dy with the weights'
// channels transposed, and for a stride of s it computes s*s separate phases
// of dx, each an ordinary convolution.
//
// A 3x3 with stride 1 has an alternative, Winograd's F(4x4, 3x3) in float32 and
// F(3x3, 3x3) in bf16 (see ForwardWinograd and ForwardWinogradBF16), which BackwardData
// uses where it is faster: the same tiles multiply transformed windows, and windows at
// the border are copied and padded.
//
// A precision (see precision) changes none of this: pixels, weights and results
// have other sizes and other tiles, and bf16 sums that take several calls are kept
// in float32 until the last.
//
// Work is cut into pieces by the shapes alone, and every output value is the
// sum of the same terms in the same order whoever computes it: results do not
// depend on the number of threads.
type Conv struct {
	C, K int
	Window
}

// WeightLen returns the number of packed weights.
func (c Conv) WeightLen() int { return PackedLen(c.K, c.C, c.R, c.S) }

// Forward overwrites y with the convolution of x by the packed weights w.
func (c Conv) Forward(y, x Map, w []float32) {
	c.forward(y, x, w, nil, false)
}

// ForwardBias is Forward, then adds bias[k] to every pixel and, if relu is set,
// replaces negative values by zero. It is for inference with batch norm folded
// into w and bias.
func (c Conv) ForwardBias(y, x Map, w, bias []float32, relu bool) {
	c.forward(y, x, w, bias, relu)
}

func (c Conv) forward(y, x Map, w, bias []float32, relu bool) {
	p := product{precision: inFloat32, slab: slabBytes, operands: operands{
		out: y.operand("Forward"), in: x.operand("Forward"),
		weights: unsafe.Pointer(unsafe.SliceData(w)), bias: bias, relu: relu,
	}}
	if bias == nil {
		p.slab = exactSlabBytes
	}
	c.convolve(&p, len(w))
}

// ForwardBF16 is ForwardBias in bf16, with w from c's RoundWeights: sums and bias are
// float32, and results are rounded once.
func (c Conv) ForwardBF16(y, x MapBF16, w []BF16, bias []float32, relu bool) {
	c.convolve(&product{precision: inBF16, slab: bf16SlabBytes, operands: operands{
		out: y.operand("ForwardBF16"), in: x.operand("ForwardBF16"),
		weights: unsafe.Pointer(unsafe.SliceData(w)), bias: bias, relu: relu,
	}}, len(w))
}

// ForwardRounded is Forward in bf16, with float32 weights as Forward takes them.
func (c Conv) ForwardRounded(y, x MapBF16, w []float32) {
	if len(w) < c.WeightLen() {
		panic(fmt.Sprintf("kernel: ForwardRounded of %+v with %d weights, wants %d", c, len(w), c.WeightLen()))
	}
	memory := borrowFloats(c.BF16WeightLen() / 2)
	defer returnFloats(memory)
	c.RoundWeights(BF16s(memory), w[:c.WeightLen()])
	c.ForwardBF16(y, x, BF16s(memory), nil, false)
}

// convolve runs a forward product.
func (c Conv) convolve(p *product, weights int) {
	wide := c.wideIn(p.precision)
	c.checkMaps("Forward", p.out, p.in)
	c.checkWeights("Forward", weights, c.weightsFor(wide).len())
	if p.bias != nil && len(p.bias) < c.K {
		panic(fmt.Sprintf("kernel: Forward has %d biases for %d channels", len(p.bias), c.K))
	}
	if wide != nil {
		c.runWide(wide, p.operands, false)
		return
	}
	p.run(c.Window, forwards)
}

// BackwardData overwrites dx with the gradient of the input, given the
// gradient dy of the output.
func (c Conv) BackwardData(dx, dy Map, w []float32) {
	out, in := dx.operand("BackwardData"), dy.operand("BackwardData")
	c.check("BackwardData", in, out, len(w))
	transposed := borrowFloats(c.WeightLen())
	defer returnFloats(transposed)
	transposeWeights(transposed, w, c.K/Block, c.C/Block, c.R*c.S)
	if c.hasBackwardWinograd(dx) {
		c.backwardWinograd(dx, dy, transposed)
		return
	}
	c.transposed(product{precision: inFloat32, slab: slabBytes,
		operands: operands{out: out, in: in, weights: unsafe.Pointer(unsafe.SliceData(transposed))}})
}

// BackwardDataBF16 is BackwardData in bf16: weights are rounded (or what Winograd's
// transforms make of them), sums float32, and results are rounded once.
func (c Conv) BackwardDataBF16(dx, dy MapBF16, w []float32) {
	out, in := dx.operand("BackwardDataBF16"), dy.operand("BackwardDataBF16")
	c.check("BackwardDataBF16", in, out, len(w))
	if c.hasBackwardWinogradBF16(dx) {
		transposed := borrowFloats(c.WeightLen())
		defer returnFloats(transposed)
		transposeWeights(transposed, w, c.K/Block, c.C/Block, c.R*c.S)
		c.backwardWinogradBF16(dx, dy, transposed)
		return
	}
	memory := borrowFloats(c.transposedWeights().len() / 2)
	defer returnFloats(memory)
	c.roundTransposed(BF16s(memory), w)
	o := operands{out: out, in: in, weights: unsafe.Pointer(unsafe.SliceData(memory))}
	if wide := c.wideTransposed(); wide != nil {
		c.runWide(wide, o, true)
		return
	}
	c.transposed(product{precision: inBF16, slab: bf16SlabBytes, operands: o})
}

// transposed runs the product p from dy to dx, one phase after the other.
func (c Conv) transposed(p product) {
	for fh := range min(c.StrideH, p.out.h) {
		for fw := range min(c.StrideW, p.out.w) {
			p.run(c.Window, direction{back: true, h: fh, w: fw})
		}
	}
}

// check panics unless the maps and so many weights fit each other: below, memory
// is addressed without bounds checks.
func (c Conv) check(what string, y, x operand, weights int) {
	c.checkMaps(what, y, x)
	c.checkWeights(what, weights, c.WeightLen())
}

func (c Conv) checkWeights(what string, have, want int) {
	if have < want {
		panic(fmt.Sprintf("kernel: %s of %+v with %d weights, wants %d", what, c, have, want))
	}
}

func (c Conv) checkMaps(what string, y, x operand) {
	if c.C%Block != 0 || c.K%Block != 0 || !c.valid() {
		panic(fmt.Sprintf("kernel: %s of the impossible %+v", what, c))
	}
	oh, ow := c.Out(x.h, x.w)
	if x.blocks*Block != c.C || y.blocks*Block != c.K || x.n != y.n || y.h != oh || y.w != ow || oh < 1 || ow < 1 {
		panic(fmt.Sprintf("kernel: %s of %+v between %dx%dx%dx%d and %dx%dx%dx%d", what, c,
			x.n, x.blocks*Block, x.h, x.w, y.n, y.blocks*Block, y.h, y.w))
	}
}

// check panics unless m's memory holds all of m.
func (m Activation[E]) check(what string) {
	if m.N > 0 && len(m.Data) < (m.N-1)*m.Stride+m.C*m.H*m.W {
		panic(fmt.Sprintf("kernel: %s with %d values for a map of %dx%dx%dx%d, stride %d", what,
			len(m.Data), m.N, m.C, m.H, m.W, m.Stride))
	}
}
