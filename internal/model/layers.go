package model

import "github.com/inception-go/inception/internal/ops"

// Layers lists the layers of spec's network in order with their inputs,
// auxiliary heads included, as its graph has them. Nothing is allocated.
func Layers(spec Spec) ([]ops.Layer, error) {
	b, err := sketch(spec)
	if err != nil {
		return nil, err
	}
	return ops.Layers(b.Graph), nil
}

// Parameters lists the parameters and running statistics of spec's network,
// auxiliary heads included, in the order of its layers. They have no memory.
func Parameters(spec Spec) (params []*ops.Param, err error) {
	layers, err := Layers(spec)
	for _, l := range layers {
		params = append(params, l.Params...)
	}
	return params, err
}

// Layers lists the layers of the network's graph in order.
func (n *Network) Layers() []ops.Layer { return ops.Layers(n.Graph) }

// TrainingMACs sums the multiply-adds of a training step on one image, with auxiliary
// heads. The forward pass and the gradients of the input and of the weights take the
// same number; the image needs no gradient.
func TrainingMACs(layers []ops.Layer) (macs int64) {
	for i, l := range layers {
		passes := int64(3)
		if i == 0 {
			passes = 2
		}
		macs += passes * l.MACs
	}
	return macs
}

// MACs sums the multiply-adds of layers for one image, without auxiliary
// heads, which run only in training.
func MACs(layers []ops.Layer) (macs int64) {
	for _, l := range layers {
		if !l.Aux {
			macs += l.MACs
		}
	}
	return macs
}

// Params sums the trained parameters of layers.
func Params(layers []ops.Layer, withAux bool) (count int) {
	for _, l := range layers {
		if withAux || !l.Aux {
			count += l.ParamCount()
		}
	}
	return count
}
