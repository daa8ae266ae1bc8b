package convert

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// synthetic is a file of V3 whose tensors have shapes and no values; change
// may add to it and take from it.
func synthetic(t *testing.T, aux string, classes int, change func(all map[string]source)) *foreign {
	t.Helper()
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.Aux, spec.Classes = aux, classes
	layers, err := model.Layers(spec)
	if err != nil {
		t.Fatal(err)
	}
	f := &foreign{path: filepath.Join(t.TempDir(), "x.pth"), dicts: []dict{{tensors: map[string]source{}}}}
	for _, l := range layers {
		for _, p := range l.Params {
			f.dicts[0].tensors[p.Name] = blank(p.Name, p.Shape...)
		}
	}
	change(f.dicts[0].tensors)
	return f
}

// blank is a tensor of zeros.
func blank(name string, shape ...int) source {
	return source{name: name, shape: shape, read: func() ([]float32, error) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return make([]float32, n), nil
	}}
}

func add(all map[string]source, name string, shape ...int) { all[name] = blank(name, shape...) }

func TestAnImportTellsWhatTheClassifierIs(t *testing.T) {
	for name, c := range map[string]struct {
		aux     string
		change  func(all map[string]source)
		options ImportOptions
		noHead  bool
		classes int
		wantAux string
		note    string
	}{
		"as published": {model.AuxBatchNorm, func(map[string]source) {}, ImportOptions{}, false, 7, model.AuxBatchNorm,
			"7 classes because"},
		"dropped": {model.AuxBatchNorm, func(map[string]source) {}, ImportOptions{NoHead: true}, true, 0,
			model.AuxBatchNorm, ""},
		"none": {model.AuxNone, func(all map[string]source) { delete(all, "fc.weight"); delete(all, "fc.bias") },
			ImportOptions{}, true, 0, model.AuxNone, "no classifier"},
		"two layers": {model.AuxNone, func(all map[string]source) {
			delete(all, "fc.weight")
			delete(all, "fc.bias")
			add(all, "fc.0.weight", 32, 2048)
			add(all, "fc.0.bias", 32)
			add(all, "fc.2.weight", 7, 32)
		}, ImportOptions{}, true, 0, model.AuxNone,
			"left out a classifier that is not torchvision's: fc.0.bias, fc.0.weight, fc.2.weight"},
		"another name": {model.AuxBatchNorm, func(all map[string]source) {
			delete(all, "fc.weight")
			delete(all, "fc.bias")
			add(all, "last_linear.weight", 7, 2048)
			add(all, "last_linear.bias", 7)
		}, ImportOptions{}, false, 7, model.AuxBatchNorm, `the classifier is the linear layer "last_linear"`},
		"an auxiliary head of other classes": {model.AuxBatchNorm, func(all map[string]source) {
			add(all, "AuxLogits.fc.weight", 1000, 768)
			add(all, "AuxLogits.fc.bias", 1000)
		}, ImportOptions{}, false, 7, model.AuxNone, "the auxiliary head has 1000 classes and the classifier 7"},
		"wrapped": {model.AuxNone, func(all map[string]source) {
			for _, name := range slices.Collect(keys(all)) {
				all["module._orig_mod."+name] = all[name]
				delete(all, name)
			}
		}, ImportOptions{}, false, 7, model.AuxNone, "removed the prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			_, m, err := synthetic(t, c.aux, 7, c.change).convert(c.options)
			if err != nil {
				t.Fatal(err)
			}
			if m.NoHead != c.noHead || m.Classes() != c.classes || m.Spec.Aux != c.wantAux {
				t.Errorf("no head %v, %d classes, auxiliary head %s", m.NoHead, m.Classes(), m.Spec.Aux)
			}
			if notes := strings.Join(m.Notes, "; "); !strings.Contains(notes, c.note) {
				t.Errorf("notes are %s, want %q", notes, c.note)
			}
		})
	}
}

func keys(all map[string]source) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range all {
			if !yield(name) {
				return
			}
		}
	}
}

func TestEveryDifferenceIsListed(t *testing.T) {
	f := synthetic(t, model.AuxNone, 7, func(all map[string]source) {
		delete(all, "Mixed_6b.branch1x1.bn.bias")
		delete(all, "fc.bias")
		add(all, "Mixed_5b.branch5x5_2.conv.weight", 64, 48, 3, 3)
		add(all, "Mixed_8a.branch1x1.conv.weight", 1, 2, 3, 3)
	})
	add(f.dicts[0].tensors, "fc.bias", 8)
	_, _, err := f.convert(ImportOptions{})
	var e *weights.StructureError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1 missing, 2 of another shape; 1 unexpected", "missing: Mixed_6b.branch1x1.bn.bias [192]",
		"fc.bias is [8], expected [7]",
		"Mixed_5b.branch5x5_2.conv.weight is [64 48 3 3], expected [64 48 5 5]",
		"unexpected: Mixed_8a.branch1x1.conv.weight [1 2 3 3]",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// slimFile is synthetic under slim's names.
func slimFile(t *testing.T, change func(all map[string]source)) *foreign {
	return synthetic(t, model.AuxNone, 7, func(all map[string]source) {
		for _, name := range slices.Collect(keys(all)) {
			shape := all[name].shape
			delete(all, name)
			switch {
			case strings.HasSuffix(name, ".bn.weight"):
				continue
			case name == "fc.weight":
				shape = []int{1, 1, shape[1], shape[0]}
			case len(shape) == 4:
				shape = []int{shape[2], shape[3], shape[1], shape[0]}
			}
			add(all, slimV3.param(name), shape...)
		}
		change(all)
	})
}

func TestSlimsOtherVariablesStayAside(t *testing.T) {
	for _, name := range []string{
		"InceptionV3/Conv2d_1a_3x3/weights/RMSProp", "InceptionV3/Conv2d_1a_3x3/weights/RMSProp_1",
		"InceptionV3/Conv2d_1a_3x3/BatchNorm/beta/ExponentialMovingAverage", "global_step", "beta1_power",
	} {
		if _, _, err := slimFile(t, func(all map[string]source) { add(all, name, 3) }).convert(ImportOptions{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSlimsDifferencesAreListedByItsNames(t *testing.T) {
	_, _, err := slimFile(t, func(all map[string]source) {
		delete(all, "InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1/weights")
		add(all, "InceptionV3/Mixed_5b/Branch_0/Conv2d_0a_1x1/BatchNorm/moving_mean", 65)
		add(all, "InceptionV3/Mixed_8a/weights", 1, 1, 2, 3)
	}).convert(ImportOptions{})
	for _, want := range []string{
		"missing: InceptionV3/Mixed_7b/Branch_1/Conv2d_0b_3x1/weights " +
			"(here Mixed_7b.branch3x3_2b.conv.weight) [384 384 3 1]",
		"InceptionV3/Mixed_5b/Branch_0/Conv2d_0a_1x1/BatchNorm/moving_mean " +
			"(here Mixed_5b.branch1x1.bn.running_mean) is [65], expected [64]",
		"unexpected: InceptionV3/Mixed_8a/weights [1 1 2 3]",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// kerasFile is synthetic in Keras 2's format, its layers in a folder and
// numbered from first on.
func kerasFile(t *testing.T, folder string, first int, change func(all map[string]source)) *foreign {
	convs, err := plainConvs()
	if err != nil {
		t.Fatal(err)
	}
	return synthetic(t, model.AuxNone, 7, func(all map[string]source) {
		numbers := map[string]int{}
		for i, layer := range convs {
			numbers[layer] = first + i
		}
		for _, name := range slices.Collect(keys(all)) {
			shape := all[name].shape
			delete(all, name)
			for kind, params := range kerasParams {
				for variable, ours := range params {
					layer, ok := strings.CutSuffix(name, "."+ours)
					number, known := numbers[layer]
					if !ok || !known || variable == "gamma" {
						continue
					}
					if len(shape) == 4 {
						shape = []int{shape[2], shape[3], shape[1], shape[0]}
					}
					add(all, fmt.Sprintf("%s%s_%d/%s_%d/%s:0", folder, kind, number, kind, number, variable), shape...)
				}
			}
		}
		change(all)
	})
}

func TestKerasHeads(t *testing.T) {
	const folder = "model_weights/inception_v3/"
	for name, c := range map[string]struct {
		change  func(all map[string]source)
		classes int
		note    string
	}{
		"none": {func(map[string]source) {}, 0, "no classifier"},
		"its own": {func(all map[string]source) {
			add(all, folder+"predictions/predictions/kernel:0", 2048, 5)
			add(all, folder+"predictions/predictions/bias:0", 5)
		}, 5, "5 classes"},
		"a dense layer around": {func(all map[string]source) {
			add(all, "model_weights/dense_3/dense_3/kernel:0", 2048, 6)
			add(all, "model_weights/dense_3/dense_3/bias:0", 6)
		}, 6, "6 classes"},
		"two dense layers": {func(all map[string]source) {
			add(all, "model_weights/dense/dense/kernel:0", 2048, 6)
			add(all, "model_weights/dense_1/dense_1/kernel:0", 6, 6)
		}, 0, "left out a classifier that is not Keras' own: model_weights/dense, model_weights/dense_1"},
		"a dense layer of all pixels": {func(all map[string]source) {
			add(all, "model_weights/dense/dense/kernel:0", 8*8*2048, 6)
			add(all, "model_weights/dense/dense/bias:0", 6)
		}, 0, "left out"},
		"another norm": {func(all map[string]source) {
			add(all, "model_weights/layer_normalization/gamma:0", 2048)
			add(all, "model_weights/dense/dense/kernel:0", 2048, 6)
			add(all, "model_weights/dense/dense/bias:0", 6)
		}, 0, "model_weights/layer_normalization/gamma:0"},
		"a batch norm in the same model": {func(all map[string]source) {
			for _, variable := range []string{"gamma", "beta", "moving_mean", "moving_variance"} {
				add(all, folder+"batch_normalization_194/batch_normalization_194/"+variable+":0", 2048)
			}
		}, 0, "batch_normalization_194"},
		"an optimizer's": {func(all map[string]source) {
			add(all, "optimizer_weights/Adam/conv2d_3/kernel/m:0", 3)
			add(all, "optimizer_weights/dense/kernel:0", 3)
		}, 0, "no classifier"},
	} {
		t.Run(name, func(t *testing.T) {
			_, m, err := kerasFile(t, folder, 100, c.change).convert(ImportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if notes := strings.Join(m.Notes, "; "); m.Classes() != c.classes || !strings.Contains(notes, c.note) {
				t.Errorf("%d classes, notes %s", m.Classes(), notes)
			}
		})
	}
}

func TestKerasDifferencesAreListed(t *testing.T) {
	_, _, err := kerasFile(t, "", 1, func(all map[string]source) {
		delete(all, "conv2d_57/conv2d_57/kernel:0")
		delete(all, "conv2d_9/conv2d_9/kernel:0")
	}).convert(ImportOptions{})
	const gaps = "has 92 of the 94 conv2d layers of Keras' InceptionV3; missing: conv2d_9, conv2d_57"
	if err == nil || !strings.Contains(err.Error(), gaps) {
		t.Error(err)
	}
	_, _, err = kerasFile(t, "", 1, func(all map[string]source) {
		add(all, "conv2d_1/conv2d_1/bias:0", 32)
		add(all, "conv2d_2/conv2d_2/kernel:0", 3, 3, 32, 31)
		delete(all, "batch_normalization_3/batch_normalization_3/beta:0")
	}).convert(ImportOptions{})
	for _, want := range []string{
		"unexpected: Conv2d_1a_3x3.conv.bias [32]",
		"conv2d_2 kernel (here Conv2d_2a_3x3.conv.weight) is [31 32 3 3], expected [32 32 3 3]",
		"missing: batch_normalization_3 beta (here Conv2d_2b_3x3.bn.bias) [64]",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestTimmConfigs(t *testing.T) {
	const numbers = `"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.5, 0.5], "crop_pct": 0.9, ` +
		`"interpolation": "bilinear", "input_size": [3, 320, 320]`
	want := picture.Preprocess{Name: "timm", Mean: [3]float64{0.5, 0.5, 0.5}, Std: [3]float64{0.25, 0.5, 0.5},
		Geometry: picture.Shorter, CropPct: 320. / 355, Interpolation: picture.Bilinear, Size: 320}
	for name, text := range map[string]string{
		"of the hub": `{"architecture": "inception_v3", "num_classes": 7, "pretrained_cfg": {` + numbers + `}}`,
		"flat":       `{"architecture": "inception_v3", "num_classes": 7, ` + numbers + `}`,
	} {
		c, err := parseTimmConfig([]byte(text))
		if err != nil || c == nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := c.preprocess(); got != want || *c.Classes != 7 {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"no JSON":        {`{`, "unexpected end"},
		"two means":      {`{"mean": [0.5, 0.5], "std": [1, 1, 1]}`, "three numbers"},
		"a std of 0":     {`{"mean": [0, 0, 0], "std": [1, 0, 1]}`, "std"},
		"a long picture": {`{"mean": [0, 0, 0], "std": [1, 1, 1], "input_size": [3, 299, 224]}`, "input_size"},
		"squashed":       {`{"mean": [0, 0, 0], "std": [1, 1, 1], "crop_mode": "squash"}`, "crop_mode"},
		"nearest":        {`{"mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "nearest"}`, "interpolation"},
		"a crop beyond":  {`{"mean": [0, 0, 0], "std": [1, 1, 1], "crop_pct": 1.2}`, "crop_pct"},
		"a crop below":   {`{"mean": [0, 0, 0], "std": [1, 1, 1], "crop_pct": -1}`, "crop_pct"},
		"a huge picture": {`{"mean": [0, 0, 0], "std": [1, 1, 1], "input_size": [3, 99999999, 99999999]}`, "size"},
	} {
		if _, err := parseTimmConfig([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
	if c, err := parseTimmConfig([]byte(`{"model_type": "bert"}`)); c != nil || err != nil {
		t.Errorf("another tool's: %v, %v", c, err)
	}
	for text, want := range map[string][]string{
		`["a", "b"]`: {"a", "b"}, `{"0": "a", "1": "b"}`: {"a", "b"}, `{"0": "a", "2": "b"}`: nil, `3`: nil,
		`null`: nil, ``: nil,
	} {
		if got := (&timmConfig{LabelNames: []byte(text)}).labels(); !slices.Equal(got, want) {
			t.Errorf("labels of %s are %v, want %v", text, got, want)
		}
	}
}

// Two tensors of one name behind a wrapper's are never chosen from by chance.
func TestWrappedNamesThatCollide(t *testing.T) {
	for range 5 { // maps are walked in another order each time
		f := synthetic(t, model.AuxNone, 7, func(all map[string]source) {
			for _, name := range []string{"fc.bias", "Conv2d_1a_3x3.bn.bias"} {
				all["_orig_mod."+name] = all[name]
			}
		})
		_, _, err := f.convert(ImportOptions{})
		want := "Conv2d_1a_3x3.bn.bias and _orig_mod.Conv2d_1a_3x3.bn.bias are both Conv2d_1a_3x3.bn.bias"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

// Of several names of another network's, the first is named.
func TestFIDNamesTheFirstTensor(t *testing.T) {
	all := map[string]source{}
	for _, name := range []string{"blocks.3.1.branch1x1.conv.weight", "blocks.2.0.branch1x1.conv.weight"} {
		all[name] = source{}
	}
	for range 20 {
		if err := fidBlocks(all); err == nil || !strings.Contains(err.Error(), "(blocks.2.0.branch1x1") {
			t.Fatalf("error is %v, want the first name", err)
		}
	}
}

func TestTimmSizeIsTheNetworks(t *testing.T) {
	const config = `{"pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "input_size": [3, 342, 342]}}`
	f := synthetic(t, model.AuxNone, 7, func(map[string]source) {})
	if err := os.WriteFile(filepath.Join(filepath.Dir(f.path), "config.json"), []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
	_, m, err := f.convert(ImportOptions{})
	if err != nil || m.Network().InputSize != 342 || m.Network().Classes != 7 {
		t.Errorf("the network is for %d pixels, %v; want 342", m.Network().InputSize, err)
	}
}

// Who says other than what is known of a file is warned.
func TestContradictionsAreTold(t *testing.T) {
	const config = `{"num_classes": 9, "label_names": ["a", "b"], "pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "crop_pct": 0.95, "interpolation": "bilinear"}}`
	for name, c := range map[string]struct {
		classes int
		config  string
		options ImportOptions
		want    []string // none for no warning
	}{
		"timm's counts": {7, config, ImportOptions{}, []string{"config.json says 9 classes, the weights have 7", "has 2 label_names, the weights have 7 classes"}},
		"timm's mean": {9, config, ImportOptions{Preprocess: "imagenet", CropPct: 0.95}, []string{
			"contradicts timm's config.json: mean [0.485 0.456 0.406] instead of [0.5 0.5 0.5], std [0.229 0.224 0.225] instead of [0.5 0.5 0.5];", "has 2 label_names"}},
		"timm's crop":              {9, config, ImportOptions{CropPct: 0.875}, []string{"crop_pct 0.875 instead of 0.95", "label_names"}},
		"torchvision's own":        {1000, "", ImportOptions{Preprocess: "imagenet"}, []string{"contradicts torchvision's own weights of 1000 classes: mean"}},
		"torchvision's, as stated": {1000, "", ImportOptions{Preprocess: "torchvision", CropPct: 0.875, InputSize: 299, Interpolation: picture.Bilinear}, nil},
		"of nobody":                {7, "", ImportOptions{Preprocess: "1/255", CropPct: 1}, nil},
	} {
		f := synthetic(t, model.AuxNone, c.classes, func(map[string]source) {})
		if c.config != "" {
			if err := os.WriteFile(filepath.Join(filepath.Dir(f.path), "config.json"), []byte(c.config), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		_, m, err := f.convert(c.options)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var warned []string
		for _, note := range m.Notes {
			if strings.HasPrefix(note, "warning: ") {
				warned = append(warned, note)
			}
		}
		text := strings.Join(warned, "\n")
		for _, want := range c.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: warned of %q, want %q", name, text, want)
			}
		}
		if len(warned) != len(c.want) {
			t.Errorf("%s: warned of %q", name, warned)
		}
	}
}

func TestWhoseConfigurationIsBesideTheFile(t *testing.T) {
	const config = `{"pretrained_cfg": {"mean": [0.1, 0.1, 0.1], "std": [1, 1, 1]}, "num_classes": 9}`
	for name, c := range map[string]struct {
		config  string
		options ImportOptions
		want    string // name of the preprocessing, or the error
		family  string
	}{
		"timm's":         {config, ImportOptions{}, "timm", Timm},
		"another tool's": {`{"a": 1}`, ImportOptions{}, "torchvision", Torchvision},
		"none":           {"", ImportOptions{}, "torchvision", Torchvision},
		"none, but timm's": {"", ImportOptions{From: Timm},
			"have no config.json beside them: put it there, or say --preprocess imagenet", ""},
		"timm's and --preprocess":   {config, ImportOptions{Preprocess: "unit"}, "unit", Timm},
		"timm's, but torchvision's": {config, ImportOptions{From: Torchvision}, "torchvision", Torchvision},
		"broken":                    {`{`, ImportOptions{}, "config.json: unexpected end", ""},
		"broken and --preprocess":   {`{`, ImportOptions{Preprocess: "1/255,0"}, "1/255,0", Torchvision},
		"broken, but torchvision's": {`{`, ImportOptions{From: Torchvision}, "torchvision", Torchvision},
		"a family that is not there": {"", ImportOptions{From: Keras},
			"--from is keras, but the names are those of torchvision", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := synthetic(t, model.AuxNone, 7, func(map[string]source) {})
			if c.config != "" {
				if err := os.WriteFile(filepath.Join(filepath.Dir(f.path), "config.json"), []byte(c.config), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			_, m, err := f.convert(c.options)
			if c.family == "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error is %v, want %q", err, c.want)
				}
				return
			}
			if err != nil || m.Preprocess.Name != c.want || m.Extra["imported_from"] != c.family {
				t.Errorf("preprocess %s of %s, %v; want %s of %s", m.Preprocess, m.Extra["imported_from"], err, c.want, c.family)
			}
		})
	}
}

func TestOfficialFiles(t *testing.T) {
	const v3, googlenet = "inception_v3_google-0cc3c7bd.pth", "googlenet-1378be20.pth"
	for path, want := range map[string]struct{ url, path, sum string }{
		"":               {"https://x/m/" + v3, v3, "0cc3c7bd"},
		"inception_v3":   {"https://x/m/" + v3, v3, "0cc3c7bd"},
		"googlenet":      {"https://x/m/" + googlenet, googlenet, "1378be20"},
		"a/" + googlenet: {"https://x/m/" + googlenet, "a/" + googlenet, "1378be20"},
	} {
		f, err := Official(path, "https://x/m/")
		if err != nil || f.URL != want.url || f.Path != want.path || f.SHA256 != want.sum {
			t.Errorf("%q is %+v, %v", path, f, err)
		}
	}
	if _, err := Official("resnet50.pth", TorchvisionServer); err == nil ||
		!strings.Contains(err.Error(), "googlenet-1378be20.pth, inception_v3_google-0cc3c7bd.pth") {
		t.Error(err)
	}
}

func FuzzTimmConfig(f *testing.F) {
	f.Add([]byte(`{"label_names": {"0": "a"}, "num_classes": 1, "pretrained_cfg": ` +
		`{"mean": [0.1, 0.1, 0.1], "std": [1, 1, 1], "crop_pct": 0.875, "input_size": [3, 299, 299]}}`))
	f.Add([]byte(`{"mean": [0, 0, 0], "std": [1, 1, 1], "interpolation": "bicubic", "label_names": ["a"], ` +
		`"crop_mode": "center"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseTimmConfig(text)
		if err != nil || c == nil {
			return
		}
		m := weights.Metadata{Spec: model.Spec{Classes: 1}}
		c.misfits(&m)
		m.Preprocess = c.statement(&m).Preprocess
		if err := m.Preprocess.Validate(); err != nil {
			t.Fatalf("%s gives %v", text, err)
		}
	})
}

// FuzzNames hands the translators tensors of any name and shape: a line each,
// the name and then dimensions. Those of a network may be taken from it.
func FuzzNames(f *testing.F) {
	f.Add("InceptionV3/Mixed_5b/Branch_0/Conv2d_0a_1x1/weights 1 1\n"+
		"InceptionV3/ 3\nInceptionV3/Logits/Conv2d_1c_1x1/biases", true)
	f.Add("conv2d_1/conv2d_1/kernel:0 3 3 3 32\nlayers/batch_normalization_12345678901234567890/vars/99\n"+
		"predictions/bias 3\ndense/kernel", false)
	f.Add("Mixed_5b.branch1x1.conv.weight 64 192 1 1\nfc.weight\nfc.bias 3\nAuxLogits.fc.weight", true)
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		lines := strings.Split(text, "\n")
		if len(lines) > 500 {
			return
		}
		file := &foreign{path: filepath.Join("testdata", "none", "x"), dicts: []dict{{tensors: map[string]source{}}}}
		for _, line := range lines {
			name, rest, _ := strings.Cut(line, " ")
			var shape []int
			for _, word := range strings.Fields(rest) {
				var d int
				_, _ = fmt.Sscan(word, &d)
				shape = append(shape, min(max(d, 0), 64))
			}
			if len(shape) <= 5 {
				add(file.dicts[0].tensors, name, shape...)
			}
		}
		if whole {
			file.dicts[0].tensors["Mixed_5b.branch1x1.conv.weight"] = blank("", 64, 192, 1, 1)
		}
		if _, _, err := file.convert(ImportOptions{}); err == nil {
			t.Errorf("%q is a network", text)
		}
	})
}
