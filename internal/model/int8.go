package model

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
)

// Int8 is what quantised weights hold beside the parameters of their float32
// layers; Int8Conv is one of its convolutions.
type (
	Int8     = ops.Int8
	Int8Conv = ops.Int8Conv
)

// Int8Weights returns weights of spec's eval network, quantised as q says: the
// convolutions of q have no parameters, those of all other layers are zero. It is an
// error if q does not fit the network.
func Int8Weights(spec Spec, q *Int8) (*Weights, error) {
	b, err := sketch(spec.WithoutAux())
	if err != nil {
		return nil, err
	}
	if err := checkInt8(ops.Layers(b.Graph), q); err != nil {
		return nil, err
	}
	w := &Weights{Spec: spec.WithoutAux(), Params: b.Params(), Int8: q, byName: map[string]*ops.Param{}}
	for _, p := range w.Params {
		if q.Convs[p.Layer] == nil {
			p.Data = make([]float32, p.Floats())
		}
		w.byName[p.Name] = p
	}
	return w, nil
}

// CanInt8 reports whether a layer is a convolution that can compute in bytes: sums
// of so many products fit 32 bits. The halves of a separable one cannot.
func CanInt8(l *ops.Layer) bool {
	if l.Op != ops.OpConv || l.Params[0].Kind == ops.SeparableWeight {
		return false
	}
	s := l.Params[0].Shape
	return s[1]*s[2]*s[3] <= kernel.MaxInt8Terms
}

// HasInt8Scale reports whether the result of an eval network's layer is an
// activation in bytes, which has a scale.
func HasInt8Scale(l *ops.Layer) bool {
	switch l.Op {
	case ops.OpConv, ops.OpMaxPool, ops.OpAvgPool, ops.OpConcat:
		return l.Groups <= 1 // what lies between the halves of a separable one is not made
	}
	return false
}

// checkInt8 checks that q has what the layers need, and no more.
func checkInt8(layers []ops.Layer, q *Int8) error {
	convs, scales := 0, 0
	for i := range layers {
		l := &layers[i]
		if c := q.Convs[l.Name]; c != nil {
			if !CanInt8(l) {
				return fmt.Errorf("layer %s cannot compute in int8", l.Name)
			}
			if err := c.Check(l); err != nil {
				return fmt.Errorf("layer %s: %w", l.Name, err)
			}
			convs++
		}
		if HasInt8Scale(l) {
			if err := ops.CheckInt8Scale(q.Scales[l.Name]); err != nil {
				return fmt.Errorf("layer %s: its result's scale: %w", l.Name, err)
			}
			scales++
		}
	}
	if convs != len(q.Convs) || scales != len(q.Scales) {
		return fmt.Errorf("%d convolutions in int8 and %d scales are of layers that the network does not have",
			len(q.Convs)-convs, len(q.Scales)-scales)
	}
	for colour, scale := range q.Image.Scale {
		if err := ops.CheckInt8Scale(scale); err != nil {
			return fmt.Errorf("the image's scale: %w", err)
		}
		if o := q.Image.Offset[colour]; !(o >= -1e6 && o <= 1e6) {
			return fmt.Errorf("the image's offset is %g", o)
		}
	}
	return nil
}

// Observe makes each run of a float32 network show every activation as soon as it is
// there, by the name of its layer; with nil no more.
func (n *Network) Observe(see func(layer string, m kernel.Map)) { ops.Observe(n.Graph, see) }
