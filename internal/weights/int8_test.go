package weights

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

// quantised returns random weights of a small network in int8, of which one layer
// is in float32.
func quantised(t testing.TB) *model.Weights {
	t.Helper()
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Classes, spec.Aux = 80, 0.05, 3, model.AuxNone
	layers, err := model.Layers(spec)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	q := &model.Int8{Convs: map[string]*model.Int8Conv{}, Scales: map[string]float32{}}
	q.Image.Scale, q.Image.Offset = [3]float32{127.5, 100, 90}, [3]float32{127.5, 120, 110}
	for i := range layers {
		l := &layers[i]
		if model.HasInt8Scale(l) {
			q.Scales[l.Name] = 0.02 + 0.001*r.Float32()
		}
		if !model.CanInt8(l) || l.Name == "Mixed_5b.branch1x1" {
			continue
		}
		c := &model.Int8Conv{}
		for range l.Params[0].Count() {
			c.Weights = append(c.Weights, int8(r.IntN(255)-127))
		}
		for range l.Params[0].Shape[0] {
			c.Scale = append(c.Scale, 0.001*(1+r.Float32()))
			c.Bias = append(c.Bias, int32(r.IntN(2000)-1000))
		}
		q.Convs[l.Name] = c
	}
	for _, l := range layers { // branches share the scale of what joins them
		for _, from := range l.Inputs {
			if l.Op == "concat" {
				q.Scales[layers[from].Name] = q.Scales[l.Name]
			}
		}
	}
	w, err := model.Int8Weights(spec, q)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Params {
		for i := range p.Data {
			p.Data[i] = float32(i%17) / 100
		}
	}
	return w
}

func logits(t *testing.T, w *model.Weights) []float32 {
	t.Helper()
	net, err := model.Build(w.Spec, w, 1, model.Eval, model.Options{Precision: model.Own})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	images := make([]float32, 3*80*80)
	for i := range images {
		images[i] = float32(i%255)/127.5 - 1
	}
	if err := net.Forward(images); err != nil {
		t.Fatal(err)
	}
	return net.Logits()
}

func TestQuantisedWeightsAreSavedAndLoaded(t *testing.T) {
	w := quantised(t)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	m := Metadata{Labels: []string{"a", "b", "c"}, Preprocess: picture.TorchvisionPreprocess(80), Spec: w.Spec}
	m.Spec.Aux = model.AuxBatchNorm // of the weights that these are made of
	if err := Save(path, w, m); err != nil {
		t.Fatal(err)
	}
	got, read, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !read.Int8 || !slices.Equal(read.Labels, m.Labels) || len(read.Notes) > 0 {
		t.Errorf("metadata is %+v", read)
	}
	if g, want := logits(t, got), logits(t, w); !slices.Equal(g, want) {
		t.Errorf("logits are %v, want %v", g, want)
	}
	again := filepath.Join(t.TempDir(), "again.safetensors")
	if err := Save(again, got, read); err != nil {
		t.Fatal(err)
	}
	first, _ := os.ReadFile(path)
	second, _ := os.ReadFile(again)
	if !slices.Equal(first, second) {
		t.Error("saving what was loaded gives another file")
	}
	m.NoHead = true
	if err := Save(path, w, m); err != nil {
		t.Fatal(err)
	}
	if _, read, err = Load(path); err != nil || !read.NoHead {
		t.Errorf("without a classifier: %v", err)
	}
}

// TestHostileQuantisedWeights changes one thing each in a file.
func TestHostileQuantisedWeights(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(tensors map[string]*Tensor, metadata map[string]string)
		want   string
	}{
		{"a weight's scale is missing", func(ts map[string]*Tensor, _ map[string]string) {
			delete(ts, "Conv2d_2a_3x3.conv.weight_scale")
		}, "missing: Conv2d_2a_3x3.conv.weight_scale"},
		{"a bias of another length", func(ts map[string]*Tensor, _ map[string]string) {
			b := ts["Conv2d_2a_3x3.conv.bias"]
			b.Shape, b.Int32s = []int{3}, b.Int32s[:3]
		}, "Conv2d_2a_3x3.conv.bias is [3]"},
		{"weights of another shape", func(ts map[string]*Tensor, _ map[string]string) {
			w := ts["Conv2d_2a_3x3.conv.weight"]
			w.Shape = []int{len(w.Int8s)}
		}, "Conv2d_2a_3x3.conv.weight is ["},
		{"a bias in float32", func(ts map[string]*Tensor, _ map[string]string) {
			b := ts["Conv2d_2a_3x3.conv.bias"]
			b.Values, b.Int32s = make([]float32, len(b.Int32s)), nil
		}, `"Conv2d_2a_3x3.conv.bias" is F32, not I32`},
		{"a bias beyond the limit", func(ts map[string]*Tensor, _ map[string]string) {
			ts["Conv2d_2a_3x3.conv.bias"].Int32s[1] = math.MinInt32
		}, "layer Conv2d_2a_3x3: bias of output channel 1 is -2147483648"},
		{"a scale that is not a number", func(ts map[string]*Tensor, _ map[string]string) {
			ts["Conv2d_2a_3x3.conv.weight_scale"].Values[0] = float32(math.NaN())
		}, "layer Conv2d_2a_3x3: scale of output channel 0: must be from"},
		{"no scale", func(ts map[string]*Tensor, _ map[string]string) {
			ts["Conv2d_2a_3x3.conv.weight_scale"].Values[0] = 0
		}, "must be from"},
		{"a tensor too many", func(ts map[string]*Tensor, _ map[string]string) {
			ts["Conv2d_2a_3x3.bn.bias"] = &Tensor{Name: "Conv2d_2a_3x3.bn.bias", Shape: []int{1}, Values: []float32{1}}
		}, "unexpected: Conv2d_2a_3x3.bn.bias"},
		{"a classifier in bytes", func(ts map[string]*Tensor, _ map[string]string) {
			w := ts["fc.weight"]
			w.Int8s, w.Values = make([]int8, len(w.Values)), nil
		}, "element type I8 is not read"},
		{"no scales of activations", func(_ map[string]*Tensor, m map[string]string) { delete(m, keyInt8) },
			"its result's scale"},
		{"a negative scale of an activation", func(_ map[string]*Tensor, m map[string]string) {
			changeScales(m, func(s map[string]float32) { s["Mixed_5b"] = -1 })
		}, "layer Mixed_5b: its result's scale: must be from"},
		{"a scale of a layer that is not there", func(_ map[string]*Tensor, m map[string]string) {
			changeScales(m, func(s map[string]float32) { s["Mixed_9"] = 1 })
		}, "does not have"},
		{"an image without a scale", func(_ map[string]*Tensor, m map[string]string) {
			m[keyInt8] = strings.Replace(m[keyInt8], "127.5,", "0,", 1)
		}, "the image's scale"},
		{"scales that are not JSON", func(_ map[string]*Tensor, m map[string]string) { m[keyInt8] = "{" }, "metadata int8"},
		{"another precision", func(_ map[string]*Tensor, m map[string]string) { m[keyPrecision] = "int4" },
			`precision: "int4" is unknown`},
		{"bytes in a file of float32", func(_ map[string]*Tensor, m map[string]string) { delete(m, keyPrecision) },
			"missing: Conv2d_1a_3x3.bn"},
		{"an auxiliary head", func(_ map[string]*Tensor, m map[string]string) {
			m[keySpec] = strings.Replace(m[keySpec], `"aux":"none"`, `"aux":"plain"`, 1)
		}, "no auxiliary heads"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := quantised(t)
			m := Metadata{Preprocess: picture.TorchvisionPreprocess(80), Int8: true, Spec: w.Spec,
				scales: int8Scales{w.Int8.Image, w.Int8.Scales}}
			metadata, err := m.Strings()
			if err != nil {
				t.Fatal(err)
			}
			tensors := map[string]*Tensor{}
			for _, tensor := range int8State(w, m) {
				tensors[tensor.Name] = &tensor
			}
			c.change(tensors, metadata)
			var list []Tensor
			for _, tensor := range tensors {
				list = append(list, *tensor)
			}
			path := filepath.Join(t.TempDir(), "w.safetensors")
			if err := WriteTensors(path, list, metadata); err != nil {
				t.Fatal(err)
			}
			if _, _, err := Load(path); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q in it", err, c.want)
			}
		})
	}
}

func changeScales(metadata map[string]string, change func(map[string]float32)) {
	var s int8Scales
	_ = json.Unmarshal([]byte(metadata[keyInt8]), &s)
	change(s.Scales)
	text, _ := json.Marshal(s)
	metadata[keyInt8] = string(text)
}

// FuzzQuantised changes the metadata of quantised weights, and bytes of their
// tensors: what loads can run.
func FuzzQuantised(f *testing.F) {
	w := quantised(f)
	path := filepath.Join(f.TempDir(), "w.safetensors")
	if err := Save(path, w, Metadata{Preprocess: picture.TorchvisionPreprocess(80)}); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	at := strings.Index(string(content), `"image`)
	f.Add(at, []byte("x"))
	f.Add(len(content)-100, []byte{0, 0, 192, 127})
	f.Add(strings.Index(string(content), `{\"image`)+60, []byte("-"))
	f.Fuzz(func(t *testing.T, at int, change []byte) {
		if at < 0 || at >= len(content) {
			return
		}
		changed := slices.Clone(content)
		copy(changed[at:], change)
		got, m, err := Load(writeTemp(t, changed))
		if err != nil || m.Preprocess.Size != 80 || got.Int8 == nil {
			return
		}
		logits(t, got)
	})
}
