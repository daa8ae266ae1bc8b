package model

import (
	"slices"

	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// Gradient is the derivative of the loss with respect to one parameter, packed
// like Param.Data. The next Step overwrites it.
type Gradient struct {
	Param *ops.Param
	Data  []float32
}

// Gradients returns the gradients of the last Step, one for every trained
// parameter.
func (n *Network) Gradients() []Gradient {
	var all []Gradient
	for _, g := range n.grads {
		all = append(all, g.split(g.node.Value().Data().([]float32), n.frozen)...)
	}
	return all
}

// GradientParams lists the parameters of Gradients, in that order.
func (n *Network) GradientParams() (params []*ops.Param) {
	for _, g := range n.grads {
		for _, p := range g.params {
			if trains(p, n.frozen) {
				params = append(params, p)
			}
		}
	}
	return params
}

// Trained lists the parameters that have gradients, in the order in which Step
// computes those: last layers first.
func (n *Network) Trained() (params []*ops.Param) {
	grads := slices.Clone(n.grads)
	slices.SortFunc(grads, func(a, b gradientNode) int { return n.Plan.Position(a.node) - n.Plan.Position(b.node) })
	for _, g := range grads {
		for _, p := range g.params {
			if trains(p, n.frozen) {
				params = append(params, p)
			}
		}
	}
	return params
}

// Watch makes every Step call f with each gradient as soon as it is there, in
// the order of Trained.
func (n *Network) Watch(f func(Gradient)) {
	for _, g := range n.grads {
		ops.OnDone(g.node, func(values []float32) {
			for _, one := range g.split(values, n.frozen) {
				f(one)
			}
		})
	}
}

// gradientNode is the gradient of parameters that are adjacent in memory and one
// input of the graph; some of them may be frozen.
type gradientNode struct {
	params   []*ops.Param
	in, node *gorgonia.Node
}

// differentiate adds the losses and the gradients of all parameters that are
// not frozen.
func (n *Network) differentiate(inputs [][]*ops.Param, o Options) error {
	weights := []float32{1, o.AuxWeight, o.AuxWeight}
	for i, logits := range append(gorgonia.Nodes{n.out.logits}, n.out.aux...) {
		loss, err := ops.CrossEntropy([]string{"loss", "aux loss", "early aux loss"}[i], logits, n.Spec.Classes, &n.labels,
			o.Smoothing)
		if err != nil {
			return err
		}
		n.losses = append(n.losses, loss)
	}
	for _, params := range inputs {
		if !anyTrained(params, o.Frozen) {
			continue
		}
		in, err := ops.ParamsNode(n.Graph, params)
		if err != nil {
			return err
		}
		n.grads = append(n.grads, gradientNode{params: params, in: in})
	}
	slices.SortFunc(n.grads, func(a, b gradientNode) int { return int(a.in.ID() - b.in.ID()) })
	var wrt gorgonia.Nodes
	for _, g := range n.grads {
		wrt = append(wrt, g.in)
	}
	grads, err := ops.Gradients(n.losses, weights[:len(n.losses)], wrt)
	if err != nil {
		return err
	}
	for i, g := range grads {
		n.grads[i].node = g
	}
	n.frozen = o.Frozen
	return nil
}

func anyTrained(params []*ops.Param, frozen func(layer string) bool) bool {
	return slices.ContainsFunc(params, func(p *ops.Param) bool { return trains(p, frozen) })
}

// trains reports whether training changes a parameter.
func trains(p *ops.Param, frozen func(layer string) bool) bool {
	return p.Trainable() && (frozen == nil || !frozen(p.Layer))
}

// split cuts the values of a node into the gradients of its trained parameters.
func (g *gradientNode) split(values []float32, frozen func(layer string) bool) (all []Gradient) {
	for _, p := range g.params {
		if trains(p, frozen) {
			all = append(all, Gradient{p, values[:p.Floats()]})
		}
		values = values[p.Floats():]
	}
	return all
}
