package model

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
)

// Precision is what a network's activations consist of and its convolutions
// multiply. Weights, their gradients, and what Logits, Features and Point return are
// float32 always.
type Precision = ops.Precision

// The precisions of networks.
const (
	FP32 = ops.FP32
	BF16 = ops.BF16
	INT8 = ops.INT8
	Own  = ops.Own
)

// Precision returns what networks over the weights compute in if p is asked for, or
// why they cannot.
func (w *Weights) Precision(p Precision) (Precision, error) {
	own := FP32
	if w.Int8 != nil {
		own = INT8
	}
	switch {
	case p == Own || p == own:
		return own, nil
	case own == INT8:
		return own, fmt.Errorf("precision: the weights are quantised to %v; %v needs those that they were made of", own, p)
	case p == INT8:
		return own, fmt.Errorf("precision: the weights are not quantised to %v; inception quantize does that", p)
	}
	return p, nil
}

// Precisions returns those that networks can compute in on this processor; with
// emulate also those that it has no instructions for.
func Precisions(emulate bool) []Precision {
	if !kernel.HasBF16() && !emulate {
		return []Precision{FP32, INT8}
	}
	return []Precision{FP32, BF16, INT8}
}

// ParsePrecision reads the name of a precision, "" for Own. One that the processor has no
// instructions for is an error, which says what it would cost, unless emulate is
// set: plain Go can do it too.
func ParsePrecision(name string, emulate bool) (Precision, error) {
	switch name {
	case "":
		return Own, nil
	case FP32.String():
		return FP32, nil
	case INT8.String(): // without instructions for it about as fast as float32
		return INT8, nil
	case BF16.String():
		if kernel.HasBF16() || emulate {
			return BF16, nil
		}
		return FP32, fmt.Errorf("%s has no instructions for bf16 on this processor; "+
			"in plain Go it would take about %.0f times as long as fp32",
			kernel.ISA(), kernel.BF16Cost())
	}
	return FP32, fmt.Errorf("must be %v, %v or %v, is %q", FP32, BF16, INT8, name)
}
