package convert

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert/hdf5"
)

// numbered returns V3 weights whose values tell tensors and places apart.
func numbered(t *testing.T, aux string, classes int) (*model.Weights, weights.Metadata) {
	t.Helper()
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.Aux, spec.Classes = aux, classes
	w, err := model.ZeroWeights(spec)
	if err != nil {
		t.Fatal(err)
	}
	for n, p := range w.Params {
		values := p.Values()
		for i := range values {
			values[i] = float32(n) + float32(i%1013)/1024
			if strings.HasSuffix(p.Name, ".bn.weight") {
				values[i] = 1 // Keras has no other
			}
		}
		if err := p.SetValues(values); err != nil {
			t.Fatal(err)
		}
	}
	return w, weights.Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(299)}
}

func TestWhatIsExportedImportsBitForBit(t *testing.T) {
	for _, c := range []struct{ format, file, aux string }{
		{Torchvision, "w.pth", model.AuxBatchNorm},
		{Torchvision, "w.safetensors", model.AuxNone},
		{Keras, "w.h5", model.AuxNone},
	} {
		t.Run(c.format+" "+c.file, func(t *testing.T) {
			w, m := numbered(t, c.aux, 10)
			m.Extra = map[string]string{"num_batches_tracked": "40000"}
			path := filepath.Join(t.TempDir(), c.file)
			if _, err := Export(path, w, m, ExportOptions{Format: c.format}); err != nil {
				t.Fatal(err)
			}
			back, got, err := Import(path, ImportOptions{From: c.format})
			if err != nil {
				t.Fatal(err)
			}
			if got.Spec.Classes != 10 || got.Spec.Aux != c.aux || got.Spec.AvgPoolCountIncludePad == (c.format == Keras) {
				t.Errorf("structure %+v", got.Spec)
			}
			if c.format == Torchvision && got.Extra["num_batches_tracked"] != "40000" {
				t.Errorf("step counters %q", got.Extra["num_batches_tracked"])
			}
			for i, p := range w.Params {
				if !slices.Equal(p.Data, back.Params[i].Data) {
					t.Fatalf("%s differs", p.Name)
				}
			}
		})
	}
}

// What PyTorch does not read of a file, import does.
func TestTorchvisionFilesKeepWhatStandsBesideTheTensors(t *testing.T) {
	w, m := numbered(t, model.AuxNone, 2)
	m.Labels, m.Preprocess = []string{"rose", "tulip"}, picture.Preprocess{Name: "x", Mean: [3]float64{0, 0, 0.1},
		Std: [3]float64{1, 1, 2}, Geometry: picture.Central, CropPct: 0.9, Interpolation: picture.Bicubic, Size: 299}
	m.Golden = weights.Golden{{Name: "one", Picture: picture.New(3, 2), Values: []float32{1, -2}}}
	for _, file := range []string{"w.pth", "w.safetensors"} {
		path := filepath.Join(t.TempDir(), file)
		exported, err := Export(path, w, m, ExportOptions{Format: Torchvision})
		if err != nil || len(exported.LeftOut) != 1 || !strings.Contains(exported.LeftOut[0], "average pools") {
			t.Fatalf("%s: left out %q, %v", file, exported.LeftOut, err)
		}
		_, got, err := Import(path, ImportOptions{})
		if err != nil || got.Spec != m.Spec || got.Preprocess != m.Preprocess || !slices.Equal(got.Labels, m.Labels) ||
			len(got.Golden) != 1 || !slices.Equal(got.Golden[0].Values, m.Golden[0].Values) {
			t.Errorf("%s: %+v, %v", file, got, err)
		}
		if slices.ContainsFunc(got.Notes, func(note string) bool { return strings.HasPrefix(note, "warning") }) {
			t.Errorf("%s: %q", file, got.Notes)
		}
		// Answers to golden pictures belong to the preprocessing and the classifier.
		for name, c := range map[string]struct {
			o    ImportOptions
			want string
		}{
			"mean and std":  {ImportOptions{Preprocess: "unit"}, "mean [0 0 0] instead of [0 0 0.1], std [1 1 1] instead of [1 1 2], geometry shorter instead of central, crop_pct 0.875 instead of 0.9, interpolation bilinear instead of bicubic"},
			"a crop":        {ImportOptions{CropPct: 0.5}, "contradicts the file itself: crop_pct 0.5 instead of 0.9; answers"},
			"a size":        {ImportOptions{InputSize: 331}, "input size 331 instead of 299"},
			"a geometry":    {ImportOptions{Geometry: picture.AsIs}, "geometry as-is instead of central, crop_pct 1 instead of 0.9"},
			"a filter":      {ImportOptions{Interpolation: picture.Bilinear}, "interpolation bilinear instead of bicubic"},
			"a label":       {ImportOptions{Labels: []string{"rose", "daisy"}}, "label 1 daisy instead of tulip"},
			"no classifier": {ImportOptions{NoHead: true}, ""},
		} {
			_, got, err := Import(path, c.o)
			if err != nil {
				t.Fatalf("%s, %s: %v", file, name, err)
			}
			if warned := strings.Join(got.Notes, "\n"); strings.Contains(warned, "warning: ") != (c.want != "") || !strings.Contains(warned, c.want) {
				t.Errorf("%s, %s: notes %q, want %q", file, name, warned, c.want)
			}
			if got.Golden.Answered() != (name == "a label") || len(got.Golden) != 1 {
				t.Errorf("%s, %s: %d golden pictures, answered: %t", file, name, len(got.Golden), got.Golden.Answered())
			}
		}
		if _, _, err := Import(path, ImportOptions{Labels: []string{"rose"}}); err == nil || !strings.Contains(err.Error(), "--labels: 1 labels, but the classifier of the file has 2 classes") {
			t.Errorf("too few labels: %v", err)
		}
	}
}

func TestAGammaGoesIntoKerasWeights(t *testing.T) {
	w, _ := numbered(t, model.AuxNone, 2)
	layer := "Conv2d_2a_3x3"
	gamma := w.ByName(layer + ".bn.weight")
	values := gamma.Values()
	values[3] = 0.5
	if err := gamma.SetValues(values); err != nil {
		t.Fatal(err)
	}
	kernel, norm, err := withoutGamma(w, layer)
	if err != nil {
		t.Fatal(err)
	}
	conv, mean := w.ByName(layer+".conv.weight").Values(), w.ByName(layer+".bn.running_mean").Values()
	per := len(conv) / len(mean)
	for i, v := range kernel {
		want := conv[i]
		if i/per == 3 {
			want *= 0.5
		}
		if v != want {
			t.Fatalf("weight %d is %g, want %g", i, v, want)
		}
	}
	if norm[1][3] != mean[3]*0.5 || norm[1][2] != mean[2] {
		t.Errorf("means are %v", norm[1][:4])
	}
}

func TestSlimNamesEveryLayerOnce(t *testing.T) {
	convs, err := plainConvs()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, layer := range append(convs, "fc", "AuxLogits.conv0", "AuxLogits.conv1", "AuxLogits.fc") {
		name, err := slimV3.layer(layer)
		if err != nil {
			t.Fatal(err)
		}
		if seen[name] != "" {
			t.Errorf("%s is %s and %s", name, seen[name], layer)
		}
		seen[name] = layer
	}
	for name, layer := range map[string]string{
		"InceptionV3/Conv2d_3b_1x1":                   "Conv2d_3b_1x1",
		"InceptionV3/Mixed_5c/Branch_1/Conv_1_0c_5x5": "Mixed_5c.branch5x5_2",
		"InceptionV3/Mixed_6a/Branch_1/Conv2d_1a_1x1": "Mixed_6a.branch3x3dbl_3",
		"InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1": "Mixed_7b.branch3x3_2b",
		"InceptionV3/Mixed_7c/Branch_1/Conv2d_0c_3x1": "Mixed_7c.branch3x3_2b",
		"InceptionV3/Logits/Conv2d_1c_1x1":            "fc",
	} {
		if seen[name] != layer {
			t.Errorf("%s is %q, want %s", name, seen[name], layer)
		}
	}
}

func TestSlimsBackgroundClassIsDropped(t *testing.T) {
	values := make([]float32, 2*1001)
	for i := range values {
		values[i] = float32(i)
	}
	s := source{name: "weights", shape: []int{1, 1, 2, 1001}, read: func() ([]float32, error) { return values, nil }}
	got, dropped := withoutBackground(flat(hwio(s)))
	out, err := got.read()
	if err != nil || !dropped || !slices.Equal(got.shape, []int{1000, 2}) || len(out) != 2000 {
		t.Fatalf("shape %v, %d values, %v", got.shape, len(out), err)
	}
	if !slices.Equal(out[:4], []float32{1, 1002, 2, 1003}) { // class 1 of both features, then class 2
		t.Errorf("begins %v", out[:4])
	}
}

func TestImportRefuses(t *testing.T) {
	dir := t.TempDir()
	strange := filepath.Join(dir, "strange.safetensors")
	other := weights.Tensor{Name: "layer1.0.conv1.weight", Shape: []int{1}, Values: []float32{1}}
	if err := weights.WriteTensors(strange, []weights.Tensor{other}, nil); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text.h5")
	if err := os.WriteFile(text, []byte("not a weight file, whatever its name says it is"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path string
		o    ImportOptions
		want string
	}{
		"a missing file":   {filepath.Join(dir, "none.pth"), ImportOptions{}, "none.pth"},
		"another network":  {strange, ImportOptions{}, "none of the names"},
		"a strange family": {strange, ImportOptions{From: "caffe"}, "--from: must be one of"},
		"text":             {text, ImportOptions{}, "text.h5"},
	} {
		if _, _, err := Import(c.path, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func TestKerasFamiliesAreTold(t *testing.T) {
	for name, want := range map[string]string{
		"conv2d_94/conv2d_94/kernel:0":             Keras,
		"layers/conv2d/vars/0":                     Keras,
		"conv2d_3/kernel":                          Keras, // in safetensors
		"conv2d_3.kernel":                          Keras,
		"model_weights/conv2d_3/conv2d_3/kernel:0": Keras,
		"InceptionV3/Conv2d_1a_3x3/weights":        Slim,
		"module.Mixed_5b.branch1x1.conv.weight":    Torchvision,
		"layer1.weight":                            "",
	} {
		if got := familyIn(map[string]source{name: {}}); got != want {
			t.Errorf("%s is of family %q, want %q", name, got, want)
		}
	}
}

// familyIn is the family of the first network of a dict.
func familyIn(all map[string]source) string {
	for _, n := range (dict{tensors: all}).networks() {
		return n.family
	}
	return ""
}

// A file with names of two families is the same family's every time.
func TestTheFirstNameTellsTheFamily(t *testing.T) {
	all := map[string]source{"conv2d_94/conv2d_94/kernel:0": {}, "InceptionV3/Conv2d_1a_3x3/weights": {}}
	for range 50 {
		if got := familyIn(all); got != Slim {
			t.Fatalf("of family %q", got)
		}
	}
}

func TestThousandClassesWithoutLabelsAreImageNets(t *testing.T) {
	mapped := map[string]source{"Mixed_5b.branch1x1.conv.weight": {shape: []int{64, 192, 1, 1}}}
	for _, c := range []struct {
		name    string
		classes int
		noHead  bool
		want    string // first label
	}{
		{"1000 classes", 1000, false, "tench"},
		{"10 classes", 10, false, ""},
		{"no classifier kept", 1000, true, ""},
		{"no classifier there", 0, false, ""},
	} {
		mapped["fc.weight"] = source{shape: []int{c.classes, 2048}}
		for _, family := range Families() {
			m, err := translation{tensors: mapped}.metadata(family, c.noHead)
			if err != nil {
				t.Fatal(err)
			}
			first := ""
			if len(m.Labels) > 0 {
				first = m.Labels[0]
			}
			if first != c.want || len(m.Labels) != 0 && len(m.Labels) != c.classes {
				t.Errorf("%s, %s: %d labels, the first %q, want %q", family, c.name, len(m.Labels), first, c.want)
			}
		}
	}
}

// Keras' weights come as safetensors too, named by layer and variable.
func TestSafetensorsWithKerasNamesImport(t *testing.T) {
	w, m := numbered(t, model.AuxNone, 10)
	dir := t.TempDir()
	if _, err := Export(filepath.Join(dir, "w.h5"), w, m, ExportOptions{Format: Keras}); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "w.h5"))
	if err != nil {
		t.Fatal(err)
	}
	all, err := hdf5.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, separator := range []string{"/", "."} {
		var tensors []weights.Tensor
		for _, one := range all {
			values, err := one.Floats()
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Split(strings.TrimSuffix(one.Name, ":0"), "/")
			tensors = append(tensors, weights.Tensor{
				Name: strings.Join(words[len(words)-2:], separator), Shape: one.Shape, Values: values})
		}
		path := filepath.Join(dir, "w.safetensors")
		if err := weights.WriteTensors(path, tensors, nil); err != nil {
			t.Fatal(err)
		}
		back, got, err := Import(path, ImportOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Spec.Classes != 10 || got.Preprocess.Name != "inception" || got.Extra["imported_from"] != Keras {
			t.Errorf("%q: structure %+v, preprocessing %s, from %s", separator, got.Spec, got.Preprocess.Name,
				got.Extra["imported_from"])
		}
		for i, p := range w.Params {
			if !slices.Equal(p.Data, back.Params[i].Data) {
				t.Fatalf("%q: %s differs", separator, p.Name)
			}
		}
	}
}
