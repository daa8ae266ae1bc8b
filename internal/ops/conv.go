package ops

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Conv convolves the activation x with packed weights w to k output channels,
// without bias, in the precision of x.
func Conv(name string, x, w *gorgonia.Node, k int, v kernel.Window, layers ...Layer) (*gorgonia.Node, error) {
	c, result, err := convShape(name, x, k, v)
	if err != nil {
		return nil, err
	}
	result.precision = precisionOf(x)
	passes := passesOf(c, result.precision)
	o := &op{name: name + ": convolution", result: result, layers: layers, wants: []bool{true, true}, bf16: true}
	o.forward = func(in []gorgonia.Value) error {
		passes.forward(result, in[0], sliceOf(in[1]))
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error) {
		grads := make(gorgonia.Nodes, 2)
		var err error
		if need[1] {
			if grads[1], err = passes.weightsNode(name, in[0], in[1], grad); err != nil {
				return nil, err
			}
		}
		if need[0] {
			grads[0], err = passes.dataNode(name, in[0], in[1], grad)
		}
		return grads, err
	}
	return o.apply(x, w)
}

// convPasses are the passes of a convolution in training in one precision. Weights
// and their gradient are float32.
type convPasses struct {
	forward func(y *Result, x gorgonia.Value, w []float32)
	data    func(dx *Result, dy gorgonia.Value, w []float32)
	weights func(dw []float32, x, dy gorgonia.Value)
}

func passesOf(c kernel.Conv, p Precision) convPasses {
	if p == BF16 {
		return convPasses{
			forward: func(y *Result, x gorgonia.Value, w []float32) { c.ForwardRounded(y.asBF16(), bf16Of(x), w) },
			data:    func(dx *Result, dy gorgonia.Value, w []float32) { c.BackwardDataBF16(dx.asBF16(), bf16Of(dy), w) },
			weights: func(dw []float32, x, dy gorgonia.Value) { c.BackwardWeightsBF16(dw, bf16Of(x), bf16Of(dy)) },
		}
	}
	return convPasses{
		forward: func(y *Result, x gorgonia.Value, w []float32) { c.Forward(y.asMap(), mapOf(x), w) },
		data:    func(dx *Result, dy gorgonia.Value, w []float32) { c.BackwardData(dx.asMap(), mapOf(dy), w) },
		weights: func(dw []float32, x, dy gorgonia.Value) { c.BackwardWeights(dw, mapOf(x), mapOf(dy)) },
	}
}

func (p convPasses) weightsNode(name string, x, w, grad *gorgonia.Node) (*gorgonia.Node, error) {
	o := &op{name: name + ": weight gradient", result: newSliceResult(w.Shape()[0]), bf16: true}
	o.forward = func(in []gorgonia.Value) error {
		p.weights(o.result.data, in[0], in[1])
		return nil
	}
	return o.apply(x, grad)
}

func (p convPasses) dataNode(name string, x, w, grad *gorgonia.Node) (*gorgonia.Node, error) {
	o := &op{name: name + ": input gradient", result: like(x), bf16: true}
	o.forward = func(in []gorgonia.Value) error {
		p.data(o.result, in[0], sliceOf(in[1]))
		return nil
	}
	return o.apply(grad, w)
}

// ImageConv convolves a batch of images, [N][3][H][W], to k output channels of a
// precision. The image has no gradient.
func ImageConv(name string, image, w *gorgonia.Node, k int, v kernel.Window, precision Precision, layers ...Layer) (
	*gorgonia.Node, error) {
	c, result, err := imageConvShape(name, image, k, v)
	if err != nil {
		return nil, err
	}
	result.precision = precision
	s := image.Shape()
	n, height, width := s[0], s[2], s[3]
	o := &op{name: name + ": convolution", result: result, layers: layers, wants: []bool{false, true}}
	o.forward = func(in []gorgonia.Value) error {
		if precision == BF16 {
			c.ForwardRounded(result.asBF16(), sliceOf(in[0]), n, height, width, sliceOf(in[1]))
		} else {
			c.Forward(result.asMap(), sliceOf(in[0]), n, height, width, sliceOf(in[1]))
		}
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error) {
		dw := &op{name: name + ": weight gradient", result: newSliceResult(in[1].Shape()[0]), bf16: true}
		dw.forward = func(in []gorgonia.Value) error {
			if precision == BF16 {
				c.BackwardWeightsBF16(dw.result.data, sliceOf(in[0]), n, height, width, bf16Of(in[1]))
			} else {
				c.BackwardWeights(dw.result.data, sliceOf(in[0]), n, height, width, mapOf(in[1]))
			}
			return nil
		}
		node, err := dw.apply(in[0], grad)
		return gorgonia.Nodes{nil, node}, err
	}
	return o.apply(image, w)
}

func convShape(name string, x *gorgonia.Node, k int, v kernel.Window) (kernel.Conv, *Result, error) {
	s := x.Shape()
	oh, ow := v.Out(s[2], s[3])
	if oh < 1 || ow < 1 {
		return kernel.Conv{}, nil, &SizeError{Layer: name, H: s[2], W: s[3], R: v.R, S: v.S}
	}
	c := kernel.Conv{C: s[1] * kernel.Block, K: Padded(k), Window: v}
	return c, newMapResult(s[0], k, oh, ow), nil
}

func imageConvShape(name string, image *gorgonia.Node, k int, v kernel.Window) (kernel.ImageConv, *Result, error) {
	s := image.Shape()
	oh, ow := v.Out(s[2], s[3])
	if oh < 1 || ow < 1 {
		return kernel.ImageConv{}, nil, &SizeError{Layer: name, H: s[2], W: s[3], R: v.R, S: v.S}
	}
	c := kernel.ImageConv{K: Padded(k), Window: v}
	return c, newMapResult(s[0], k, oh, ow), nil
}

// SizeError says that a map is too small for a layer's window.
type SizeError struct {
	Layer      string
	H, W, R, S int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s: a map of %dx%d is smaller than the %dx%d window", e.Layer, e.H, e.W, e.R, e.S)
}
