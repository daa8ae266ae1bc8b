package figure

import (
	"github.com/inception-go/inception/internal/ops"
	"slices"

	"github.com/inception-go/inception/internal/model"
)

// panel is a module laid out: layers in columns, a level higher than what they
// read. The base is level 0.
type panel struct {
	module  model.Module
	image   int // the side of the network's input
	last    bool
	nodes   []node
	edges   []edge
	columns float64
	levels  int
}

// node is a layer's place; column is that of its middle.
type node struct {
	layer  int
	level  int
	column float64
	bar    bool // runs over all columns
}

// edge is an arrow between two nodes. One that ends in a bar may run up a
// column of its own.
type edge struct {
	from, to node
	column   float64
}

// layOut places the layers of a module. Branches stand in the order of the
// concatenation's inputs.
func layOut(layers []ops.Layer, m model.Module) panel {
	p := panel{module: m, last: layers[m.Layers[len(m.Layers)-1]].Op == ops.OpLinear}
	t := newTree(layers, m)
	for _, root := range t.above[m.Input] {
		t.place(root, &p.columns)
	}
	if t.joins(m.Input) {
		t.passing[m.Input] = p.columns + 0.5
		p.columns++
	}
	base := node{layer: m.Input, bar: true}
	for _, i := range m.Layers {
		n := t.nodes[i]
		if n.bar || t.behind(i) {
			n.column = p.columns / 2
			t.nodes[i] = n
		}
		p.nodes = append(p.nodes, n)
		p.levels = max(p.levels, n.level)
		for _, in := range layers[i].Inputs {
			from, inside := t.nodes[in]
			if !inside {
				from = base
			}
			e := edge{from: from, to: n, column: from.column}
			if own, ok := t.passing[in]; ok && n.bar {
				e.column = own
			}
			p.edges = append(p.edges, e)
		}
	}
	return p
}

// tree is a module's layers as branches that grow from the base.
type tree struct {
	layers  []ops.Layer
	concat  int             // the layer that joins the branches; -1 for a chain
	above   map[int][]int   // the layers that read one, in order; not the concat
	nodes   map[int]node    // by layer
	passing map[int]float64 // column of the arrow from a layer, past those above it, to the concat
}

func newTree(layers []ops.Layer, m model.Module) *tree {
	t := &tree{layers: layers, concat: -1, above: map[int][]int{}, nodes: map[int]node{}, passing: map[int]float64{}}
	for _, i := range m.Layers {
		level := 0
		for _, in := range layers[i].Inputs {
			level = max(level, t.nodes[in].level)
		}
		n := node{layer: i, level: level + 1, bar: layers[i].Op == ops.OpConcat}
		t.nodes[i] = n
		if n.bar {
			t.concat = i
			continue
		}
		if in := layers[i].Inputs[0]; in != t.concat || in < 0 {
			t.above[in] = append(t.above[in], i)
		}
	}
	for _, readers := range t.above {
		slices.SortStableFunc(readers, func(a, b int) int { return t.order(a) - t.order(b) })
	}
	return t
}

// order returns the first of the concat's inputs that a layer leads to.
func (t *tree) order(layer int) int {
	first := len(t.layers)
	if t.concat < 0 {
		return first
	}
	if at := slices.Index(t.layers[t.concat].Inputs, layer); at >= 0 {
		first = at
	}
	for _, reader := range t.above[layer] {
		first = min(first, t.order(reader))
	}
	return first
}

// place gives a layer and those above it the columns from *next on.
func (t *tree) place(layer int, next *float64) {
	begin := *next
	for _, reader := range t.above[layer] {
		t.place(reader, next)
	}
	switch {
	case len(t.above[layer]) == 0:
		*next++
	case t.joins(layer):
		t.passing[layer] = *next + 0.5
		*next++
	}
	n := t.nodes[layer]
	n.column = (begin + *next) / 2
	t.nodes[layer] = n
}

// joins reports whether the concat reads a layer itself.
func (t *tree) joins(layer int) bool {
	return t.concat >= 0 && slices.Contains(t.layers[t.concat].Inputs, layer)
}

// behind reports whether a layer comes after the concat.
func (t *tree) behind(layer int) bool {
	return t.concat >= 0 && layer > t.concat
}
