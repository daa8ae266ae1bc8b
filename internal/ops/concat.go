package ops

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Concat joins activations along the channels. An input with its own memory is
// moved into the result, so that it is written there directly; only views and
// inputs of other concats are copied.
func Concat(name string, xs gorgonia.Nodes, layers ...Layer) (*gorgonia.Node, error) {
	s := xs[0].Shape()
	channels := 0
	for _, x := range xs {
		if x.Shape()[2] != s[2] || x.Shape()[3] != s[3] {
			return nil, fmt.Errorf("%s: branches of %dx%d and %dx%d cannot be joined", name, s[2], s[3], x.Shape()[2],
				x.Shape()[3])
		}
		channels += x.Shape()[1] * kernel.Block
		if precisionOf(x) != precisionOf(xs[0]) {
			return nil, fmt.Errorf("%s: branches in %v and %v cannot be joined", name, precisionOf(xs[0]), precisionOf(x))
		}
	}
	if err := sameScale(name, xs); err != nil {
		return nil, err
	}
	o := &op{name: name + ": concat", result: newMapResult(s[0], channels, s[2], s[3]), layers: layers,
		bf16: true, int8: true}
	if o.result.precision = precisionOf(xs[0]); o.result.precision == INT8 {
		o.result.scale = resultOf(xs[0]).scale
	}
	from := make([]int, len(xs))
	placed := make([]bool, len(xs))
	at := 0
	for i, x := range xs {
		from[i] = at
		if r := resultOf(x); r != nil && r.outer == nil {
			r.outer, r.channel, placed[i] = o.result, at, true
		}
		o.wants = append(o.wants, true)
		at += x.Shape()[1] * kernel.Block
	}
	o.forward = func(in []gorgonia.Value) error {
		for i, v := range in {
			switch {
			case placed[i]:
			case o.result.precision == BF16:
				copyInto(o.result.asBF16(), from[i], bf16Of(v))
			case o.result.precision == INT8:
				copyInto(o.result.asInt8(), from[i], int8Of(v))
			default:
				copyInto(o.result.asMap(), from[i], mapOf(v))
			}
		}
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error) {
		grads := make(gorgonia.Nodes, len(in))
		for i, x := range in {
			if !need[i] {
				continue
			}
			var err error
			if grads[i], err = Channels(name+": concat gradient", grad, from[i], x.Shape()[1]*kernel.Block); err != nil {
				return nil, err
			}
		}
		return grads, nil
	}
	return o.apply(xs...)
}

// spread overwrites dx with dy in the channels that begin at from, and zeros.
func spread[E kernel.Element](dx, dy kernel.Activation[E], from int) {
	for n := range dx.N {
		for block := range dx.Blocks() {
			clear(dx.Plane(n, block))
		}
	}
	copyInto(dx, from, dy)
}

// copyInto writes the channels of y that begin at from.
func copyInto[E kernel.Element](y kernel.Activation[E], from int, x kernel.Activation[E]) {
	kernel.Copy(y.Channels(from, x.C), x)
}

// Channels returns a view of count channels of x, starting at from, and the
// padding after them; nothing is copied. Its gradient is spread into zeros,
// unless views cover x; then Gradients joins their gradients.
func Channels(name string, x *gorgonia.Node, from, count int) (*gorgonia.Node, error) {
	s := x.Shape()
	result := newMapResult(s[0], count, s[2], s[3])
	result.outer, result.channel, result.precision = resultOf(x), from, precisionOf(x)
	count = Padded(count)
	o := &op{name: name, result: result, bf16: true, wants: []bool{true}, part: &channelRange{from, count}}
	o.forward = func([]gorgonia.Value) error { return nil }
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		return gradientNode(name+" gradient", in[0], grad, unary{
			float: func(dx, dy kernel.Map) { spread(dx, dy, from) },
			half:  func(dx, dy kernel.MapBF16) { spread(dx, dy, from) },
		})
	}
	return o.apply(x)
}

// channelRange is the range of channels of its input that a view shows.
type channelRange struct{ from, count int }
