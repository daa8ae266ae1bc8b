package convert

import (
	"cmp"
	"slices"

	"github.com/inception-go/inception/internal/model"
)

// namedLayer is a layer with weights.
type namedLayer struct {
	name string
	head bool // a classifier
}

// layersOf lists the layers with weights of a variant as published, with or
// without its auxiliary heads; a separable convolution is one.
func layersOf(variant string, aux bool) (layers []namedLayer, err error) {
	spec, err := model.DefaultSpec(variant)
	if err != nil {
		return nil, err
	}
	if spec.Classes = 1; !aux {
		spec = spec.WithoutAux()
	}
	params, err := model.Parameters(spec)
	for _, p := range params {
		l := namedLayer{cmp.Or(p.Whole, p.Layer), p.Head}
		if !slices.Contains(layers, l) {
			layers = append(layers, l)
		}
	}
	return layers, err
}
