package convert

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert/onnx"
)

// narrow returns random weights of a network with few channels, whose
// activations keep their size from layer to layer.
func narrow(t *testing.T, variant string, change func(*model.Spec)) (*model.Weights, weights.Metadata) {
	t.Helper()
	spec, err := model.DefaultSpec(variant)
	if err != nil {
		t.Fatal(err)
	}
	spec.Width, spec.Classes, spec.Init, spec.InputSize = 0.05, 7, "he", 107
	change(&spec)
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, p := range w.Params {
		values := p.Values()
		for i := range values {
			switch p.Kind {
			case ops.Gamma, ops.RunningVar:
				values[i] = 0.5 + r.Float32()
			case ops.LinearWeight: // large beside the bias
				values[i] = 2*r.Float32() - 1
			case ops.Beta, ops.Bias, ops.RunningMean:
				values[i] = 0.4*r.Float32() - 0.2
			}
		}
		if err := p.SetValues(values); err != nil {
			t.Fatal(err)
		}
	}
	labels := []string{"ant", "bee", "cat", "dog", "eel", "fox", "gnu"}
	p, err := picture.NamedPreprocess("imagenet", spec.InputSize)
	if err != nil {
		t.Fatal(err)
	}
	return w, weights.Metadata{Spec: spec, Labels: labels, Preprocess: p, Version: "test"}
}

// exportNarrow writes an ONNX model and reads it back.
func exportNarrow(t *testing.T, w *model.Weights, m weights.Metadata, o ExportOptions) *onnx.ModelProto {
	t.Helper()
	o.Format = ONNX
	path := filepath.Join(t.TempDir(), "w.onnx")
	if _, err := Export(path, w, m, o); err != nil {
		t.Fatal(err)
	}
	return readONNX(t, path)
}

// outputs runs our network on pixels from 0 to 255.
func outputs(t *testing.T, w *model.Weights, m weights.Metadata, pixels array) (logits, features []float32) {
	t.Helper()
	net, err := model.Build(w.Spec, w, pixels.shape[0], model.Eval, model.Options{Precision: model.Own})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := net.Forward(floats32(preprocessed(m, pixels))); err != nil {
		t.Fatal(err)
	}
	return net.Logits(), net.Features()
}

func preprocessed(m weights.Metadata, pixels array) array {
	return perChannel(pixels, func(c int, v float64) float64 {
		return float64(float32((v/255 - m.Preprocess.Mean[c]) / m.Preprocess.Std[c]))
	})
}

func floats32(a array) []float32 {
	values := make([]float32, len(a.data))
	for i, v := range a.data {
		values[i] = float32(v)
	}
	return values
}

func randomPixels(size int) array {
	pixels := newArray(2, 3, size, size)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range pixels.data {
		pixels.data[i] = float64(r.IntN(256))
	}
	return pixels
}

func TestONNXModelsComputeOurLogits(t *testing.T) {
	type test struct {
		name, variant string
		change        func(*model.Spec)
	}
	tests := []test{
		{"v3, padding counted", "v3", func(s *model.Spec) { s.AvgPoolCountIncludePad = true }},
		{"v3, even size", "v3", func(s *model.Spec) { s.InputSize = 110 }},
		{"v3, no switch of the paper", "v3", func(s *model.Spec) {
			s.Factorized5x5, s.Asymmetric7x7, s.Expanded8x8, s.GridReduction = false, false, false, "pool_first"
		}},
		{"v2, expand first, stride 1", "v2", func(s *model.Spec) {
			s.GridReduction, s.Stem.Stride, s.Stem.Pool, s.InputSize = "expand_first", 1, false, 39
		}},
	}
	for _, v := range model.Variants() {
		tests = append(tests, test{v, v, func(*model.Spec) {}})
	}
	for _, test := range tests {
		for _, o := range []ExportOptions{{}, {KeepBatchNorm: true, WithPreprocess: true}} {
			name := fmt.Sprintf("%s, batch norm kept %t, preprocessing %t", test.name, o.KeepBatchNorm, o.WithPreprocess)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w, m := narrow(t, test.variant, test.change)
				got := exportNarrow(t, w, m, o)
				checkGraph(t, got.GetGraph())
				pixels := randomPixels(m.Preprocess.Size)
				want, _ := outputs(t, w, m, pixels)
				input := pixels
				if !o.WithPreprocess {
					input = preprocessed(m, pixels)
				}
				near(t, got, input, want, []int{2, 7})
			})
		}
	}
}

// near runs a model on two images and compares.
func near(t *testing.T, m *onnx.ModelProto, input array, want []float32, shape []int) {
	t.Helper()
	got, err := runONNX(m, input)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.shape, shape) || len(got.data) != len(want) {
		t.Fatalf("shape %v, want %v", got.shape, shape)
	}
	worst, apart := 0.0, 0.0 // from ours, and one image from the other
	for i, v := range want {
		worst = math.Max(worst, math.Abs(got.data[i]-float64(v)))
		apart = math.Max(apart, math.Abs(float64(v-want[i%shape[1]])))
	}
	t.Logf("%.1e of how far the images are apart, %.2g", worst/apart, apart)
	if !(worst <= 1e-4*apart) {
		t.Errorf("differs by %g, the images by %g", worst, apart)
	}
}

// checkGraph checks what ONNX demands of a graph's names, and that nothing is
// there for nothing.
func checkGraph(t *testing.T, g *onnx.GraphProto) {
	t.Helper()
	made, read := map[string]bool{g.GetInput()[0].GetName(): true}, map[string]bool{g.GetOutput()[0].GetName(): true}
	for _, c := range g.GetInitializer() {
		if made[c.GetName()] {
			t.Errorf("%s comes twice", c.GetName())
		}
		made[c.GetName()] = true
	}
	for _, n := range g.GetNode() {
		for _, in := range n.GetInput() {
			if !made[in] {
				t.Errorf("%s reads %s, which comes later or never", n.GetName(), in)
			}
			read[in] = true
		}
		for _, out := range n.GetOutput() {
			if made[out] {
				t.Errorf("%s comes twice", out)
			}
			made[out] = true
		}
	}
	for name := range made {
		if !read[name] {
			t.Errorf("nothing reads %s", name)
		}
	}
}

func TestONNXInitializersAreTheWeightsBitForBit(t *testing.T) {
	w, m := narrow(t, "v2", func(*model.Spec) {})
	kept := exportNarrow(t, w, m, ExportOptions{KeepBatchNorm: true})
	found := 0
	for _, c := range kept.GetGraph().GetInitializer() {
		p := w.ByName(c.GetName())
		if p == nil {
			t.Fatalf("no parameter is called %s", c.GetName())
		}
		if !slices.Equal(floatsOf(c), p.Values()) {
			t.Errorf("%s differs", p.Name)
		}
		found++
	}
	for _, p := range w.Params {
		if !p.Aux {
			found--
		}
	}
	if found != 0 {
		t.Errorf("%d initializers too many", found)
	}

	folded := exportNarrow(t, w, m, ExportOptions{})
	for _, c := range folded.GetGraph().GetInitializer() {
		layer, ok := strings.CutSuffix(c.GetName(), ".conv.weight")
		if !ok {
			continue
		}
		want := w.ByName(c.GetName()).Values()
		per := len(want) / int(c.GetDims()[0])
		gamma, variance := w.ByName(layer+".bn.weight").Values(), w.ByName(layer+".bn.running_var").Values()
		for i := range want {
			k := i / per
			factor := 1 / math.Sqrt(float64(variance[k])+float64(float32(m.Spec.BNEps))) * float64(gamma[k])
			want[i] = float32(float64(want[i]) * factor)
		}
		if !slices.Equal(floatsOf(c), want) {
			t.Errorf("%s is not the folded weight", c.GetName())
		}
	}
}

func TestONNXModelsSayWhatTheyAre(t *testing.T) {
	w, m := narrow(t, "v3", func(*model.Spec) {})
	got := exportNarrow(t, w, m, ExportOptions{WithPreprocess: true})
	props := map[string]string{}
	for _, p := range got.GetMetadataProps() {
		props[p.GetKey()] = p.GetValue()
	}
	var labels []string
	var preprocess picture.Preprocess
	var spec model.Spec
	for key, to := range map[string]any{"labels": &labels, "preprocess": &preprocess, "spec": &spec} {
		if err := json.Unmarshal([]byte(props[key]), to); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if !slices.Equal(labels, m.Labels) || preprocess != m.Preprocess || spec != m.Spec {
		t.Errorf("labels %v, preprocess %v, spec %+v", labels, preprocess, spec)
	}
	if props["variant"] != "v3" || props["preprocess_inside"] != "true" || props["format"] != "" {
		t.Errorf("properties %v", props)
	}
	if got.GetIrVersion() != 8 || got.GetOpsetImport()[0].GetVersion() != 17 || got.GetProducerVersion() != "test" {
		t.Errorf("IR %d, opset %v, producer %s", got.GetIrVersion(), got.GetOpsetImport(), got.GetProducerVersion())
	}
	in, out := got.GetGraph().GetInput()[0], got.GetGraph().GetOutput()[0]
	if s := shapeOf(in); s != "input UINT8 N 3 107 107" {
		t.Error(s)
	}
	if s := shapeOf(out); s != "logits FLOAT N 7" {
		t.Error(s)
	}
}

func shapeOf(v *onnx.ValueInfoProto) string {
	s := v.GetName() + " " + onnx.TensorProto_DataType(v.GetType().GetTensorType().GetElemType()).String()
	for _, d := range v.GetType().GetTensorType().GetShape().GetDim() {
		if s += " " + d.GetDimParam(); d.GetDimParam() == "" {
			s += fmt.Sprint(d.GetDimValue())
		}
	}
	return s
}

func TestONNXOfWeightsWithoutClassifierGivesFeatures(t *testing.T) {
	w, m := narrow(t, "v3", func(s *model.Spec) { s.Classes = 1 })
	m.NoHead, m.Labels = true, nil
	got := exportNarrow(t, w, m, ExportOptions{})
	checkGraph(t, got.GetGraph())
	pixels := randomPixels(m.Preprocess.Size)
	_, want := outputs(t, w, m, pixels)
	near(t, got, preprocessed(m, pixels), want, []int{2, len(want) / 2})
	if name := got.GetGraph().GetOutput()[0].GetName(); name != "features" {
		t.Errorf("the output is called %s", name)
	}
}

func TestONNXPadsFollowFromTheSizes(t *testing.T) {
	for _, c := range []struct {
		what                    string
		in, kernel, stride, pad int
		out, after              int
	}{
		{"unpadded", 35, 3, 1, 0, 33, 0},
		{"symmetric", 35, 3, 1, 1, 35, 1},
		{"last column unread", 8, 3, 2, 0, 3, 0},
		{"padding unread", 8, 3, 2, 1, 4, 0},
		{"ceil mode", 112, 3, 2, 0, 56, 1},
		{"TensorFlow's SAME", 224, 7, 2, 2, 112, 3},
	} {
		window := kernel.Window{R: c.kernel, S: 1, StrideH: c.stride, StrideW: 1, PadH: c.pad}
		l := ops.Layer{Output: [3]int{1, c.out, 5}, Window: window}
		if got := onnxPads(l, [3]int{1, c.in, 5}); got != [4]int{c.pad, 0, c.after, 0} {
			t.Errorf("%s: %v", c.what, got)
		}
	}
}
