package convert

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/model"
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
func Export(path string, w *model.Weights, m weights.Metadata, o ExportOptions) (Exported, error) {
	if err := o.Validate(path); err != nil {
		return Exported{}, err
	}
	if m.Spec.Variant == "" {
		m.Spec = w.Spec
	}
	m.InputSize = cmp.Or(m.InputSize, m.Spec.InputSize)
	m.Preprocess.Size = m.InputSize
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
	size := m.InputSize
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
		out = Port{"features", "float32", []int{AnyBatch, w.ByName("fc.weight").Shape[1]}, "pooled; the weights have no classifier"}
	}
	return in, out
}

// differences lists by what a structure differs from a variant's as published.
func differences(s model.Spec, published string) (diff []string) {
	as, err := model.DefaultSpec(published)
	if err != nil {
		return nil
	}
	if s.Variant != published && s.Variant != model.V2 { // V2 is V3 with other switches
		return []string{"model.variant " + s.Variant}
	}
	for _, d := range []struct {
		differs bool
		text    string
	}{
		{s.Width != as.Width, fmt.Sprintf("model.width %g", s.Width)},
		{s.Stem != as.Stem, fmt.Sprintf("model.stem %+v", s.Stem)},
		{s.Factorized5x5 != as.Factorized5x5, "model.factorized_5x5 false"},
		{s.Tower3x3 != as.Tower3x3, "model.tower_3x3 true"},
		{s.Asymmetric7x7 != as.Asymmetric7x7, "model.asymmetric_7x7 false"},
		{s.Expanded8x8 != as.Expanded8x8, "model.expanded_8x8 false"},
		{s.GridReduction != as.GridReduction, "model.grid_reduction " + s.GridReduction},
		{s.Aux == model.AuxPlain, "model.aux plain"},
		{s.AuxEarly != as.AuxEarly && s.Aux != model.AuxNone, fmt.Sprintf("model.aux_early %t", s.AuxEarly)},
		{s.AuxLate != as.AuxLate && s.Aux != model.AuxNone, fmt.Sprintf("model.aux_late %t", s.AuxLate)},
	} {
		if d.differs {
			diff = append(diff, d.text)
		}
	}
	return diff
}
