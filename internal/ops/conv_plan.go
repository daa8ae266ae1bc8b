package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// convPlan is one way to compute a layer: directly or by Winograd's transforms, in
// float32 or bf16.
type convPlan struct {
	result *Result
	layout layout
	run    func(x gorgonia.Value, w, b []float32) // fills result, with a ReLU
}

// layout is how a plan wants its weights.
type layout struct {
	name   string                   // tells the layouts of one weight apart
	floats int                      // its size if there is a pack; in bf16 a float is two values
	pack   func(to, from []float32) // makes it of packed weights; nil: it is them
}

// floatsOf returns the size of a weight in the layout.
func (l layout) floatsOf(p *Param) int {
	if l.pack == nil {
		return p.Floats()
	}
	return l.floats
}

var asPacked = layout{name: "packed"}

// roundedLayout is one of so many bf16.
func roundedLayout(name string, values int, round func(to []kernel.BF16, from []float32)) layout {
	return layout{name, values / 2, func(to, from []float32) { round(kernel.BF16s(to), from) }}
}

// planConv chooses the way of a convolution with k output channels.
func planConv(name string, x *gorgonia.Node, k int, v kernel.Window, precision Precision) (convPlan, error) {
	c, result, err := convShape(name, x, k, v)
	if err != nil {
		return convPlan{}, err
	}
	result.precision = precision
	if precision == BF16 {
		return planConvBF16(c, result, x.Shape()), nil
	}
	if s := x.Shape(); c.HasWinograd(s[0], s[2], s[3]) {
		return convPlan{result, layout{"winograd", c.WinogradLen(), c.WinogradWeights},
			func(x gorgonia.Value, w, b []float32) { c.ForwardWinograd(result.asMap(), mapOf(x), w, b, true) }}, nil
	}
	return convPlan{result, asPacked, func(x gorgonia.Value, w, b []float32) {
		c.ForwardBias(result.asMap(), mapOf(x), w, b, true)
	}}, nil
}

// planConvBF16 is planConv in bf16, of an activation of shape s.
func planConvBF16(c kernel.Conv, result *Result, s tensor.Shape) convPlan {
	if c.HasWinogradBF16(s[0], s[2], s[3]) {
		weights := roundedLayout("bf16 winograd", c.WinogradBF16Len(), c.WinogradWeightsBF16)
		return convPlan{result, weights, func(x gorgonia.Value, w, b []float32) {
			c.ForwardWinogradBF16(result.asBF16(), bf16Of(x), kernel.BF16s(w), b, true)
		}}
	}
	weights := roundedLayout("bf16", c.BF16WeightLen(), c.RoundWeights)
	return convPlan{result, weights, func(x gorgonia.Value, w, b []float32) {
		c.ForwardBF16(result.asBF16(), bf16Of(x), kernel.BF16s(w), b, true)
	}}
}

// planImageConv is planConv for a batch of images, which are float32 always.
func planImageConv(name string, image *gorgonia.Node, k int, v kernel.Window, precision Precision) (convPlan, error) {
	c, result, err := imageConvShape(name, image, k, v)
	if err != nil {
		return convPlan{}, err
	}
	result.precision = precision
	s := image.Shape()
	if precision == BF16 {
		weights := roundedLayout("bf16", c.WeightLen(), kernel.RoundWeights)
		return convPlan{result, weights, func(x gorgonia.Value, w, b []float32) {
			c.ForwardBF16(result.asBF16(), sliceOf(x), s[0], s[2], s[3], kernel.BF16s(w), b, true)
		}}, nil
	}
	return convPlan{result, asPacked, func(x gorgonia.Value, w, b []float32) {
		c.ForwardBias(result.asMap(), sliceOf(x), s[0], s[2], s[3], w, b, true)
	}}, nil
}
