package ops

import "gorgonia.org/gorgonia"

// Precision is what activations consist of and convolutions multiply. Their sums,
// what batch norm folds, and the classifier are float32 in each.
type Precision int

// The precisions of activations.
const (
	FP32 Precision = iota
	BF16           // inference only
	INT8           // inference of quantised weights
	Own            // INT8 if weights are quantised, else FP32; no activation's
)

// bytes is the size of a value.
func (p Precision) bytes() int { return [...]int{FP32: 4, BF16: 2, INT8: 1}[p] }

// String is the name that settings use.
func (p Precision) String() string {
	return [...]string{FP32: "fp32", BF16: "bf16", INT8: "int8", Own: "own"}[p]
}

// precisionOf returns the precision of an activation; images and parameters are
// float32.
func precisionOf(n *gorgonia.Node) Precision {
	if r := resultOf(n); r != nil {
		return r.precision
	}
	return FP32
}
