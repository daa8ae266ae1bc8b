package ops

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Linear multiplies a 1x1 map by weights [k][C] and adds a bias, as a 1x1
// convolution, in float32.
func Linear(name string, x *gorgonia.Node, weight, bias *Param, layers ...Layer) (*gorgonia.Node, error) {
	if s := x.Shape(); s[2] != 1 || s[3] != 1 {
		return nil, fmt.Errorf("%s: needs a map of 1x1, got %dx%d", name, s[2], s[3])
	}
	w, b := ParamNode(x.Graph(), weight), ParamNode(x.Graph(), bias)
	c, result, err := convShape(name, x, weight.Shape[0], kernel.Square(1, 1, 0))
	if err != nil {
		return nil, err
	}
	o := &op{name: name + ": linear", result: result, layers: layers, wants: []bool{true, true, true},
		memory: weight.Floats() * FP32.bytes()}
	o.forward = func(in []gorgonia.Value) error {
		c.ForwardBias(result.asMap(), mapOf(in[0]), sliceOf(in[1]), sliceOf(in[2]), false)
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error) {
		return linearBackward(name, c, in, grad, need)
	}
	return o.apply(x, w, b)
}

func linearBackward(name string, c kernel.Conv, in gorgonia.Nodes, grad *gorgonia.Node,
	need []bool) (grads gorgonia.Nodes, err error) {
	grads = make(gorgonia.Nodes, 3)
	passes := passesOf(c, FP32)
	if need[1] {
		if grads[1], err = passes.weightsNode(name, in[0], in[1], grad); err != nil {
			return nil, err
		}
	}
	if need[2] {
		db := &op{name: name + ": bias gradient", result: newSliceResult(c.K)}
		db.forward = func(in []gorgonia.Value) error {
			kernel.BiasBackward(db.result.data, mapOf(in[0]))
			return nil
		}
		if grads[2], err = db.apply(grad); err != nil {
			return nil, err
		}
	}
	if need[0] {
		grads[0], err = passes.dataNode(name, in[0], in[1], grad)
	}
	return grads, err
}
