package weights

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights/hdf5"
	"github.com/inception-go/inception/internal/weights/pytorch"
)

// The formats of Export that no Family writes.
const (
	Safetensors = "safetensors" // the product's own
	ONNX        = "onnx"
)

// Formats lists the formats of Export.
func Formats() []string { return []string{ONNX, Torchvision, Keras, Safetensors} }

// ExportOptions say what Export writes.
type ExportOptions struct {
	Format string // one of Formats

	// Of ONNX only.
	WithPreprocess bool // the graph takes bytes and begins with mean and deviation
	KeepBatchNorm  bool // batch norm is not folded into the convolutions
}

// Validate returns what is wrong with the options for a file called path.
func (o ExportOptions) Validate(path string) error {
	if !slices.Contains(Formats(), o.Format) {
		return fmt.Errorf("--format: must be one of %s, is %q", strings.Join(Formats(), ", "), o.Format)
	}
	if o.Format != ONNX && (o.WithPreprocess || o.KeepBatchNorm) {
		return fmt.Errorf("--with-preprocess and --no-fold are for --format %s; %s files hold weights, not what is done with them", ONNX, o.Format)
	}
	if want := endings[o.Format]; !slices.Contains(want, filepath.Ext(path)) {
		return fmt.Errorf("--out: --format %s writes %s, not %s", o.Format, strings.Join(want, " or "), filepath.Base(path))
	}
	return nil
}

// endings are what files of the formats are called.
var endings = map[string][]string{
	ONNX: {".onnx"}, Torchvision: {".pth", ".pt", ".safetensors"}, Keras: {".h5"}, Safetensors: {".safetensors"},
}

// Exported says what Export has written.
type Exported struct {
	Inputs  []Port   `json:"inputs"`
	Outputs []Port   `json:"outputs"`
	LeftOut []string `json:"left_out"` // what the format cannot carry
}

// Port is what a network takes or gives.
type Port struct {
	Name  string `json:"name"`
	Type  string `json:"type"`  // float32 or uint8
	Shape []int  `json:"shape"` // AnyBatch first
	About string `json:"about"`
}

// AnyBatch is the size of a Port's first dimension.
const AnyBatch = -1

// String describes the port in one line.
func (p Port) String() string {
	shape := strings.ReplaceAll(fmt.Sprint(p.Shape), strconv.Itoa(AnyBatch), "N")
	return fmt.Sprintf("%s: %s %s, %s", p.Name, p.Type, shape, p.About)
}

// Export writes weights for another tool, all or nothing.
func Export(path string, w *model.Weights, m Metadata, o ExportOptions) (Exported, error) {
	if err := o.Validate(path); err != nil {
		return Exported{}, err
	}
	if m.Spec.Variant == "" {
		m.Spec = w.Spec
	}
	m.Preprocess.Size = m.inputSize()
	in, out := ports(w, m, o)
	var lacks []string
	var err error
	switch {
	case o.Format == ONNX:
		lacks = onnxLacks(m)
		err = exportONNX(path, w, m, o, in, out)
	case o.Format == Keras:
		lacks = kerasLacks(m)
		err = exportKeras(path, w, m)
	case o.Format == Torchvision && filepath.Ext(path) != ".safetensors":
		lacks = torchvisionLacks(m, false)
		err = exportPickle(path, w, m)
	case o.Format == Torchvision:
		lacks = torchvisionLacks(m, true)
		err = Save(path, w, m)
	default:
		err = Save(path, w, m)
	}
	if err != nil {
		return Exported{}, fmt.Errorf("export: %w", err)
	}
	return Exported{[]Port{in}, []Port{out}, append([]string{}, lacks...)}, nil
}

// ports describes what the network takes and gives, as the format has it.
func ports(w *model.Weights, m Metadata, o ExportOptions) (in, out Port) {
	size := m.inputSize()
	in = Port{"input", "float32", []int{AnyBatch, 3, size, size}, "red, green, blue; " + m.Preprocess.String()}
	out = Port{"logits", "float32", []int{AnyBatch, m.Spec.Classes}, "of the classes, before softmax"}
	if o.WithPreprocess {
		in.Type, in.About = "uint8", "red, green, blue from 0 to 255; "+m.Preprocess.Framing()
	}
	if o.Format == Keras {
		in.Shape = []int{AnyBatch, size, size, 3}
		out.Name, out.About = "predictions", "of the classes, after softmax"
	}
	if m.NoHead {
		out = Port{"features", "float32", []int{AnyBatch, w.Classifier().Shape[1]}, "pooled; the weights have no classifier"}
	}
	return in, out
}

func exportPickle(path string, w *model.Weights, m Metadata) error {
	var tensors []pytorch.Tensor
	for _, t := range stateDict(w, m) {
		tensors = append(tensors, pytorch.Tensor(t))
	}
	return atomicfile.Write(path, func(out io.Writer) error { return pytorch.Write(out, tensors) })
}

// torchvisionLacks says how what the twin in torchvision or timm makes of the
// weights differs from what they are.
func torchvisionLacks(m Metadata, metadata bool) (lacks []string) {
	twin := m.Spec.Architecture().Twin
	diff := differences(m.Spec, twin.Spec)
	if i := slices.IndexFunc(diff, func(d model.Difference) bool { return d.Key == keyCountPad }); i >= 0 {
		diff = slices.Delete(diff, i, i+1)
		how, theirs := "do not count", "does"
		if m.Spec.AvgPoolCountIncludePad {
			how, theirs = "count", "does not"
		}
		lacks = append(lacks, fmt.Sprintf("average pools that %s the padding (%s %s, so its logits differ)", how, twin, theirs))
	}
	if !metadata {
		lacks = append(lacks, "the preprocessing: "+m.Preprocess.String())
		if len(m.Labels) > 0 {
			lacks = append(lacks, "the labels")
		}
	}
	if m.NoHead {
		lacks = append(lacks, "a classifier, which these weights do not have (load_state_dict needs strict=False)")
	}
	if len(diff) > 0 {
		lacks = append(lacks, "the structure, which "+twin.String()+" does not have: "+list(diff))
	}
	return lacks
}

const keyCountPad = "model.avgpool_count_include_pad"

// differences lists by what a structure differs from another in its tensors and
// in what is done with them: the variant alone, or switches.
func differences(s, other model.Spec) (diff []model.Difference) {
	if s.Aux == model.AuxNone { // a head can be missing everywhere
		s, other = s.WithoutAux(), other.WithoutAux()
	}
	for _, d := range s.Differences(other) {
		switch d.Key {
		case "model.variant":
			return []model.Difference{d}
		case "model.input_size", "model.classes", "model.dropout", "model.aux_dropout", "model.bn_decay", "model.bn_eps", "model.init":
		default:
			diff = append(diff, d)
		}
	}
	return diff
}

func list(diff []model.Difference) string {
	var texts []string
	for _, d := range diff {
		texts = append(texts, d.String())
	}
	return strings.Join(texts, ", ")
}

// kerasLacks says what weights of Keras' InceptionV3 cannot say.
func kerasLacks(m Metadata) []string {
	lacks := []string{"the preprocessing: " + m.Preprocess.String()}
	if len(m.Labels) > 0 {
		lacks = append(lacks, "the labels")
	}
	if m.Spec.Aux != model.AuxNone {
		lacks = append(lacks, "the auxiliary head, which Keras has not")
	}
	if m.Spec.AvgPoolCountIncludePad {
		lacks = append(lacks, "average pools that count the padding (Keras leaves it out, so its outputs differ)")
	}
	return lacks
}

func exportKeras(path string, w *model.Weights, m Metadata) error {
	root, err := kerasGroups(w, m)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(out io.Writer) error { return hdf5.Write(out, root) })
}

// kerasGroups lays weights out as keras.applications' InceptionV3 saves them.
// Its batch norm has no scale, so a gamma is multiplied into the weights and the
// mean: (x-mean)/sqrt(var+eps)*gamma is (x*gamma - mean*gamma)/sqrt(var+eps).
func kerasGroups(w *model.Weights, m Metadata) (*hdf5.Group, error) {
	convs, err := plainConvs()
	if err != nil {
		return nil, err
	}
	published, err := model.DefaultSpec(model.V3)
	if err != nil {
		return nil, err
	}
	if m.Spec.Variant == model.V2 { // V3 with other switches
		published.Variant = model.V2
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
			add(fmt.Sprintf("batch_normalization_%d", e.number+1), hdf5.Dataset{Name: "beta:0", Shape: shape, Values: norm[0]},
				hdf5.Dataset{Name: "moving_mean:0", Shape: shape, Values: norm[1]}, hdf5.Dataset{Name: "moving_variance:0", Shape: shape, Values: norm[2]})
			continue
		}
		kernel, norm, err := withoutGamma(w, convs[e.number])
		if err != nil {
			return nil, err
		}
		shape := w.ByName(convs[e.number] + ".conv.weight").Shape
		k, c, r, s := shape[0], shape[1], shape[2], shape[3]
		add(fmt.Sprintf("conv2d_%d", e.number+1), hdf5.Dataset{Name: "kernel:0", Shape: []int{r, s, c, k}, Values: exchange(kernel, k, c, r*s)})
		norms[e.number] = norm
	}
	if !m.NoHead {
		fc := w.Classifier()
		add("predictions", hdf5.Dataset{Name: "kernel:0", Shape: []int{fc.Shape[1], fc.Shape[0]}, Values: exchange(fc.Values(), fc.Shape[0], 1, fc.Shape[1])},
			hdf5.Dataset{Name: "bias:0", Shape: []int{fc.Shape[0]}, Values: w.ByName("fc.bias").Values()})
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
