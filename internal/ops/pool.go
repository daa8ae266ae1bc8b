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
	o := &op{name: name + ": max pool", result: result, layers: layers, wants: []bool{true}}
	o.forward = func(in []gorgonia.Value) error {
		if argmax == nil {
			argmax = make([]uint8, result.floats())
		}
		p.MaxForward(result.asMap(), mapOf(in[0]), argmax)
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dx := &op{name: name + ": max pool gradient", result: like(in[0])}
		dx.forward = func(in []gorgonia.Value) error {
			p.MaxBackward(dx.result.asMap(), mapOf(in[0]), argmax)
			return nil
		}
		node, err := dx.apply(grad)
		return gorgonia.Nodes{node}, err
	}
	return o.apply(x)
}

// AvgPool averages every window.
func AvgPool(name string, x *gorgonia.Node, p kernel.Pool, layers ...Layer) (*gorgonia.Node, error) {
	result, err := poolShape(name, x, p)
	if err != nil {
		return nil, err
	}
	return pooling(name+": average pool", x, result, p.AvgForward, p.AvgBackward, layers)
}

// GlobalAvgPool averages every channel's whole plane.
func GlobalAvgPool(name string, x *gorgonia.Node, layers ...Layer) (*gorgonia.Node, error) {
	s := x.Shape()
	result := newMapResult(s[0], ChannelsOf(x), 1, 1)
	return pooling(name+": global average pool", x, result, kernel.GlobalAvgForward, kernel.GlobalAvgBackward, layers)
}

// AdaptiveAvgPool averages to h x w pixels over windows that follow from x's
// size, as PyTorch's AdaptiveAvgPool2d does.
func AdaptiveAvgPool(name string, x *gorgonia.Node, h, w int, layers ...Layer) (*gorgonia.Node, error) {
	result := newMapResult(x.Shape()[0], ChannelsOf(x), h, w)
	return pooling(name+": adaptive average pool", x, result, kernel.AdaptiveAvgForward, kernel.AdaptiveAvgBackward,
		layers)
}

// pooling makes the node of a linear pool from its two kernels.
func pooling(name string, x *gorgonia.Node, result *Result, forward, backward func(dst, src kernel.Map),
	layers []Layer) (*gorgonia.Node, error) {
	o := &op{name: name, result: result, layers: layers, wants: []bool{true}}
	o.forward = func(in []gorgonia.Value) error {
		forward(result.asMap(), mapOf(in[0]))
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dx := &op{name: name + " gradient", result: like(in[0])}
		dx.forward = func(in []gorgonia.Value) error {
			backward(dx.result.asMap(), mapOf(in[0]))
			return nil
		}
		node, err := dx.apply(grad)
		return gorgonia.Nodes{node}, err
	}
	return o.apply(x)
}

func poolShape(name string, x *gorgonia.Node, p kernel.Pool) (*Result, error) {
	s := x.Shape()
	oh, ow := p.Out(s[2], s[3])
	if oh < 1 || ow < 1 {
		return nil, &SizeError{Layer: name, H: s[2], W: s[3], R: p.R, S: p.S}
	}
	return newMapResult(s[0], ChannelsOf(x), oh, ow), nil
}
