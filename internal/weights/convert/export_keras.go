package convert

import (
	"fmt"
	"io"
	"slices"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert/hdf5"
)

// kerasLacks says what weights of Keras' InceptionV3 cannot say.
func kerasLacks(m weights.Metadata) []string {
	lacks := []string{"the preprocessing: " + m.Preprocess.String()}
	if len(m.Labels) > 0 {
		lacks = append(lacks, "the labels")
	}
	if len(m.Golden) > 0 {
		lacks = append(lacks, "the golden pictures")
	}
	if m.Spec.Aux != model.AuxNone {
		lacks = append(lacks, "the auxiliary head, which Keras does not have")
	}
	if m.Spec.AvgPoolCountIncludePad {
		lacks = append(lacks, "average pools that count the padding (Keras leaves it out, so its outputs differ)")
	}
	return lacks
}

func exportKeras(path string, w *model.Weights, m weights.Metadata) error {
	root, err := kerasGroups(w, m)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(out io.Writer) error { return hdf5.Write(out, root) })
}

// kerasGroups lays weights out as keras.applications' InceptionV3 saves them.
// Its batch norm has no scale, so a gamma is multiplied into the weights and the
// mean: (x-mean)/sqrt(var+eps)*gamma is (x*gamma - mean*gamma)/sqrt(var+eps).
func kerasGroups(w *model.Weights, m weights.Metadata) (*hdf5.Group, error) {
	convs, err := plainConvs()
	if err != nil {
		return nil, err
	}
	published, err := model.DefaultSpec(model.V3)
	if err != nil {
		return nil, err
	}
	if twin := m.Spec.Architecture().Twin; twin.String() == published.Architecture().Twin.String() {
		published = twin.Spec // the same network, as the settings of the weights' own variant
	}
	diff := differences(m.Spec, published)
	diff = slices.DeleteFunc(diff, func(d model.Difference) bool { return d.Key == keyCountPad }) // see kerasLacks
	if len(diff) > 0 {
		return nil, fmt.Errorf("the format keras takes V3 as published only; here %s", list(diff))
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
			add(fmt.Sprintf("batch_normalization_%d", e.number+1),
				hdf5.Dataset{Name: "beta:0", Shape: shape, Values: norm[0]},
				hdf5.Dataset{Name: "moving_mean:0", Shape: shape, Values: norm[1]},
				hdf5.Dataset{Name: "moving_variance:0", Shape: shape, Values: norm[2]})
			continue
		}
		kernel, norm, err := withoutGamma(w, convs[e.number])
		if err != nil {
			return nil, err
		}
		shape := w.ByName(convs[e.number] + ".conv.weight").Shape
		k, c, r, s := shape[0], shape[1], shape[2], shape[3]
		add(fmt.Sprintf("conv2d_%d", e.number+1),
			hdf5.Dataset{Name: "kernel:0", Shape: []int{r, s, c, k}, Values: exchange(kernel, k, c, r*s)})
		norms[e.number] = norm
	}
	if !m.NoHead {
		fc := w.Classifier()
		out, in := fc.Shape[0], fc.Shape[1]
		add("predictions",
			hdf5.Dataset{Name: "kernel:0", Shape: []int{in, out}, Values: exchange(fc.Values(), out, 1, in)},
			hdf5.Dataset{Name: "bias:0", Shape: []int{out}, Values: w.ByName(fc.Layer + ".bias").Values()})
	}
	root.Attrs = []hdf5.Attr{
		{Name: "layer_names", Strings: names}, {Name: "backend", Strings: []string{"tensorflow"}, Scalar: true},
		{Name: "keras_version", Strings: []string{"2.4.0"}, Scalar: true},
	}
	return root, nil
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
