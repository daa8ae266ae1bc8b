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
	o.forward = func(in []gorgonia.Value) error {
		if result.precision == BF16 {
			p.MaxForwardBF16(result.asBF16(), bf16Of(in[0]))
			return nil
		}
		if argmax == nil {
			argmax = make([]uint8, result.shape.TotalSize())
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
	average := linearPool{forward: p.AvgForward, backward: p.AvgBackward,
		bf16: func(x kernel.MapBF16) { p.AvgForwardBF16(result.asBF16(), x) }}
	return average.apply(name+": average pool", x, result, layers)
}

// GlobalAvgPool averages every channel's whole plane. Its result is float32
// always: the classifier takes little time.
func GlobalAvgPool(name string, x *gorgonia.Node, layers ...Layer) (*gorgonia.Node, error) {
	s := x.Shape()
	result := newMapResult(s[0], ChannelsOf(x), 1, 1)
	average := linearPool{forward: kernel.GlobalAvgForward, backward: kernel.GlobalAvgBackward,
		bf16: func(x kernel.MapBF16) { kernel.GlobalAvgForwardBF16(result.asMap(), x) },
		int8: func(x kernel.MapInt8, scale float32) { kernel.GlobalAvgForwardInt8(result.asMap(), x, scale) }}
	return average.apply(name+": global average pool", x, result, layers)
}

// AdaptiveAvgPool averages to h x w pixels over windows that depend on x's size,
// as PyTorch's AdaptiveAvgPool2d does.
func AdaptiveAvgPool(name string, x *gorgonia.Node, h, w int, layers ...Layer) (*gorgonia.Node, error) {
	result := newMapResult(x.Shape()[0], ChannelsOf(x), h, w)
	average := linearPool{forward: kernel.AdaptiveAvgForward, backward: kernel.AdaptiveAvgBackward}
	return average.apply(name+": adaptive average pool", x, result, layers)
}

// linearPool are the kernels of a pool that is linear; those from other precisions
// to the result may be nil.
type linearPool struct {
	forward, backward func(dst, src kernel.Map)
	bf16              func(src kernel.MapBF16)
	int8              func(src kernel.MapInt8, scale float32)
}

// apply makes the pool's node.
func (p linearPool) apply(name string, x *gorgonia.Node, result *Result, layers []Layer) (*gorgonia.Node, error) {
	o := &op{name: name, result: result, layers: layers, wants: []bool{true}, bf16: p.bf16 != nil,
		int8: p.int8 != nil}
	o.forward = func(in []gorgonia.Value) error {
		switch precisionOf(x) {
		case BF16:
			p.bf16(bf16Of(in[0]))
		case INT8:
			p.int8(int8Of(in[0]), resultOf(x).scale)
		default:
			p.forward(result.asMap(), mapOf(in[0]))
		}
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dx := &op{name: name + " gradient", result: like(in[0])}
		dx.forward = func(in []gorgonia.Value) error {
			p.backward(dx.result.asMap(), mapOf(in[0]))
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
	result := newMapResult(s[0], ChannelsOf(x), oh, ow)
	result.precision = precisionOf(x)
	return result, nil
}
