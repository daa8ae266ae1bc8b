package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Layer is what tables, pictures and exports need to know of a node: the
// facts are written where the node is made and read off the graph.
type Layer struct {
	Name   string   // such as Mixed_5b.branch1x1
	Op     string   // conv, max_pool, avg_pool, adaptive_avg_pool, concat, global_avg_pool, dropout, flatten, linear
	Output [3]int   // channels, height, width; channels without padding
	MACs   int64    // multiply-adds for one image
	Params []*Param // in file order, running statistics included

	kernel.Window           // of convolutions and pools
	CeilMode        bool    // of pools
	CountIncludePad bool    // of average pools
	ReLU            bool    // the layer ends in a ReLU
	Groups          int     // of convolutions; 0 means 1
	Eps             float32 // added to the variance of the layer's batch norm, if it has one
}

// Param returns the layer's parameter of a kind, nil if it has none.
func (l *Layer) Param(kind Kind) *Param {
	for _, p := range l.Params {
		if p.Kind == kind {
			return p
		}
	}
	return nil
}

// ParamCount returns the number of trained parameters of the layer.
func (l *Layer) ParamCount() int {
	n := 0
	for _, p := range l.Params {
		if p.Trainable() {
			n += p.Count()
		}
	}
	return n
}

// LayersOf returns the layers that a node computes: one for most, several for
// sibling convolutions that run as one, none for gradients and inputs.
func LayersOf(n *gorgonia.Node) []Layer {
	if o, ok := n.Op().(*op); ok {
		return o.layers
	}
	return nil
}

// InputsOf returns the nodes that a node reads, in order; none for the
// inputs of the graph.
func InputsOf(n *gorgonia.Node) gorgonia.Nodes {
	if o, ok := n.Op().(*op); ok {
		return o.inputs
	}
	return nil
}

// nameOf returns what a node is called in errors.
func nameOf(n *gorgonia.Node) string {
	if o, ok := n.Op().(*op); ok {
		return o.name
	}
	return n.Name()
}

// FirstChannelOf returns the first channel of its input that a node shows if
// it is a view of some channels, as made by Channels.
func FirstChannelOf(n *gorgonia.Node) (channel int, ok bool) {
	if o, isOp := n.Op().(*op); isOp && o.part != nil {
		return o.part.from, true
	}
	return 0, false
}
