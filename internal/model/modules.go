package model

import (
	"strings"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
	"gorgonia.org/gorgonia"
)

// Wire lists the layers of spec's network in order with their inputs, auxiliary
// heads included, read off its graph. Nothing is allocated.
func Wire(spec Spec) ([]Wiring, error) {
	b, err := sketch(spec)
	if err != nil {
		return nil, err
	}
	return wire(b.Graph), nil
}

func wire(g *gorgonia.ExprGraph) (all []Wiring) {
	made := map[*gorgonia.Node][]int{} // the layers that a node holds the results of
	for _, node := range ordered(g) {
		if node.Op() == nil {
			if node.Name() == ops.ImageName { // else a parameter
				made[node] = []int{-1}
			}
			continue
		}
		var inputs []int
		for _, in := range ops.InputsOf(node) {
			inputs = append(inputs, made[in]...)
		}
		layers := ops.LayersOf(node)
		switch channel, part := ops.FirstChannelOf(node); {
		case part:
			inputs = inputs[partAt(all, inputs, channel):][:1]
			fallthrough
		case len(layers) == 0: // batch norm, say: it belongs to what it reads
			made[node] = inputs
		default:
			beside := channelsOf(layers) == kernel.Block*node.Shape()[1]
			for _, l := range layers {
				all = append(all, Wiring{l, inputs})
				if beside {
					made[node] = append(made[node], len(all)-1)
				} else { // one behind the other, as in a separable convolution
					inputs = []int{len(all) - 1}
					made[node] = inputs
				}
			}
		}
	}
	return all
}

// partAt returns which of the layers that lie behind each other begins at
// channel.
func partAt(all []Wiring, layers []int, channel int) int {
	for i, layer := range layers {
		if channel <= 0 {
			return i
		}
		channel -= ops.Padded(all[layer].Output[0])
	}
	return 0
}

func channelsOf(layers []ops.Layer) (channels int) {
	for _, l := range layers {
		channels += ops.Padded(l.Output[0])
	}
	return channels
}

// Module is a part of a network that is drawn and summed up as one: a block
// that ends in a concatenation, an auxiliary head, or what lies before,
// between and behind those.
type Module struct {
	Name   string
	Aux    bool  // an auxiliary head
	Layers []int // in order
	Input  int   // the layer before the module; -1 is the image
	Output [3]int
	Params int
	MACs   int64
}

// Modules groups layers by module, in order; auxiliary heads come last.
func Modules(layers []Wiring) []Module {
	concats := map[string]bool{}
	for _, l := range layers {
		concats[l.Name] = concats[l.Name] || l.Op == "concat"
	}
	var main, aux []Module
	at := map[string]int{} // of the auxiliary heads
	last := ""
	for i, l := range layers {
		prefix, _, _ := strings.Cut(l.Name, ".")
		switch {
		case IsAux(l.Name):
			if _, known := at[prefix]; !known {
				at[prefix] = len(aux)
				aux = append(aux, Module{Name: prefix, Aux: true, Input: l.Inputs[0]})
			}
			aux[at[prefix]].add(i, l)
			continue
		case !concats[prefix]:
			prefix = ""
		}
		if len(main) == 0 || prefix != last {
			main = append(main, Module{Name: prefix, Input: l.Inputs[0]})
			last = prefix
		}
		main[len(main)-1].add(i, l)
	}
	for i := range main {
		if main[i].Name == "" {
			main[i].Name = between(layers, main[i])
		}
	}
	return append(main, aux...)
}

func (m *Module) add(i int, l Wiring) {
	m.Layers = append(m.Layers, i)
	m.Output = l.Output
	m.Params += l.ParamCount()
	m.MACs += l.MACs
}

// between names a run of layers that are in no block.
func between(layers []Wiring, m Module) string {
	switch last := layers[m.Layers[len(m.Layers)-1]]; {
	case last.Op == "linear":
		return "classifier"
	case m.Input < 0:
		return "stem"
	default:
		return last.Name
	}
}
