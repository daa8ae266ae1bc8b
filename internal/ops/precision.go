package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Precision is what activations consist of and convolutions multiply. Their sums,
// what batch norm folds, and the classifier are float32 in each.
type Precision int

// The precisions of activations.
const (
	FP32 Precision = iota
	BF16
	INT8 // inference of quantised weights
	Own  // INT8 if weights are quantised, else FP32; no activation's
)

// bytes is the size of a value.
func (p Precision) bytes() int { return [...]int{FP32: 4, BF16: 2, INT8: 1}[p] }

// String is the name that settings use.
func (p Precision) String() string {
	return [...]string{FP32: "fp32", BF16: "bf16", INT8: "int8", Own: "own"}[p]
}

// precisionOf returns the precision of an activation; images and parameters are
// float32.
func precisionOf(n *gorgonia.Node) Precision {
	if r := resultOf(n); r != nil {
		return r.precision
	}
	return FP32
}

// unary is a kernel from one activation to another of the same precision, in both
// precisions.
type unary struct {
	float func(y, x kernel.Map)
	half  func(y, x kernel.MapBF16)
}

// run computes y.
func (u unary) run(y *Result, x gorgonia.Value) error {
	if y.precision == BF16 {
		u.half(y.asBF16(), bf16Of(x))
	} else {
		u.float(y.asMap(), mapOf(x))
	}
	return nil
}

// widening is a kernel from an activation of either precision to a float32 one, and
// its gradient.
type widening struct {
	forward      func(y, x kernel.Map)
	forwardBF16  func(y kernel.Map, x kernel.MapBF16)
	backward     func(dx, dy kernel.Map)
	backwardBF16 func(dx kernel.MapBF16, dy kernel.Map)
}

// apply makes the node of a float32 result and the nodes of its gradient.
func (w widening) apply(name string, x *gorgonia.Node, result *Result, layers []Layer) (*gorgonia.Node, error) {
	o := &op{name: name, result: result, layers: layers, wants: []bool{true}, bf16: true}
	o.forward = func(in []gorgonia.Value) error {
		if precisionOf(x) == BF16 {
			w.forwardBF16(result.asMap(), bf16Of(in[0]))
		} else {
			w.forward(result.asMap(), mapOf(in[0]))
		}
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dx := &op{name: name + " gradient", result: like(in[0])}
		dx.forward = func(in []gorgonia.Value) error {
			if dx.result.precision == BF16 {
				w.backwardBF16(dx.result.asBF16(), mapOf(in[0]))
			} else {
				w.backward(dx.result.asMap(), mapOf(in[0]))
			}
			return nil
		}
		node, err := dx.apply(grad)
		return gorgonia.Nodes{node}, err
	}
	return o.apply(x)
}

// Widen makes float32 of an activation in bf16; one in float32 is returned.
func Widen(name string, x *gorgonia.Node) (*gorgonia.Node, error) {
	if precisionOf(x) == FP32 {
		return x, nil
	}
	result := like(x)
	result.precision = FP32
	widen := widening{forwardBF16: kernel.WidenMap, backwardBF16: kernel.RoundMap}
	return widen.apply(name+": float32", x, result, nil)
}
