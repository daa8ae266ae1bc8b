package model

import "github.com/inception-go/inception/internal/ops"

// Module is a part of a network that is drawn and summarised as one: a block
// that ends in a concatenation, an auxiliary head, or the layers before, between
// or after those.
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
func Modules(layers []ops.Layer) []Module {
	var main, aux []Module
	for i, l := range layers {
		group := &main
		if l.Aux {
			group = &aux
		}
		if all := *group; len(all) == 0 || l.Module != all[len(all)-1].Name {
			*group = append(all, Module{Name: l.Module, Aux: l.Aux, Input: l.Inputs[0]})
		}
		(*group)[len(*group)-1].add(i, l)
	}
	for i := range main {
		if main[i].Name == "" {
			main[i].Name = between(layers, main[i])
		}
	}
	return append(main, aux...)
}

func (m *Module) add(i int, l ops.Layer) {
	m.Layers = append(m.Layers, i)
	m.Output = l.Output
	m.Params += l.ParamCount()
	m.MACs += l.MACs
}

// between names a run of layers outside all blocks.
func between(layers []ops.Layer, m Module) string {
	switch last := layers[m.Layers[len(m.Layers)-1]]; {
	case last.Op == ops.OpLinear:
		return "classifier"
	case m.Input < 0:
		return "stem"
	default:
		return last.Name
	}
}
