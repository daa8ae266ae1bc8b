package ops

import (
	"fmt"
	"slices"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Gradients adds to the graph the derivatives of the weighted sum of scalar
// losses with respect to the nodes wrt, by the ops' SymDiff, and returns one
// node for each. It differs from gorgonia.Grad in three ways that matter for
// speed and memory: the gradients of a node that feeds several layers are added
// in one parallel pass; gradients of views that cover a node are written in
// place side by side; only what wrt needs is built.
func Gradients(losses gorgonia.Nodes, weights []float32, wrt gorgonia.Nodes) (gorgonia.Nodes, error) {
	d := &differentiation{needed: neededFor(wrt), grads: map[*gorgonia.Node][]contribution{}}
	for i, loss := range losses {
		seed := gorgonia.NewScalar(loss.Graph(), gorgonia.Float32, gorgonia.WithValue(weights[i]),
			gorgonia.WithName(fmt.Sprintf("weight of loss %d", i)))
		d.grads[loss] = []contribution{{node: seed}}
	}
	for _, n := range slices.Backward(inOrder(losses[0].Graph())) {
		if err := d.through(n); err != nil {
			return nil, err
		}
	}
	grads := make(gorgonia.Nodes, len(wrt))
	for i, n := range wrt {
		grad, err := d.of(n)
		if err != nil {
			return nil, err
		}
		if grad == nil {
			return nil, fmt.Errorf("no loss depends on %s", nameOf(n))
		}
		grads[i] = grad
	}
	return grads, nil
}

// contribution is one consumer's share of a node's gradient: of all its
// channels, or of some.
type contribution struct {
	node *gorgonia.Node
	part *channelRange
}

// differentiation is a reverse walk over the graph.
type differentiation struct {
	needed map[*gorgonia.Node]bool
	grads  map[*gorgonia.Node][]contribution
}

// through propagates n's gradient to its inputs.
func (d *differentiation) through(n *gorgonia.Node) error {
	o, ok := n.Op().(*op)
	if !ok || !d.needed[n] || len(d.grads[n]) == 0 {
		return nil
	}
	grad, err := d.of(n)
	if err != nil {
		return err
	}
	if o.part != nil {
		d.add(o.inputs[0], contribution{grad, o.part})
		return nil
	}
	need := make([]bool, len(o.inputs))
	for i, in := range o.inputs {
		need[i] = o.wants[i] && d.needed[in]
	}
	if !slices.Contains(need, true) { // n is itself one of wrt
		return nil
	}
	grads, err := o.backward(o.inputs, n, grad, need)
	if err != nil {
		return err
	}
	for i, in := range o.inputs {
		if need[i] {
			d.add(in, contribution{node: grads[i]})
		}
	}
	return nil
}

func (d *differentiation) add(n *gorgonia.Node, c contribution) {
	d.grads[n] = append(d.grads[n], c)
}

// of returns the node of n's whole gradient, or nil if no loss depends on n.
func (d *differentiation) of(n *gorgonia.Node) (grad *gorgonia.Node, err error) {
	cs := d.grads[n]
	switch {
	case len(cs) == 0:
		return nil, nil
	case len(cs) == 1 && cs[0].part == nil:
		return cs[0].node, nil
	case covers(cs, n):
		grad, err = Concat(nameOf(n)+": gradient", nodesOf(cs))
	default:
		grad, err = sum(nameOf(n)+": gradient", n, cs)
	}
	d.grads[n] = []contribution{{node: grad}}
	return grad, err
}

// covers sorts contributions by channel and reports whether they are adjacent
// parts that make up n.
func covers(cs []contribution, n *gorgonia.Node) bool {
	if slices.ContainsFunc(cs, func(c contribution) bool { return c.part == nil }) {
		return false
	}
	slices.SortFunc(cs, func(a, b contribution) int { return a.part.from - b.part.from })
	at := 0
	for _, c := range cs {
		if c.part.from != at {
			return false
		}
		at += c.part.count
	}
	return at == n.Shape()[1]*kernel.Block
}

func nodesOf(cs []contribution) (nodes gorgonia.Nodes) {
	for _, c := range cs {
		nodes = append(nodes, c.node)
	}
	return nodes
}

// sum adds contributions in order.
func sum(name string, n *gorgonia.Node, cs []contribution) (*gorgonia.Node, error) {
	o := &op{name: name, result: like(n), bf16: true}
	// A whole contribution goes first: it overwrites what was in memory.
	slices.SortStableFunc(cs, func(a, b contribution) int { return boolInt(a.part != nil) - boolInt(b.part != nil) })
	if cs[0].part != nil {
		return nil, fmt.Errorf("%s: the layers that read it do not cover all its channels", name)
	}
	o.forward = func(in []gorgonia.Value) error {
		if n.Shape().Dims() != 5 {
			return sumSlices(o.result.data, in)
		}
		if o.result.precision == BF16 {
			kernel.SumBF16(o.result.asBF16(), partsOf(cs, in, bf16Of))
		} else {
			kernel.Sum(o.result.asMap(), partsOf(cs, in, mapOf))
		}
		return nil
	}
	return o.apply(nodesOf(cs)...)
}

// partsOf returns the contributions as parts of a sum.
func partsOf[E kernel.Element](
	cs []contribution, in []gorgonia.Value, mapOf func(gorgonia.Value) kernel.Activation[E],
) []kernel.Part[E] {
	parts := make([]kernel.Part[E], len(in))
	for i, v := range in {
		parts[i].Activation = mapOf(v)
		if part := cs[i].part; part != nil {
			parts[i].From = part.from
		}
	}
	return parts
}

func sumSlices(dst []float32, in []gorgonia.Value) error {
	copy(dst, sliceOf(in[0]))
	for _, v := range in[1:] {
		kernel.Axpy(dst, sliceOf(v), 1)
	}
	return nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// neededFor returns the nodes that wrt influence.
func neededFor(wrt gorgonia.Nodes) map[*gorgonia.Node]bool {
	needed := map[*gorgonia.Node]bool{}
	for _, n := range wrt {
		needed[n] = true
	}
	if len(wrt) == 0 {
		return needed
	}
	for _, n := range inOrder(wrt[0].Graph()) {
		o, ok := n.Op().(*op)
		if !ok {
			continue
		}
		for i, in := range o.inputs {
			if o.wants[i] && needed[in] {
				needed[n] = true
			}
		}
	}
	return needed
}
