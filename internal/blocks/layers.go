package blocks

import (
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// Unit is a convolution with batch norm and ReLU, the paper's only kind of
// convolution.
type Unit struct {
	Name string
	K    int // output channels at width 1
	kernel.Window
}

// unit returns a stride-1 Unit that keeps the map's size.
func unit(name string, k, r, s int) Unit {
	return Unit{name, k, kernel.Window{R: r, S: s, StrideH: 1, StrideW: 1, PadH: r / 2, PadW: s / 2}}
}

// valid returns an unpadded square Unit.
func valid(name string, k, size, stride int) Unit {
	return Unit{name, k, kernel.Square(size, stride, 0)}
}

// Chain applies units one after another.
func (b *Builder) Chain(x *gorgonia.Node, units ...Unit) *gorgonia.Node {
	for _, u := range units {
		x = b.Conv(x, u)
	}
	return x
}

// Conv applies one unit.
func (b *Builder) Conv(x *gorgonia.Node, u Unit) *gorgonia.Node {
	return b.Siblings(x, u)[0]
}

// Siblings applies units of the same geometry to the same x. In training they
// run as one convolution, which reads x once and computes its gradient in one
// pass.
func (b *Builder) Siblings(x *gorgonia.Node, units ...Unit) []*gorgonia.Node {
	ys := make([]*gorgonia.Node, len(units))
	for i := range ys {
		ys[i] = x
	}
	if b.Err() != nil {
		return ys
	}
	layers, norms := make([]*layer, len(units)), make([]ops.Norm, len(units))
	for i, u := range units {
		layers[i] = b.conv(x, u)
		norms[i] = b.norm(layers[i])
	}
	if !b.Train {
		for i, l := range layers {
			y, err := b.folded(l, x, nil, norms[i])
			ys[i] = b.made(l, y, err, x)
		}
		return ys
	}
	weights := weightsOf(layers)
	if len(units) > 1 {
		b.state.groups = append(b.state.groups, weights)
	}
	for i, z := range b.convolve(x, layers) {
		y, err := ops.BatchNormReLU(layers[i].Name, z, norms[i])
		ys[i] = b.made(layers[i], y, err, x)
	}
	return ys
}

// folded makes a convolution for inference.
func (b *Builder) folded(l *layer, x *gorgonia.Node, bias *ops.Param, norm ops.Norm) (*gorgonia.Node, error) {
	if b.Int8 != nil {
		return b.Int8.Conv(x, b.Folds, bias, norm, l.Layer)
	}
	return ops.FoldedConv(l.Name, x, b.Folds, l.Params[0], bias, norm, l.Window, b.Precision, l.Layer)
}

// convolve makes one convolution for all layers and a view for each layer.
func (b *Builder) convolve(x *gorgonia.Node, layers []*layer) []*gorgonia.Node {
	zs := make([]*gorgonia.Node, len(layers))
	for i := range zs {
		zs[i] = x
	}
	weights := weightsOf(layers)
	w, err := ops.ParamsNode(b.Graph, weights)
	if err != nil {
		b.Fail(err)
		return zs
	}
	k, name := 0, b.scope
	facts := make([]ops.Layer, len(layers))
	for i, l := range layers {
		facts[i] = l.Layer
		k += ops.Padded(l.Output[0])
		if i > 0 {
			name += "+"
		}
		name += l.Name[len(b.scope):]
	}
	z, err := b.bareConv(name, x, w, k, layers[0].Window, facts...)
	if err != nil {
		b.Fail(err)
		return zs
	}
	if len(layers) == 1 {
		return []*gorgonia.Node{z}
	}
	from := 0
	for i, l := range layers {
		part, err := ops.Channels(l.Name+": convolution", z, from, l.Output[0])
		zs[i] = b.keep(part, err, x)
		from += ops.Padded(l.Output[0])
	}
	return zs
}

// bareConv makes a convolution without batch norm or bias, of a batch of images or
// of an activation.
func (b *Builder) bareConv(name string, x, w *gorgonia.Node, k int, v kernel.Window, facts ...ops.Layer) (
	*gorgonia.Node, error) {
	if x.Shape().Dims() == 4 {
		return ops.ImageConv(name, x, w, k, v, b.Precision, facts...)
	}
	return ops.Conv(name, x, w, k, v, facts...)
}

func weightsOf(layers []*layer) (weights []*ops.Param) {
	for _, l := range layers {
		weights = append(weights, l.Params[0])
	}
	return weights
}

// conv returns the layer of a unit over x, which is a batch of images or an
// activation, with its weights.
func (b *Builder) conv(x *gorgonia.Node, u Unit) *layer {
	l := b.layer(x, u.Name, ops.OpConv)
	s, c, k := x.Shape(), ops.ChannelsOf(x), b.Channels(u.K)
	kind := ops.ConvWeight
	if s.Dims() == 4 {
		kind = ops.ImageWeight
	}
	b.param(l, "conv.weight", kind, k, c, u.R, u.S)
	oh, ow := u.Out(s[2], s[3])
	l.Output = [3]int{k, oh, ow}
	l.MACs = int64(k) * int64(c*u.R*u.S) * int64(oh*ow)
	l.Window, l.ReLU = u.Window, true
	return l
}

// norm adds batch norm to a layer, its parameters in torchvision's order.
func (b *Builder) norm(l *layer) ops.Norm {
	k := l.Output[0]
	n := ops.Norm{Eps: b.Eps, Frozen: b.frozen(l.Name) || b.FrozenNorms && !b.place.Aux, Share: b.Share}
	if !b.NoGamma {
		n.Gamma = b.param(l, "bn.weight", ops.Gamma, k)
	}
	n.Beta = b.param(l, "bn.bias", ops.Beta, k)
	n.Mean = b.param(l, "bn.running_mean", ops.RunningMean, k)
	n.Var = b.param(l, "bn.running_var", ops.RunningVar, k)
	l.Eps = n.Eps
	return n
}

// MaxPool takes the maximum over windows.
func (b *Builder) MaxPool(x *gorgonia.Node, name string, p kernel.Pool) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	l := b.poolLayer(x, name, ops.OpMaxPool, p)
	if b.Int8 != nil {
		y, err := b.Int8.MaxPool(x, p, l)
		return b.keep(y, err, x)
	}
	y, err := ops.MaxPool(l.Name, x, p, l)
	return b.keep(y, err, x)
}

// AvgPool averages over windows.
func (b *Builder) AvgPool(x *gorgonia.Node, name string, p kernel.Pool) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	l := b.poolLayer(x, name, ops.OpAvgPool, p)
	if b.Int8 != nil {
		y, err := b.Int8.AvgPool(x, p, l)
		return b.keep(y, err, x)
	}
	y, err := ops.AvgPool(l.Name, x, p, l)
	return b.keep(y, err, x)
}

func (b *Builder) poolLayer(x *gorgonia.Node, name string, op ops.Operation, p kernel.Pool) ops.Layer {
	s := x.Shape()
	oh, ow := p.Out(s[2], s[3])
	l := b.sized(name, op, ops.ChannelsOf(x), oh, ow)
	l.Window, l.CeilMode, l.CountIncludePad = p.Window, p.CeilMode, p.CountIncludePad
	return l
}

// AdaptiveAvgPool averages any map to size x size pixels.
func (b *Builder) AdaptiveAvgPool(x *gorgonia.Node, name string, size int) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	y, err := ops.AdaptiveAvgPool(b.scope+name, x, size, size,
		b.sized(name, ops.OpAdaptiveAvgPool, ops.ChannelsOf(x), size, size))
	return b.keep(y, err, x)
}

// GlobalAvgPool averages every channel over its whole plane.
func (b *Builder) GlobalAvgPool(x *gorgonia.Node, name string) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	l := b.sized(name, ops.OpGlobalAvgPool, ops.ChannelsOf(x), 1, 1)
	if b.Int8 != nil {
		y, err := b.Int8.GlobalAvgPool(x, l)
		return b.keep(y, err, x)
	}
	y, err := ops.GlobalAvgPool(l.Name, x, l)
	return b.keep(y, err, x)
}

// Concat joins branches along the channels.
func (b *Builder) Concat(branches ...*gorgonia.Node) *gorgonia.Node {
	if b.Err() != nil {
		return branches[0]
	}
	channels := 0
	for _, x := range branches {
		channels += ops.ChannelsOf(x)
	}
	s := branches[0].Shape()
	l := b.sized("", ops.OpConcat, channels, s[2], s[3])
	l.Name = b.scope[:len(b.scope)-1]
	if b.Int8 != nil {
		y, err := b.Int8.Concat(branches, l)
		return b.keep(y, err, branches[0])
	}
	y, err := ops.Concat(l.Name, branches, l)
	return b.keep(y, err, branches[0])
}

// Flatten makes a 1x1 map with a channel for every value.
func (b *Builder) Flatten(x *gorgonia.Node, name string) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	s := x.Shape()
	y, err := ops.Flatten(b.scope+name, x,
		b.sized(name, ops.OpFlatten, ops.ChannelsOf(x)*s[2]*s[3], 1, 1))
	return b.keep(y, err, x)
}

// Linear is the fully connected layer of a classifier, over a map of 1x1. Its
// first weights have a deviation of 0.001, so that the first answers are all but
// uniform. The released code has that in its auxiliary classifiers
// (research/inception, research/slim, torchvision); its main one begins with
// 0.01 in research/inception, 0.1 in torchvision, by the fan-in in research/slim.
func (b *Builder) Linear(x *gorgonia.Node, name string, k int) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	b = b.startingAt(0.001)
	b.place.Head = true
	l := b.linear(x, name, k)
	y, err := ops.Linear(l.Name, x, l.Params[0], l.Params[1], l.Layer)
	return b.made(l, y, err, x)
}

// LinearReLU is a fully connected layer with ReLU in the middle of a network.
func (b *Builder) LinearReLU(x *gorgonia.Node, name string, k int) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	l := b.startingAt(0.01).linear(x, name, k)
	l.ReLU = true
	y, err := ops.Conv(l.Name, x, ops.ParamNode(b.Graph, l.Params[0]), k, kernel.Square(1, 1, 0), l.Layer)
	if err == nil {
		y, err = ops.BiasReLU(l.Name, y, l.Params[1])
	}
	return b.made(l, y, err, x)
}

func (b *Builder) linear(x *gorgonia.Node, name string, k int) *layer {
	c := ops.ChannelsOf(x)
	l := b.layer(x, name, ops.OpLinear)
	l.Output, l.MACs = [3]int{k, 1, 1}, int64(k)*int64(c)
	b.param(l, "weight", ops.LinearWeight, k, c)
	b.param(l, "bias", ops.Bias, k)
	return l
}
