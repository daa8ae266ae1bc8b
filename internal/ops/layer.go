package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Operation says what a layer does.
type Operation string

// The operations.
const (
	OpConv            Operation = "conv"
	OpMaxPool         Operation = "max_pool"
	OpAvgPool         Operation = "avg_pool"
	OpAdaptiveAvgPool Operation = "adaptive_avg_pool"
	OpGlobalAvgPool   Operation = "global_avg_pool"
	OpConcat          Operation = "concat"
	OpDropout         Operation = "dropout"
	OpFlatten         Operation = "flatten"
	OpLinear          Operation = "linear"
)

// IsPool reports whether the operation pools, by whatever window.
func (o Operation) IsPool() bool {
	switch o {
	case OpMaxPool, OpAvgPool, OpAdaptiveAvgPool, OpGlobalAvgPool:
		return true
	}
	return false
}

// Layer is what tables, pictures and exports need to know about a node: the
// facts are recorded where the node is made and read from the graph.
type Layer struct {
	Name   string // such as Mixed_5b.branch1x1
	Op     Operation
	Output [3]int   // channels, height, width; channels without padding
	MACs   int64    // multiply-adds for one image
	Params []*Param // in file order, running statistics included
	Inputs []int    // the layers that it reads, as indices of the list of Layers; -1 is the image
	Place

	kernel.Window           // of convolutions and pools
	CeilMode        bool    // of pools
	CountIncludePad bool    // of average pools
	ReLU            bool    // the layer ends in a ReLU
	Groups          int     // of convolutions; 0 means 1
	Eps             float32 // added to the variance of the layer's batch norm, if it has one
}

// Param returns the layer's parameter of a kind, or nil.
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

// nameOf returns the name of a node for errors.
func nameOf(n *gorgonia.Node) string {
	if o, ok := n.Op().(*op); ok {
		return o.name
	}
	return n.Name()
}
