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

// Siblings applies units of one geometry to the same x. When training they
// run as one convolution, which reads x once and makes its gradient in one
// pass.
func (b *Builder) Siblings(x *gorgonia.Node, units ...Unit) []*gorgonia.Node {
	ys := make([]*gorgonia.Node, len(units))
	for i := range ys {
		ys[i] = x
	}
	if b.Err() != nil {
		return ys
	}
	weights, norms := make([]*ops.Param, len(units)), make([]ops.Norm, len(units))
	layers := make([]ops.Layer, len(units))
	for i, u := range units {
		weights[i], norms[i] = b.unitParams(x, u)
		layers[i] = b.convLayer(x, u, append([]*ops.Param{weights[i]}, norms[i].Params()...))
		layers[i].Eps = norms[i].Eps
	}
	if !b.Train {
		for i, u := range units {
			y, err := ops.FoldedConv(b.scope+u.Name, x, weights[i], nil, norms[i], u.Window, layers[i])
			ys[i] = b.keep(y, err, x)
		}
		return ys
	}
	if len(units) > 1 {
		b.state.groups = append(b.state.groups, weights)
	}
	zs := b.convolve(x, units, weights, layers)
	for i, u := range units {
		y, err := ops.BatchNormReLU(b.scope+u.Name, zs[i], norms[i])
		ys[i] = b.keep(y, err, x)
	}
	return ys
}

// convolve makes one convolution for all units and a view for each.
func (b *Builder) convolve(x *gorgonia.Node, units []Unit, weights []*ops.Param, layers []ops.Layer) []*gorgonia.Node {
	zs := make([]*gorgonia.Node, len(units))
	for i := range zs {
		zs[i] = x
	}
	w, err := ops.ParamsNode(b.Graph, weights)
	if err != nil {
		b.Fail(err)
		return zs
	}
	k, name := 0, b.scope
	for i, u := range units {
		k += ops.Padded(b.Channels(u.K))
		if i > 0 {
			name += "+"
		}
		name += u.Name
	}
	conv := ops.Conv
	if weights[0].Kind == ops.ImageWeight {
		conv = ops.ImageConv
	}
	z, err := conv(name, x, w, k, units[0].Window, layers...)
	if err != nil {
		b.Fail(err)
		return zs
	}
	if len(units) == 1 {
		return []*gorgonia.Node{z}
	}
	from := 0
	for i, u := range units {
		k := b.Channels(u.K)
		part, err := ops.Channels(b.scope+u.Name+": convolution", z, from, k)
		zs[i] = b.keep(part, err, x)
		from += ops.Padded(k)
	}
	return zs
}

// unitParams returns the parameters of a unit over x, in torchvision's order.
func (b *Builder) unitParams(x *gorgonia.Node, u Unit) (weight *ops.Param, norm ops.Norm) {
	k := b.Channels(u.K)
	weight = b.convWeight(x, u.Name+".conv.weight", k, u.Window)
	norm = ops.Norm{Eps: b.Eps, Momentum: b.Momentum, Frozen: b.frozen(u.Name)}
	if !b.NoGamma {
		norm.Gamma = b.param(u.Name+".bn.weight", ops.Gamma, k)
	}
	norm.Beta = b.param(u.Name+".bn.bias", ops.Beta, k)
	norm.Mean = b.param(u.Name+".bn.running_mean", ops.RunningMean, k)
	norm.Var = b.param(u.Name+".bn.running_var", ops.RunningVar, k)
	return weight, norm
}

// convWeight returns the weights of a convolution over x, which is a batch of
// images or an activation.
func (b *Builder) convWeight(x *gorgonia.Node, name string, k int, v kernel.Window) *ops.Param {
	kind := ops.ConvWeight
	if x.Shape().Dims() == 4 {
		kind = ops.ImageWeight
	}
	return b.param(name, kind, k, ops.ChannelsOf(x), v.R, v.S)
}

func (b *Builder) convLayer(x *gorgonia.Node, u Unit, params []*ops.Param) ops.Layer {
	s := x.Shape()
	oh, ow := u.Out(s[2], s[3])
	k := b.Channels(u.K)
	return ops.Layer{Name: b.scope + u.Name, Op: "conv", Output: [3]int{k, oh, ow}, Params: params, ReLU: true,
		MACs: int64(k) * int64(ops.ChannelsOf(x)*u.R*u.S) * int64(oh*ow), Window: u.Window}
}

// MaxPool takes the maximum over windows.
func (b *Builder) MaxPool(x *gorgonia.Node, name string, p kernel.Pool) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	y, err := ops.MaxPool(b.scope+name, x, p, b.poolLayer(x, name, "max_pool", p))
	return b.keep(y, err, x)
}

// AvgPool averages over windows.
func (b *Builder) AvgPool(x *gorgonia.Node, name string, p kernel.Pool) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	y, err := ops.AvgPool(b.scope+name, x, p, b.poolLayer(x, name, "avg_pool", p))
	return b.keep(y, err, x)
}

func (b *Builder) poolLayer(x *gorgonia.Node, name, op string, p kernel.Pool) ops.Layer {
	s := x.Shape()
	oh, ow := p.Out(s[2], s[3])
	return ops.Layer{Name: b.scope + name, Op: op, Output: [3]int{ops.ChannelsOf(x), oh, ow},
		Window: p.Window, CeilMode: p.CeilMode, CountIncludePad: p.CountIncludePad}
}

// AdaptiveAvgPool averages to size x size pixels, whatever the map's size.
func (b *Builder) AdaptiveAvgPool(x *gorgonia.Node, name string, size int) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	y, err := ops.AdaptiveAvgPool(b.scope+name, x, size, size,
		ops.Layer{Name: b.scope + name, Op: "adaptive_avg_pool", Output: [3]int{ops.ChannelsOf(x), size, size}})
	return b.keep(y, err, x)
}

// GlobalAvgPool averages every channel over its whole plane.
func (b *Builder) GlobalAvgPool(x *gorgonia.Node, name string) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	y, err := ops.GlobalAvgPool(b.scope+name, x,
		ops.Layer{Name: b.scope + name, Op: "global_avg_pool", Output: [3]int{ops.ChannelsOf(x), 1, 1}})
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
	name := b.scope[:len(b.scope)-1]
	s := branches[0].Shape()
	y, err := ops.Concat(name, branches, ops.Layer{Name: name, Op: "concat", Output: [3]int{channels, s[2], s[3]}})
	return b.keep(y, err, branches[0])
}

// Flatten makes a map of 1x1 that has a channel for every value.
func (b *Builder) Flatten(x *gorgonia.Node, name string) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	s := x.Shape()
	y, err := ops.Flatten(b.scope+name, x,
		ops.Layer{Name: b.scope + name, Op: "flatten", Output: [3]int{ops.ChannelsOf(x) * s[2] * s[3], 1, 1}})
	return b.keep(y, err, x)
}

// Linear is a fully connected layer over a map of 1x1.
func (b *Builder) Linear(x *gorgonia.Node, name string, k int) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	layer := b.linearLayer(x, name, k)
	y, err := ops.Linear(b.scope+name, x, layer.Params[0], layer.Params[1], layer)
	return b.keep(y, err, x)
}

// LinearReLU is a fully connected layer in the middle of a network.
func (b *Builder) LinearReLU(x *gorgonia.Node, name string, k int) *gorgonia.Node {
	if b.Err() != nil {
		return x
	}
	layer := b.linearLayer(x, name, k)
	layer.ReLU = true
	y, err := ops.Conv(b.scope+name, x, ops.ParamNode(b.Graph, layer.Params[0]), k, kernel.Square(1, 1, 0), layer)
	if err == nil {
		y, err = ops.BiasReLU(b.scope+name, y, layer.Params[1])
	}
	return b.keep(y, err, x)
}

func (b *Builder) linearLayer(x *gorgonia.Node, name string, k int) ops.Layer {
	c := ops.ChannelsOf(x)
	weight, bias := b.param(name+".weight", ops.LinearWeight, k, c), b.param(name+".bias", ops.Bias, k)
	return ops.Layer{Name: b.scope + name, Op: "linear",
		Output: [3]int{k, 1, 1}, MACs: int64(k) * int64(c), Params: []*ops.Param{weight, bias}}
}
