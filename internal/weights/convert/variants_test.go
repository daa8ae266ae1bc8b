package convert

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// distinct returns weights of a variant whose values tell tensors and places
// apart.
func distinct(t *testing.T, variant string, change func(*model.Spec)) (*model.Weights, weights.Metadata) {
	t.Helper()
	spec, err := model.DefaultSpec(variant)
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes = 10
	change(&spec)
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	w, err := model.ZeroWeights(spec)
	if err != nil {
		t.Fatal(err)
	}
	for n, p := range w.Params {
		values := p.Values()
		for i := range values {
			values[i] = float32(n) + float32(i%1013)/1024
		}
		if err := p.SetValues(values); err != nil {
			t.Fatal(err)
		}
	}
	return w, weights.Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(spec.InputSize)}
}

func same(t *testing.T, got, want *model.Weights) {
	t.Helper()
	if len(got.Params) != len(want.Params) {
		t.Fatalf("%d parameters, want %d", len(got.Params), len(want.Params))
	}
	for i, p := range want.Params {
		if q := got.Params[i]; q.Name != p.Name || !slices.Equal(q.Data, p.Data) {
			t.Fatalf("%s differs from %s", q.Name, p.Name)
		}
	}
}

var variantCases = []struct {
	name, variant string
	change        func(*model.Spec)
}{
	{"v2-table1", model.V2Table1, func(s *model.Spec) {}},
	{"v2-table1 with switches", model.V2Table1, func(s *model.Spec) {
		s.Tower3x3, s.Stem.Conv, s.Aux = false, "7x7", model.AuxBatchNorm
	}},
	{"bn-inception", model.BNInception, func(s *model.Spec) {}},
	{"bn-inception with a plain 7x7", model.BNInception, func(s *model.Spec) { s.Stem.Conv = "7x7" }},
	{"googlenet", model.GoogLeNet, func(s *model.Spec) {}},
	{"googlenet with one head", model.GoogLeNet, func(s *model.Spec) { s.AuxEarly = false }},
	{"googlenet without heads", model.GoogLeNet, func(s *model.Spec) { s.Aux, s.AuxEarly = model.AuxNone, false }},
	{"inception-v4", model.InceptionV4, func(s *model.Spec) {}},
}

// A file without our metadata tells by its names and shapes what it is.
func TestVariantsAreRecognised(t *testing.T) {
	for _, c := range variantCases {
		t.Run(c.name, func(t *testing.T) {
			w, m := distinct(t, c.variant, c.change)
			path := filepath.Join(t.TempDir(), "w.pth")
			if _, err := Export(path, w, m, ExportOptions{Format: Torchvision}); err != nil {
				t.Fatal(err)
			}
			o := ImportOptions{From: Torchvision}
			if m.Spec.Architecture().Twin.Library == Timm {
				o = ImportOptions{Preprocess: "inception"} // timm's names tell, its config.json is missing
			}
			back, got, err := Import(path, o)
			if err != nil {
				t.Fatal(err)
			}
			want := m.Spec
			want.AvgPoolCountIncludePad = c.variant == model.V2Table1
			if got.Spec != want || got.Preprocess.Size != want.InputSize {
				t.Errorf("structure %+v, want %+v; preprocessing %v", got.Spec, want, got.Preprocess)
			}
			if err := got.Spec.Validate(); err != nil {
				t.Error(err)
			}
			same(t, back, w)
		})
	}
}

func TestTorchvisionLacksWhatItsNetworksAreNot(t *testing.T) {
	for _, c := range variantCases {
		spec, err := model.DefaultSpec(c.variant)
		if err != nil {
			t.Fatal(err)
		}
		c.change(&spec)
		m := weights.Metadata{Spec: spec}
		lacks := strings.Join(torchvisionLacks(m), "; ")
		want := map[string]string{
			"googlenet": "", "googlenet without heads": "", "googlenet with one head": "model.aux_early false",
			"inception-v4": "",
		}
		text, listed := want[c.name]
		if !listed {
			text = "model.variant " + c.variant
		}
		if (text == "") != (lacks == "") || !strings.Contains(lacks, text) {
			t.Errorf("%s: %q, want %q", c.name, lacks, text)
		}
		if _, err := kerasGroups(nil, m); err == nil || !strings.Contains(err.Error(), "takes V3 as published only") {
			t.Errorf("%s: Keras' format says %v", c.name, err)
		}
	}
}

// slimV2Layers are the variable scopes of nets/inception_v2.py.
func slimV2Layers() []string {
	layers := []string{"Conv2d_1a_7x7", "Conv2d_2b_1x1", "Conv2d_2c_3x3"}
	for _, m := range []string{"3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b", "5c"} {
		branches := []string{"0/Conv2d_0a_1x1", "1/Conv2d_0a_1x1", "1/Conv2d_0b_3x3", "2/Conv2d_0a_1x1",
			"2/Conv2d_0b_3x3", "2/Conv2d_0c_3x3", "3/Conv2d_0b_1x1"}
		if strings.HasSuffix(m, "a") {
			branches = []string{"0/Conv2d_0a_1x1", "0/Conv2d_1a_3x3", "1/Conv2d_0a_1x1", "1/Conv2d_0b_3x3", "1/Conv2d_1a_3x3"}
		}
		for _, b := range branches {
			layers = append(layers, fmt.Sprintf("Mixed_%s/Branch_%s", m, b))
		}
	}
	return append(layers, "Logits/Conv2d_1c_1x1")
}

// slimV2Checkpoint lists w as TensorFlow's slim names and lays it out.
func slimV2Checkpoint(w *model.Weights) map[string]source {
	all := map[string]source{}
	add := func(p *ops.Param, shape []int, at func(i []int) int) {
		values, from := make([]float32, p.Count()), p.Values()
		index := make([]int, len(shape))
		for i := range values {
			rest := i
			for d := len(shape) - 1; d >= 0; d-- {
				index[d], rest = rest%shape[d], rest/shape[d]
			}
			values[i] = from[at(index)]
		}
		name := slimV2.param(p.Name)
		all[name] = source{name: name, shape: shape, read: func() ([]float32, error) { return values, nil }}
	}
	for _, p := range w.Params {
		s := p.Shape
		switch {
		case strings.HasSuffix(p.Name, "depthwise.weight"): // [row][column][channel][multiplier]
			m := s[0] / 3
			add(p, []int{s[2], s[3], 3, m}, func(i []int) int { return ((i[2]*m+i[3])*s[2]+i[0])*s[3] + i[1] })
		case len(s) == 4: // [row][column][in][out]
			add(p, []int{s[2], s[3], s[1], s[0]}, func(i []int) int { return ((i[3]*s[1]+i[2])*s[2]+i[0])*s[3] + i[1] })
		case len(s) == 2: // a 1x1 convolution
			add(p, []int{1, 1, s[1], s[0]}, func(i []int) int { return i[3]*s[1] + i[2] })
		default:
			add(p, s, func(i []int) int { return i[0] })
		}
	}
	return all
}

func TestSlimsInceptionV2Imports(t *testing.T) {
	for _, c := range variantCases {
		if c.variant != model.BNInception {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			w, m := distinct(t, c.variant, c.change)
			f := &foreign{dicts: []dict{{tensors: slimV2Checkpoint(w)}}}
			for name := range maps.Clone(f.dicts[0].tensors) { // what a training leaves beside the weights
				f.dicts[0].tensors[name+"/RMSProp"] = f.dicts[0].tensors[name]
			}
			f.dicts[0].tensors["global_step"] = source{name: "global_step"}
			scopes := map[string]bool{}
			for name := range f.dicts[0].tensors {
				scope, variable, _ := strings.Cut(strings.TrimPrefix(name, "InceptionV2/"), "/BatchNorm/")
				if variable == "" {
					scope = scope[:max(0, strings.LastIndexByte(strings.TrimSuffix(scope, "/RMSProp"), '/'))]
				}
				scopes[scope] = true
			}
			delete(scopes, "") // the global step's
			layers := slices.Sorted(maps.Keys(scopes))
			if want := slices.Sorted(slices.Values(slimV2Layers())); !slices.Equal(layers, want) {
				t.Errorf("layers %v\nwant %v", layers, want)
			}
			back, got, err := f.convert(ImportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Spec != m.Spec || got.Preprocess.Name != "inception" || got.Preprocess.Size != 224 {
				t.Errorf("structure %+v, want %+v; preprocessing %v", got.Spec, m.Spec, got.Preprocess)
			}
			same(t, back, w)
		})
	}
}

func TestSlimsInceptionV2LosesItsBackground(t *testing.T) {
	w, _ := distinct(t, model.BNInception, func(s *model.Spec) { s.Classes = 1001 })
	back, m, err := (&foreign{dicts: []dict{{tensors: slimV2Checkpoint(w)}}}).convert(ImportOptions{From: Slim})
	if err != nil {
		t.Fatal(err)
	}
	fc, all := back.ByName("fc.weight").Values(), w.ByName("fc.weight").Values()
	if m.Spec.Classes != 1000 || !slices.Equal(fc, all[1024:]) ||
		!slices.Equal(back.ByName("fc.bias").Values(), w.ByName("fc.bias").Values()[1:]) {
		t.Errorf("%d classes, the first row begins %v, want %v", m.Spec.Classes, fc[:3], all[1024:1027])
	}
}

// An auxiliary head that was not exchanged with the classifier has no use.
func TestHeadsOfOtherClassesAreLeftOut(t *testing.T) {
	w, m := distinct(t, model.GoogLeNet, func(*model.Spec) {})
	other, _ := distinct(t, model.GoogLeNet, func(s *model.Spec) { s.Classes = 3 })
	var tensors []weights.Tensor
	for _, p := range w.Params {
		if strings.HasPrefix(p.Name, "fc.") {
			p = other.ByName(p.Name)
		}
		tensors = append(tensors, weights.Tensor{Name: p.Name, Shape: p.Shape, Values: p.Values()})
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := weights.WriteTensors(path, tensors, nil); err != nil {
		t.Fatal(err)
	}
	_, got, err := Import(path, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.Spec.Classes, m.Spec.Aux, m.Spec.AuxEarly = 3, model.AuxNone, false
	if got.Spec != m.Spec {
		t.Errorf("structure %+v, want %+v", got.Spec, m.Spec)
	}
}

// slim can be told to learn gammas, which its inception_v2 has no place for
// here.
func TestGammasGoIntoWeightsAndMeans(t *testing.T) {
	w, _ := distinct(t, model.BNInception, func(*model.Spec) {})
	f := &foreign{dicts: []dict{{tensors: slimV2Checkpoint(w)}}}
	const layer = "Mixed_4a.branch3x3_2"
	gamma := make([]float32, 160)
	for k := range gamma {
		gamma[k] = 0.5 - float32(k%3)
	}
	name := slimV2.param(layer + ".bn.weight")
	f.dicts[0].tensors[name] = source{name: name, shape: []int{160}, read: func() ([]float32, error) { return gamma, nil }}
	back, m, err := f.convert(ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if notes := strings.Join(m.Notes, "; "); !strings.Contains(notes, "1 batch norms have a gamma") {
		t.Errorf("notes are %s", notes)
	}
	for _, p := range w.Params {
		want := p.Values()
		if p.Name == layer+".conv.weight" || p.Name == layer+".bn.running_mean" {
			for i := range want {
				want[i] *= gamma[i*160/len(want)]
			}
		}
		if !slices.Equal(back.ByName(p.Name).Values(), want) {
			t.Errorf("%s is not as it should be", p.Name)
		}
	}
}
