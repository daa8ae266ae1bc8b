package model

import (
	"fmt"
	"slices"

	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// Layers lists the layers of spec's network in order, auxiliary heads
// included, read off its graph. Nothing is allocated.
func Layers(spec Spec) ([]ops.Layer, error) {
	b, err := sketch(spec)
	if err != nil {
		return nil, err
	}
	return layersOf(b.Graph), nil
}

// Layers lists the layers of the network's graph in order.
func (n *Network) Layers() []ops.Layer { return layersOf(n.Graph) }

// MACs sums the multiply-adds of layers for one image, without auxiliary
// heads: those run in training only.
func MACs(layers []ops.Layer) (macs int64) {
	for _, l := range layers {
		if !IsAux(l.Name) {
			macs += l.MACs
		}
	}
	return macs
}

// Params sums the trained parameters of layers.
func Params(layers []ops.Layer, withAux bool) (count int) {
	for _, l := range layers {
		if withAux || !IsAux(l.Name) {
			count += l.ParamCount()
		}
	}
	return count
}

// Wiring is a layer of an eval network with the layers that it reads, for
// exports.
type Wiring struct {
	ops.Layer
	Inputs []int // indices of earlier entries; -1 is the image
}

// Wiring lists the layers of an eval network with their inputs.
func (n *Network) Wiring() ([]Wiring, error) {
	all := wire(n.Graph)
	for _, l := range all {
		if len(l.Inputs) == 0 {
			return nil, fmt.Errorf("layer %s reads no other layer", l.Name)
		}
	}
	return all, nil
}

func layersOf(g *gorgonia.ExprGraph) (layers []ops.Layer) {
	for _, node := range ordered(g) {
		layers = append(layers, ops.LayersOf(node)...)
	}
	return layers
}

// ordered returns the nodes in the order in which they were made, which is
// also that of a run.
func ordered(g *gorgonia.ExprGraph) gorgonia.Nodes {
	nodes := slices.Clone(g.AllNodes())
	slices.SortFunc(nodes, func(a, b *gorgonia.Node) int { return int(a.ID() - b.ID()) })
	return nodes
}
