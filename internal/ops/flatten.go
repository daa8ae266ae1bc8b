package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Flatten makes one pixel with a channel for every value of an image, in the
// order channel, row, column.
func Flatten(name string, x *gorgonia.Node, layers ...Layer) (*gorgonia.Node, error) {
	s, channels := x.Shape(), ChannelsOf(x)
	o := &op{name: name + ": flatten", result: newMapResult(s[0], channels*s[2]*s[3], 1, 1), layers: layers,
		wants: []bool{true}}
	o.forward = func(in []gorgonia.Value) error {
		kernel.Flatten(o.result.asMap(), mapOf(in[0]), channels)
		return nil
	}
	o.backward = func(in gorgonia.Nodes, _, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dx := &op{name: name + ": flatten gradient", result: like(in[0])}
		dx.forward = func(in []gorgonia.Value) error {
			kernel.FlattenBackward(dx.result.asMap(), mapOf(in[0]), channels)
			return nil
		}
		node, err := dx.apply(grad)
		return gorgonia.Nodes{node}, err
	}
	return o.apply(x)
}
