package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Dropout sets each value of x to zero with probability drop and scales the
// rest by 1/(1-drop). The choice follows from seed and the step that *step
// holds when it runs.
func Dropout(name string, x *gorgonia.Node, drop float32, seed uint64, step *uint64, layers ...Layer) (*gorgonia.Node,
	error) {
	keep := 1 - drop
	o := &op{name: name + ": dropout", result: like(x), layers: layers, wants: []bool{true}}
	o.forward = func(in []gorgonia.Value) error {
		kernel.Dropout(o.result.asMap(), mapOf(in[0]), keep, seed, *step)
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dx := &op{name: name + ": dropout gradient", result: like(x)}
		dx.forward = func(in []gorgonia.Value) error {
			kernel.DropoutBackward(dx.result.asMap(), mapOf(in[0]), keep, seed, *step)
			return nil
		}
		node, err := dx.apply(grad)
		return gorgonia.Nodes{node}, err
	}
	return o.apply(x)
}
