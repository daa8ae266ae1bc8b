package convert

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/inception-go/inception/internal/weights"
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
		return fmt.Errorf("--format: must be one of %s, is %q%s", strings.Join(Formats(), ", "), o.Format,
			spelling.Suggest(o.Format, Formats()))
	}
	if o.Format != ONNX && (o.WithPreprocess || o.KeepBatchNorm) {
		return fmt.Errorf("--with-preprocess and --no-fold are for --format %s; %s files hold weights, "+
			"not what is done with them", ONNX, o.Format)
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
func Export(path string, w *model.Weights, m weights.Metadata, o ExportOptions) (Exported, error) {
	if err := o.Validate(path); err != nil {
		return Exported{}, err
	}
	if w.Int8 != nil && o.Format != ONNX && o.Format != Safetensors {
		return Exported{}, fmt.Errorf("export: the weights are quantised to int8, which %s files cannot hold; "+
			"export those that they were made of, or --format %s", o.Format, ONNX)
	}
	if m.Spec.Variant == "" {
		m.Spec = w.Spec
	}
	m.Preprocess.Size = m.Network().InputSize
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
		lacks = torchvisionLacks(m)
		err = exportPickle(path, w, m)
	case o.Format == Torchvision:
		lacks = torchvisionLacks(m)
		err = weights.Save(path, w, m)
	default:
		err = weights.Save(path, w, m)
	}
	if err != nil {
		return Exported{}, fmt.Errorf("export: %w", err)
	}
	return Exported{[]Port{in}, []Port{out}, append([]string{}, lacks...)}, nil
}

// ports describes what the network takes and gives, as the format has it.
func ports(w *model.Weights, m weights.Metadata, o ExportOptions) (in, out Port) {
	size := m.Preprocess.Size
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
		case "model.input_size", "model.classes", "model.dropout", "model.aux_dropout",
			"model.bn_decay", "model.init":
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
