package convert

import (
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

// layersOf lists the layers with weights of a variant without auxiliary heads;
// a separable convolution is one.
func layersOf(variant string) ([]string, error) {
	spec, err := model.DefaultSpec(variant)
	if err != nil {
		return nil, err
	}
	spec.Aux, spec.AuxEarly, spec.Classes = model.AuxNone, false, 1
	all, err := model.Layers(spec)
	if err != nil {
		return nil, err
	}
	var layers []string
	for _, l := range all {
		for _, p := range l.Params {
			layer := model.LayerOf(p.Name)
			for _, half := range []string{".depthwise", ".pointwise"} {
				layer = strings.TrimSuffix(layer, half)
			}
			if !slices.Contains(layers, layer) {
				layers = append(layers, layer)
			}
		}
	}
	return layers, nil
}
