package weights

import (
	"fmt"
	"io"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights/hdf5"
	"github.com/inception-go/inception/internal/weights/pytorch"
)

// Safetensors is the product's own format among those of Export.
const Safetensors = "safetensors"

// Formats lists the formats of Export.
func Formats() []string { return []string{Torchvision, Keras, Safetensors} }

// Export writes weights for another tool, all or nothing. The notes say, a
// line each, what the format cannot carry.
func Export(path, format string, w *model.Weights, m Metadata) (notes []string, err error) {
	switch format {
	case Safetensors:
		return nil, Save(path, w, m)
	case Torchvision:
		if !strings.HasSuffix(path, ".pth") && !strings.HasSuffix(path, ".pt") {
			return torchvisionNotes(m, true), Save(path, w, m)
		}
		var tensors []pytorch.Tensor
		for _, t := range stateDict(w, m) {
			tensors = append(tensors, pytorch.Tensor(t))
		}
		return torchvisionNotes(m, false), WriteFile(path, func(out io.Writer) error { return pytorch.Write(out, tensors) })
	case Keras:
		root, notes, err := kerasGroups(w, m)
		if err != nil {
			return nil, fmt.Errorf("export %s: %w", path, err)
		}
		return notes, WriteFile(path, func(out io.Writer) error { return hdf5.Write(out, root) })
	}
	return nil, fmt.Errorf("--format: must be one of %s, is %q", strings.Join(Formats(), ", "), format)
}

// torchvisionNotes says how the weights differ from what inception_v3() is
// and does.
func torchvisionNotes(m Metadata, metadata bool) (notes []string) {
	if !m.Spec.AvgPoolCountIncludePad {
		notes = append(notes, "these weights have learned with average pools that leave the padding out; torchvision counts it, so its logits will differ: set count_include_pad=False in its modules")
	}
	if !metadata {
		notes = append(notes, ".pth carries no preprocessing, which is: "+m.Preprocess.String())
	}
	if diff := differences(m.Spec); len(diff) > 0 {
		notes = append(notes, "torchvision's inception_v3 has another structure: here "+strings.Join(diff, ", "))
	}
	return notes
}

// differences lists by what a structure differs from V3's.
func differences(s model.Spec) (diff []string) {
	v3, err := model.DefaultSpec("v3")
	if err != nil {
		return nil
	}
	for _, d := range []struct {
		differs bool
		text    string
	}{
		{s.Width != v3.Width, fmt.Sprintf("model.width %g", s.Width)},
		{s.Stem != v3.Stem, fmt.Sprintf("model.stem %+v", s.Stem)},
		{!s.Factorized5x5, "model.factorized_5x5 false"},
		{!s.Asymmetric7x7, "model.asymmetric_7x7 false"},
		{!s.Expanded8x8, "model.expanded_8x8 false"},
		{s.GridReduction != v3.GridReduction, "model.grid_reduction " + s.GridReduction},
		{s.Aux == model.AuxPlain, "model.aux plain"},
		{s.AuxEarly, "model.aux_early true"},
		{!s.AuxLate, "model.aux_late false"},
	} {
		if d.differs {
			diff = append(diff, d.text)
		}
	}
	return diff
}

// kerasGroups lays weights out as keras.applications' InceptionV3 saves them.
// Its batch norm has no scale, so a gamma is multiplied into the weights and the
// mean: (x-mean)/sqrt(var+eps)*gamma is (x*gamma - mean*gamma)/sqrt(var+eps).
func kerasGroups(w *model.Weights, m Metadata) (*hdf5.Group, []string, error) {
	convs, err := plainConvs()
	if err != nil {
		return nil, nil, err
	}
	spec := m.Spec
	if diff := differences(spec); len(diff) > 0 {
		return nil, nil, fmt.Errorf("the format keras takes V3 as published only; here %s", strings.Join(diff, ", "))
	}
	root := &hdf5.Group{}
	var names []string
	add := func(layer string, datasets ...hdf5.Dataset) {
		inner := &hdf5.Group{Name: layer, Datasets: datasets}
		var weightNames []string
		for _, d := range datasets {
			weightNames = append(weightNames, layer+"/"+d.Name)
		}
		root.Groups = append(root.Groups, &hdf5.Group{Name: layer, Groups: []*hdf5.Group{inner},
			Attrs: []hdf5.Attr{{Name: "weight_names", Strings: weightNames}}})
		names = append(names, layer)
	}
	norms := map[int][3][]float32{}
	for _, e := range kerasOrder(convs) {
		if e.norm {
			norm, shape := norms[e.number], []int{len(norms[e.number][0])}
			add(fmt.Sprintf("batch_normalization_%d", e.number+1), hdf5.Dataset{Name: "beta:0", Shape: shape, Values: norm[0]},
				hdf5.Dataset{Name: "moving_mean:0", Shape: shape, Values: norm[1]}, hdf5.Dataset{Name: "moving_variance:0", Shape: shape, Values: norm[2]})
			continue
		}
		kernel, norm, err := withoutGamma(w, convs[e.number])
		if err != nil {
			return nil, nil, err
		}
		shape := w.ByName(convs[e.number] + ".conv.weight").Shape
		k, c, r, s := shape[0], shape[1], shape[2], shape[3]
		add(fmt.Sprintf("conv2d_%d", e.number+1), hdf5.Dataset{Name: "kernel:0", Shape: []int{r, s, c, k}, Values: exchange(kernel, k, c, r*s)})
		norms[e.number] = norm
	}
	if !m.NoHead {
		fc := w.ByName("fc.weight")
		add("predictions", hdf5.Dataset{Name: "kernel:0", Shape: []int{fc.Shape[1], fc.Shape[0]}, Values: exchange(fc.Values(), fc.Shape[0], 1, fc.Shape[1])},
			hdf5.Dataset{Name: "bias:0", Shape: []int{fc.Shape[0]}, Values: w.ByName("fc.bias").Values()})
	}
	root.Attrs = []hdf5.Attr{
		{Name: "layer_names", Strings: names}, {Name: "backend", Strings: []string{"tensorflow"}, Scalar: true},
		{Name: "keras_version", Strings: []string{"2.4.0"}, Scalar: true},
	}
	notes := []string{".h5 carries no preprocessing, which is: " + m.Preprocess.String()}
	if spec.Aux != model.AuxNone {
		notes = append(notes, "Keras' InceptionV3 has no auxiliary head; it is left out")
	}
	if spec.AvgPoolCountIncludePad {
		notes = append(notes, "these weights have learned with average pools that count the padding; Keras leaves it out, so its outputs will differ")
	}
	return root, notes, nil
}

// withoutGamma returns a convolution's weights and its batch norm's beta, mean
// and variance such that no gamma is needed. With a gamma of 1 they are the
// stored ones, bit for bit.
func withoutGamma(w *model.Weights, layer string) (kernel []float32, norm [3][]float32, err error) {
	conv := w.ByName(layer + ".conv.weight")
	if conv == nil {
		return nil, norm, fmt.Errorf("the weights have no layer %s", layer)
	}
	kernel = conv.Values()
	for i, name := range []string{".bn.bias", ".bn.running_mean", ".bn.running_var"} {
		norm[i] = w.ByName(layer + name).Values()
	}
	gamma := w.ByName(layer + ".bn.weight")
	if gamma == nil {
		return kernel, norm, nil
	}
	per := len(kernel) / len(norm[0])
	for k, g := range gamma.Values() {
		if g == 1 {
			continue
		}
		// y = (x*g - mean*g)/sqrt(var+eps) + beta
		for i := k * per; i < (k+1)*per; i++ {
			kernel[i] *= g
		}
		norm[1][k] *= g
	}
	return kernel, norm, nil
}
