package ops

import (
	"math"
	"sync"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// FoldedConv is convolution, batch norm by the running statistics and ReLU as
// one pass, for inference: the scale lies in the weights, the shift is a
// bias; folds keeps them. Refresh must follow every change of the parameters. A
// nil norm.Beta stands for no batch norm, and bias for the layer's own bias, if
// any. The result has the precision, and so has x unless it is an image.
func FoldedConv(name string, x *gorgonia.Node, folds *Folds, weight, bias *Param, norm Norm, v kernel.Window,
	precision Precision, layers ...Layer) (*gorgonia.Node, error) {
	plan := planConv
	if weight.Kind == ImageWeight {
		plan = planImageConv
	}
	p, err := plan(name, x, weight.Shape[0], v, precision)
	if err != nil {
		return nil, err
	}
	f := folds.of(weight, bias, norm, p.layout)
	o := &op{name: name + ": convolution + bias + relu", result: p.result, layers: layers,
		bf16: precision == BF16, memory: p.layout.floatsOf(weight) * FP32.bytes()}
	o.forward = func(in []gorgonia.Value) error {
		w, b := f.ready()
		p.run(in[0], w, b)
		return nil
	}
	return o.apply(append(gorgonia.Nodes{x}, f.nodes(x.Graph())...)...)
}

// Folds are the folded weights of all networks over the same parameters: those
// of a layer are made when a network first runs it, and shared by all.
type Folds struct {
	mu     sync.Mutex
	all    map[foldOf]*folded
	memory kernel.Slab
}

// foldOf distinguishes the folds of one weight.
type foldOf struct {
	weight *Param
	layout string
}

// Len returns how many weights are or will be folded.
func (f *Folds) Len() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all)
}

// of returns the fold of a weight in a layout.
func (f *Folds) of(weight, bias *Param, norm Norm, layout layout) *folded {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := foldOf{weight, layout.name}
	if f.all == nil {
		f.all = map[foldOf]*folded{}
	}
	if f.all[key] == nil {
		f.all[key] = &folded{weight: weight, bias: bias, norm: norm, layout: layout, memory: &f.memory}
	}
	return f.all[key]
}

// Refresh recomputes all of them that have been made. No network that uses them may run
// meanwhile.
func (f *Folds) Refresh() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.all {
		one.refresh()
	}
}

// Folded returns a convolution's weights, in file order, and bias with batch
// norm folded into both, as FoldedConv uses them.
func (l *Layer) Folded() (weights, bias []float32) {
	weight := l.Params[0]
	f := &folded{weight: weight, bias: l.Param(Bias), norm: Norm{Gamma: l.Param(Gamma), Beta: l.Param(Beta),
		Mean: l.Param(RunningMean), Var: l.Param(RunningVar), Eps: l.Eps}}
	w, b := f.ready()
	return weight.Unpack(w), b[:weight.Shape[0]]
}

// folded is a weight with its batch norm folded in.
type folded struct {
	mu           sync.Mutex
	weight, bias *Param
	norm         Norm
	layout       layout
	w, b         []float32
	memory       *kernel.Slab
}

// nodes are the inputs from which the folded weights are computed.
func (f *folded) nodes(g *gorgonia.ExprGraph) (nodes gorgonia.Nodes) {
	for _, p := range append([]*Param{f.weight, f.bias}, f.norm.Params()...) {
		if p != nil {
			nodes = append(nodes, ParamNode(g, p))
		}
	}
	return nodes
}

// ready returns the weights and biases, and makes them if necessary.
func (f *folded) ready() (w, b []float32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w == nil {
		f.make()
	}
	return f.w, f.b
}

// refresh recomputes them if they have been made.
func (f *folded) refresh() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.w != nil {
		f.make()
	}
}

func (f *folded) make() {
	if f.w == nil {
		f.b = make([]float32, Padded(f.weight.Shape[0]))
		f.w = f.memory.Floats(f.layout.floatsOf(f.weight))
	}
	if f.layout.pack == nil {
		f.fold(f.w)
		return
	}
	w := make([]float32, len(f.weight.Data))
	f.fold(w)
	f.layout.pack(f.w, w)
}

// fold makes the weights and the biases.
func (f *folded) fold(w []float32) {
	if f.norm.Beta == nil {
		copy(w, f.weight.Data)
		clear(f.b)
		if f.bias != nil {
			copy(f.b, f.bias.Data)
		}
		return
	}
	perBlock := len(w) / (len(f.b) / kernel.Block)
	for k := range f.b {
		scale := 1 / math.Sqrt(float64(f.norm.Var.Data[k])+float64(f.norm.Eps))
		if f.norm.Gamma != nil {
			scale *= float64(f.norm.Gamma.Data[k])
		}
		at := k/kernel.Block*perBlock + k%kernel.Block
		for i := at; i < at-k%kernel.Block+perBlock; i += kernel.Block {
			w[i] = float32(float64(f.weight.Data[i]) * scale)
		}
		mean := float64(f.norm.Mean.Data[k])
		if f.bias != nil {
			mean -= float64(f.bias.Data[k])
		}
		f.b[k] = float32(float64(f.norm.Beta.Data[k]) - mean*scale)
	}
}
