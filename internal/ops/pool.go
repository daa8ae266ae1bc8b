package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// MaxPool takes the largest value of every window; padding never wins.
func MaxPool(name string, x *gorgonia.Node, p kernel.Pool, layers ...Layer) (*gorgonia.Node, error) {
	result, err := poolShape(name, x, p)
	if err != nil {
		return nil, err
	}
	var argmax []uint8
	o := &op{name: name + ": max pool", result: result, layers: layers, wants: []bool{true}, bf16: true}
	forward := unary{
		float: func(y, x kernel.Map) { p.MaxForward(y, x, argmax) },
		half:  func(y, x kernel.MapBF16) { p.MaxForwardBF16(y, x, argmax) },
	}
	trained := false
	o.forward = func(in []gorgonia.Value) error {
		if argmax == nil && (trained || result.precision == FP32) {
			argmax = make([]uint8, result.shape.TotalSize())
		}
		return forward.run(result, in[0])
	}
	backward := unary{
		float: func(dx, dy kernel.Map) { p.MaxBackward(dx, dy, argmax) },
		half:  func(dx, dy kernel.MapBF16) { p.MaxBackwardBF16(dx, dy, argmax) },
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		trained = true
		return gradientNode(name+": max pool gradient", in[0], grad, backward)
	}
	return o.apply(x)
}

// gradientNode makes the node of x's gradient, which the kernel makes of grad.
func gradientNode(name string, x, grad *gorgonia.Node, kernel unary) (gorgonia.Nodes, error) {
	dx := &op{name: name, result: like(x), bf16: true}
	dx.forward = func(in []gorgonia.Value) error { return kernel.run(dx.result, in[0]) }
	node, err := dx.apply(grad)
	return gorgonia.Nodes{node}, err
}

// AvgPool averages every window.
func AvgPool(name string, x *gorgonia.Node, p kernel.Pool, layers ...Layer) (*gorgonia.Node, error) {
	result, err := poolShape(name, x, p)
	if err != nil {
		return nil, err
	}
	average := linearPool{unary{p.AvgForward, p.AvgForwardBF16}, unary{p.AvgBackward, p.AvgBackwardBF16}}
	return average.apply(name+": average pool", x, result, layers)
}

// GlobalAvgPool averages every channel's whole plane. Its result is float32
// always: the classifier takes little time.
func GlobalAvgPool(name string, x *gorgonia.Node, layers ...Layer) (*gorgonia.Node, error) {
	average := widening{
		kernel.GlobalAvgForward, kernel.GlobalAvgForwardBF16, kernel.GlobalAvgBackward, kernel.GlobalAvgBackwardBF16,
	}
	return average.apply(name+": global average pool", x, newMapResult(x.Shape()[0], ChannelsOf(x), 1, 1), layers)
}

// AdaptiveAvgPool averages to h x w pixels over windows that depend on x's size,
// as PyTorch's AdaptiveAvgPool2d does.
func AdaptiveAvgPool(name string, x *gorgonia.Node, h, w int, layers ...Layer) (*gorgonia.Node, error) {
	result := newMapResult(x.Shape()[0], ChannelsOf(x), h, w)
	result.precision = precisionOf(x)
	average := linearPool{
		unary{kernel.AdaptiveAvgForward, kernel.AdaptiveAvgForwardBF16},
		unary{kernel.AdaptiveAvgBackward, kernel.AdaptiveAvgBackwardBF16},
	}
	return average.apply(name+": adaptive average pool", x, result, layers)
}

// linearPool are the kernels of a pool that is linear.
type linearPool struct{ forward, backward unary }

// apply makes the pool's node.
func (p linearPool) apply(name string, x *gorgonia.Node, result *Result, layers []Layer) (*gorgonia.Node, error) {
	o := &op{name: name, result: result, layers: layers, wants: []bool{true}, bf16: true}
	o.forward = func(in []gorgonia.Value) error { return p.forward.run(result, in[0]) }
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		return gradientNode(name+" gradient", in[0], grad, p.backward)
	}
	return o.apply(x)
}

func poolShape(name string, x *gorgonia.Node, p kernel.Pool) (*Result, error) {
	s := x.Shape()
	oh, ow := p.Out(s[2], s[3])
	if oh < 1 || ow < 1 {
		return nil, &SizeError{Layer: name, H: s[2], W: s[3], R: p.R, S: p.S}
	}
	result := newMapResult(s[0], ChannelsOf(x), oh, ow)
	result.precision = precisionOf(x)
	return result, nil
}
