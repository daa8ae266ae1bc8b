package blocks

import (
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// StemBN turns images into 192 channels at an eighth of their size, as
// TF-slim's inception_v2 does.
func (b *Builder) StemBN(image *gorgonia.Node, o StemOptions) *gorgonia.Node {
	first := Unit{"Conv2d_1a_7x7", 64, same(image, 7, o.Stride)}
	var x *gorgonia.Node
	if o.Separable {
		x = b.SeparableConv(image, first)
	} else {
		x = b.Conv(image, first)
	}
	if o.Pool {
		x = b.MaxPool(x, "MaxPool_2a_3x3", kernel.Pool{Window: same(x, 3, 2)})
	}
	x = b.Chain(x, unit("Conv2d_2b_1x1", 64, 1, 1), unit("Conv2d_2c_3x3", 192, 3, 3))
	return b.MaxPool(x, "MaxPool_3a_3x3", kernel.Pool{Window: same(x, 3, 2)})
}

// same returns a square window over x with TensorFlow's SAME padding.
func same(x *gorgonia.Node, size, stride int) kernel.Window {
	s := x.Shape()
	return kernel.Square(size, stride, 0).Same(s[2], s[3])
}

// ChannelsBN are the channels of one of BN-Inception's modules, the columns of
// its paper's figure 5.
type ChannelsBN struct {
	One               int
	ThreeBy1, Three   int // the reduction before the 3x3, and the 3x3 itself
	DoubleBy1, Double int // the reduction before the two 3x3, and the two
	Pool              int
	MaxPool           bool // takes maxima, not averages
}

// InceptionBN is BN-Inception's module (Ioffe and Szegedy, arXiv 1502.03167,
// fig. 5): Inception V1's with two 3x3 convolutions instead of the 5x5.
func (b *Builder) InceptionBN(x *gorgonia.Node, name string, c ChannelsBN) *gorgonia.Node {
	b = b.In(name)
	heads := b.Siblings(x, unit("branch1x1", c.One, 1, 1),
		unit("branch3x3_1", c.ThreeBy1, 1, 1), unit("branch3x3dbl_1", c.DoubleBy1, 1, 1))
	var pooled *gorgonia.Node
	if c.MaxPool {
		pooled = b.Conv(b.MaxPool(x, "pool", kernel.Pool{Window: kernel.Square(3, 1, 1)}), unit("branch_pool", c.Pool, 1, 1))
	} else {
		pooled = b.pooled(x, c.Pool)
	}
	return b.Concat(heads[0],
		b.Conv(heads[1], unit("branch3x3_2", c.Three, 3, 3)),
		b.Chain(heads[2], unit("branch3x3dbl_2", c.Double, 3, 3), unit("branch3x3dbl_3", c.Double, 3, 3)),
		pooled)
}

// ReduceBN is the module that halves the grid: stride-2 convolutions next to the
// pool, and no 1x1 branch.
func (b *Builder) ReduceBN(x *gorgonia.Node, name string, c ChannelsBN) *gorgonia.Node {
	b = b.In(name)
	halve := same(x, 3, 2)
	heads := b.Siblings(x, unit("branch3x3_1", c.ThreeBy1, 1, 1), unit("branch3x3dbl_1", c.DoubleBy1, 1, 1))
	return b.Concat(
		b.Conv(heads[0], Unit{"branch3x3_2", c.Three, halve}),
		b.Chain(heads[1], unit("branch3x3dbl_2", c.Double, 3, 3), Unit{"branch3x3dbl_3", c.Double, halve}),
		b.MaxPool(x, "pool", kernel.Pool{Window: halve}))
}

// SeparableConv is a depthwise convolution of images, a 1x1 convolution, bias
// and ReLU. As in TF-slim's inception_v2 the depthwise half makes eight channels
// of each input channel, unless that is more than the other half has.
func (b *Builder) SeparableConv(image *gorgonia.Node, u Unit) *gorgonia.Node {
	if b.Err() != nil {
		return image
	}
	b = b.within(u.Name).startingAt(1)
	b.place.Whole = b.scope[:len(b.scope)-1]
	k := b.Channels(u.K)
	between := 3 * min(k/3, 8)
	s := image.Shape()
	oh, ow := u.Out(s[2], s[3])
	depth := b.layer(image, "depthwise", ops.OpConv)
	depth.Output, depth.Window, depth.Groups = [3]int{between, oh, ow}, u.Window, 3
	depth.MACs = int64(between*u.R*u.S) * int64(oh*ow)
	depthwise := b.param(depth, "weight", ops.SeparableWeight, between, 1, u.R, u.S)
	point := &layer{branch: depth.branch, Layer: b.sized("pointwise", ops.OpConv, k, oh, ow)}
	point.Window, point.ReLU = kernel.Square(1, 1, 0), true
	point.MACs = int64(k*between) * int64(oh*ow)
	pointwise := b.param(point, "weight", ops.SeparableWeight, k, between, 1, 1)
	bias := b.param(point, "bias", ops.Bias, k)
	layers := []ops.Layer{depth.Layer, point.Layer}
	weights, err := ops.SeparableWeights(u.Name, b.Graph, depthwise, pointwise)
	if err != nil {
		return b.keep(nil, err, image)
	}
	if !b.Train {
		precision := b.Precision
		if b.Int8 != nil { // its weights are those of float32
			precision = ops.FP32
		}
		y, err := ops.ImageConvBiasReLU(u.Name, image, weights, k, bias, u.Window, precision, layers...)
		return b.keep(y, err, image)
	}
	y, err := ops.ImageConv(u.Name, image, weights, k, u.Window, b.Precision, layers...)
	if err == nil {
		y, err = ops.BiasReLU(u.Name, y, bias)
	}
	return b.keep(y, err, image)
}
