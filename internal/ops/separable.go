package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// SeparableWeights makes the weights of the single image convolution that
// combines a depthwise convolution, [3*m][1][R][S], and the pointwise one after
// it, [K][3*m][1][1]; see kernel.Separable.
func SeparableWeights(name string, g *gorgonia.ExprGraph, depthwise, pointwise *Param) (*gorgonia.Node, error) {
	k, r, s := pointwise.Shape[0], depthwise.Shape[2], depthwise.Shape[3]
	both := kernel.Separable{K: k, Multiplier: depthwise.Shape[0] / 3, R: r, S: s}
	o := &op{name: name + ": weights", wants: []bool{true, true},
		result: newSliceResult(kernel.ImageConv{K: Padded(k), Window: kernel.Window{R: r, S: s}}.WeightLen())}
	o.forward = func(in []gorgonia.Value) error {
		both.Compose(o.result.data, sliceOf(in[0]), sliceOf(in[1]))
		return nil
	}
	o.backward = func(in gorgonia.Nodes, _, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		part := newSliceResult(pointwise.Floats())
		d := &op{name: name + ": depthwise weight gradient", result: newSliceResult(depthwise.Floats()),
			parts: []*Result{part}}
		d.forward = func(in []gorgonia.Value) error {
			part.alloc()
			both.Backward(d.result.data, part.data, sliceOf(in[0]), sliceOf(in[1]), sliceOf(in[2]))
			return nil
		}
		main, err := d.apply(grad, in[0], in[1])
		if err != nil {
			return nil, err
		}
		other, err := besides(name+": pointwise weight gradient", main, part)
		return gorgonia.Nodes{main, other}, err
	}
	return o.apply(ParamNode(g, depthwise), ParamNode(g, pointwise))
}

// ImageConvBiasReLU is ImageConv, bias and ReLU as one pass, for inference, with a
// result of that precision. w follows from other nodes, so it is packed each time.
func ImageConvBiasReLU(name string, image, w *gorgonia.Node, k int, bias *Param, v kernel.Window, precision Precision,
	layers ...Layer) (*gorgonia.Node, error) {
	p, err := planImageConv(name, image, k, v, precision)
	if err != nil {
		return nil, err
	}
	o := &op{name: name + ": convolution + bias + relu", result: p.result, layers: layers}
	packed := make([]float32, p.layout.floats)
	o.forward = func(in []gorgonia.Value) error {
		weights := sliceOf(in[1])
		if p.layout.pack != nil {
			p.layout.pack(packed, weights)
			weights = packed
		}
		p.run(in[0], weights, sliceOf(in[2]))
		return nil
	}
	return o.apply(image, w, ParamNode(image.Graph(), bias))
}
