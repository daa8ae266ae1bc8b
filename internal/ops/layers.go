package ops

import (
	"slices"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Layers lists the layers of a graph in the order of a run, each with its inputs.
// Gradients and inputs of the graph are not layers.
func Layers(g *gorgonia.ExprGraph) []Layer {
	w := wiring{made: map[*gorgonia.Node][]int{}}
	for _, n := range inOrder(g) {
		if o, ok := n.Op().(*op); ok {
			w.through(n, o)
		} else if n.Name() == imageName { // else a parameter
			w.made[n] = []int{-1}
		}
	}
	return w.layers
}

// NodeOf returns the node that holds a layer's output, after its batch norm and
// ReLU; nil if the graph has no layer of that name, or runs it as one with the
// layer after it.
func NodeOf(g *gorgonia.ExprGraph, layer string) *gorgonia.Node {
	nodes := g.AllNodes()
	for _, n := range nodes {
		if o, ok := n.Op().(*op); ok && o.ends == layer {
			return n
		}
	}
	for _, n := range nodes {
		o, ok := n.Op().(*op)
		if !ok || len(o.layers) == 0 {
			continue
		}
		// For a separable convolution the node holds the output of the second half.
		if last := o.layers[len(o.layers)-1]; last.Name == layer && last.Output[0] == ChannelsOf(n) {
			return n
		}
	}
	return nil
}

// inOrder returns the nodes in the order in which they were made, which is
// also that of a run.
func inOrder(g *gorgonia.ExprGraph) gorgonia.Nodes {
	nodes := slices.Clone(g.AllNodes())
	slices.SortFunc(nodes, func(a, b *gorgonia.Node) int { return int(a.ID() - b.ID()) })
	return nodes
}

// wiring is a walk that collects layers.
type wiring struct {
	layers []Layer
	made   map[*gorgonia.Node][]int // the layers whose results a node holds
}

// through adds the layers of a node.
func (w *wiring) through(n *gorgonia.Node, o *op) {
	var inputs []int
	for _, in := range o.inputs {
		inputs = append(inputs, w.made[in]...)
	}
	if o.part != nil {
		inputs = inputs[w.partAt(inputs, o.part.from):][:1]
	}
	if o.part != nil || len(o.layers) == 0 { // such as batch norm, which belongs to the layer it reads
		w.made[n] = inputs
		return
	}
	beside := paddedChannels(o.layers) == kernel.Block*n.Shape()[1]
	for _, l := range o.layers {
		l.Inputs = inputs
		w.layers = append(w.layers, l)
		this := len(w.layers) - 1
		if beside {
			w.made[n] = append(w.made[n], this)
		} else { // one after the other, as in a separable convolution
			inputs = []int{this}
			w.made[n] = inputs
		}
	}
}

// partAt returns which of the layers with adjacent channels starts at channel.
func (w *wiring) partAt(layers []int, channel int) int {
	for i, layer := range layers {
		if channel <= 0 {
			return i
		}
		channel -= Padded(w.layers[layer].Output[0])
	}
	return 0
}

func paddedChannels(layers []Layer) (channels int) {
	for _, l := range layers {
		channels += Padded(l.Output[0])
	}
	return channels
}

// PlaceOf returns where in the network a node is that holds a layer's output.
func PlaceOf(n *gorgonia.Node) Place {
	if o, ok := n.Op().(*op); ok && len(o.layers) > 0 {
		return o.layers[len(o.layers)-1].Place
	}
	return Place{}
}

// DependsOn reports whether a node is computed from another or is it.
func DependsOn(n, from *gorgonia.Node) bool {
	return n == from || neededFor(gorgonia.Nodes{from})[n]
}
