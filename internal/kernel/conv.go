package kernel

import "fmt"

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
// A 3x3 with stride 1 has an alternative, F(4x4, 3x3) (see ForwardWinograd),
// which BackwardData uses where it is faster: the same tiles multiply
// transformed windows, and windows at the border are copied and padded.
//
// Shapes alone decide how work is cut into pieces, and every output value is the
// sum of the same terms in the same order whichever thread computes it: results
// do not depend on the number of threads.
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
	c.check("Forward", y, x, w)
	if bias != nil && len(bias) < y.C {
		panic(fmt.Sprintf("kernel: Forward has %d biases for %d channels", len(bias), y.C))
	}
	p := product{
		out: y, in: x, weights: w, bias: bias, relu: relu,
		tapsPerBlock: c.R * c.S, slab: slabBytes,
	}
	if bias == nil {
		p.slab = exactSlabBytes
	}
	rows := forwardDim(y.H, x.H, c.R, c.StrideH, c.PadH)
	cols := forwardDim(y.W, x.W, c.S, c.StrideW, c.PadW)
	p.run(rows, cols, c.S)
}

// BackwardData overwrites dx with the gradient of the input, given the
// gradient dy of the output.
func (c Conv) BackwardData(dx, dy Map, w []float32) {
	c.check("BackwardData", dy, dx, w)
	transposed := borrowFloats(c.WeightLen())
	defer returnFloats(transposed)
	transposeWeights(transposed, w, c.K/Block, c.C/Block, c.R*c.S)
	if c.winogradPays(dx.N, dx.H, dx.W) && c.PadH < c.R && c.PadW < c.S {
		c.backwardWinograd(dx, dy, transposed)
		return
	}
	for fh := range min(c.StrideH, dx.H) {
		for fw := range min(c.StrideW, dx.W) {
			p := product{
				out: dx, in: dy, weights: transposed,
				tapsPerBlock: c.R * c.S, slab: slabBytes,
			}
			rows := backwardDim(dx.H, dy.H, c.R, c.StrideH, c.PadH, fh)
			cols := backwardDim(dx.W, dy.W, c.S, c.StrideW, c.PadW, fw)
			p.run(rows, cols, c.S)
		}
	}
}

// check panics unless the maps and weights fit each other, because the innermost
// loops access memory without bounds checks.
func (c Conv) check(what string, y, x Map, w []float32) {
	if c.C%Block != 0 || c.K%Block != 0 || !c.valid() {
		panic(fmt.Sprintf("kernel: %s of the impossible %+v", what, c))
	}
	oh, ow := c.Out(x.H, x.W)
	if x.C != c.C || y.C != c.K || x.N != y.N || y.H != oh || y.W != ow || oh < 1 || ow < 1 {
		panic(fmt.Sprintf("kernel: %s of %+v between %dx%dx%dx%d and %dx%dx%dx%d", what, c,
			x.N, x.C, x.H, x.W, y.N, y.C, y.H, y.W))
	}
	if len(w) < c.WeightLen() {
		panic(fmt.Sprintf("kernel: %s of %+v with %d weights, wants %d", what, c, len(w), c.WeightLen()))
	}
	x.check(what)
	y.check(what)
}

// check panics unless m's memory holds all of m.
func (m Map) check(what string) {
	if m.N > 0 && len(m.Data) < (m.N-1)*m.Stride+m.C*m.H*m.W {
		panic(fmt.Sprintf("kernel: %s with %d floats for a map of %dx%dx%dx%d, stride %d", what,
			len(m.Data), m.N, m.C, m.H, m.W, m.Stride))
	}
}
