package config

import (
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/configs"
	"github.com/inception-go/inception/internal/model"
)

// loadAlone loads sources without the process's environment.
func loadAlone(t testing.TB, s Sources) *Resolved {
	t.Helper()
	if s.Env == nil {
		s.Env = []string{}
	}
	return load(t, s)
}

func TestEachSourceWinsOverTheEarlier(t *testing.T) {
	path := file(t, "optimizer:\n  lr: 0.1\n")
	env := []string{"INCEPTION_OPTIMIZER_LR=0.2"}
	for name, c := range map[string]struct {
		sources Sources
		want    float64
		from    string
	}{
		"default":           {Sources{}, 0, "default"},
		"file":              {Sources{Path: path}, 0.1, "config " + path + ":2"},
		"environment":       {Sources{Path: path, Env: env}, 0.2, "INCEPTION_OPTIMIZER_LR"},
		"empty environment": {Sources{Path: path, Env: []string{"INCEPTION_OPTIMIZER_LR="}}, 0.1, "config " + path + ":2"},
		"--set":             {Sources{Path: path, Env: env, Set: []string{"optimizer.lr=0.3"}}, 0.3, "--set"},
		"second --set":      {Sources{Set: []string{"optimizer.lr=0.3", "optimizer.lr=0.4"}}, 0.4, "--set"},
		"flag":              {Sources{Path: path, Env: env, Set: []string{"optimizer.lr=0.3"}, Flags: map[string]any{"optimizer.lr": 0.5}}, 0.5, "flag"},
		"null":              {Sources{Path: path, Env: env, Set: []string{"optimizer.lr=null"}}, 0, "default"},
		"section":           {Sources{Path: path, Set: []string{"optimizer={lr: 0.6, name: sgd}"}}, 0.6, "--set"},
		"null section":      {Sources{Path: path, Set: []string{"optimizer=null"}}, 0, "default"},
	} {
		t.Run(name, func(t *testing.T) {
			r := loadAlone(t, c.sources)
			if r.Optimizer.LR != c.want || r.Origin["optimizer.lr"] != c.from {
				t.Errorf("optimizer.lr is %g from %q, want %g from %q", r.Optimizer.LR, r.Origin["optimizer.lr"], c.want, c.from)
			}
		})
	}
}

func TestASourceChangesOnlyItsKeys(t *testing.T) {
	r := loadAlone(t, Sources{Path: file(t, "optimizer: {lr: 0.1}"), Env: []string{"INCEPTION_OPTIMIZER_EPS=0.01"}, Set: []string{"optimizer.name=sgd"}})
	want, _ := Default("v3")
	want.Optimizer.LR, want.Optimizer.Eps, want.Optimizer.Name = 0.1, 0.01, "sgd"
	if !reflect.DeepEqual(r.Config, want) {
		t.Errorf("resolved to\n%+v, want\n%+v", r.Config, want)
	}
}

func TestEnvironmentIsTheProcessesUnlessGiven(t *testing.T) {
	t.Setenv("INCEPTION_TRAIN_EPOCHS", "7")
	r, err := Load(Sources{})
	if err != nil || r.Train.Epochs != 7 {
		t.Errorf("train.epochs is %d (%v), want 7", r.Train.Epochs, err)
	}
	if r := loadAlone(t, Sources{}); r.Train.Epochs == 7 {
		t.Error("a given environment is not used alone")
	}
}

func TestValuesOnACommandLine(t *testing.T) {
	for set, want := range map[string]any{
		"data.augment.scale=[0.1,1]":       [2]float64{0.1, 1},
		"data.train=shapes:":               "shapes:",
		"data.train=shapes:?n=20&size=32":  "shapes:?n=20&size=32",
		"data.train=flowers #2":            "flowers #2",
		"data.train='flowers'":             "flowers",
		"data.train=[x":                    "[x",
		"data.train=7":                     "7",
		"data.val=":                        "",
		"data.val=null":                    "",
		" optimizer.lr = 4e-05":            4e-5,
		"train.max_time=90m":               90 * time.Minute,
		"train.max_time=0":                 time.Duration(0),
		"train.freeze=[Conv2d, Mixed_5]":   []string{"Conv2d", "Mixed_5"},
		"train.seed=18446744073709551615":  uint64(1<<64 - 1),
		"model.avgpool_count_include_pad=": false,
		"model.aux_early=true":             true,
	} {
		key, _, _ := strings.Cut(set, "=")
		r := loadAlone(t, Sources{Set: []string{set}})
		if got, _ := r.Value(strings.TrimSpace(key)); !reflect.DeepEqual(got, want) {
			t.Errorf("--set %q gives %#v, want %#v", set, got, want)
		}
	}
}

func TestVariantInAnySourcePicksTheNetworksDefaults(t *testing.T) {
	want, err := model.DefaultSpec("v2")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Sources{
		"embedded":    {Path: "v2"},
		"file":        {Path: file(t, "model: {variant: v2}")},
		"alias":       {Path: file(t, "data: {train: &a v2}\nmodel: {variant: *a}")},
		"environment": {Env: []string{"INCEPTION_MODEL_VARIANT=v2"}},
		"--set":       {Set: []string{"model.variant=v2"}},
		"flag":        {Flags: map[string]any{"model.variant": "v2"}},
	} {
		if got := loadAlone(t, s).Model; got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	if aux := loadAlone(t, Sources{Set: []string{"model.variant=v2", "model.aux=none"}}).Model.Aux; aux != model.AuxNone {
		t.Errorf("model.aux is %q beside the variant, want none", aux)
	}
}

func TestBareLabelSmoothingMeansUniform(t *testing.T) {
	const wrongOnly = "label_smoothing: {epsilon: 0.3, spread: wrong_only}"
	for name, c := range map[string]struct {
		sources Sources
		epsilon float64
		spread  string
	}{
		"in a file":               {Sources{Path: file(t, "label_smoothing: 0.2")}, 0.2, "uniform"},
		"as keys":                 {Sources{Path: file(t, wrongOnly)}, 0.3, "wrong_only"},
		"in the environment":      {Sources{Path: file(t, wrongOnly), Env: []string{"INCEPTION_LABEL_SMOOTHING=0.2"}}, 0.2, "uniform"},
		"below its keys":          {Sources{Env: []string{"INCEPTION_LABEL_SMOOTHING_EPSILON=0.4", "INCEPTION_LABEL_SMOOTHING=0.2"}}, 0.4, "uniform"},
		"by --set":                {Sources{Path: file(t, wrongOnly), Set: []string{"label_smoothing=0"}}, 0, "uniform"},
		"by --set before its key": {Sources{Set: []string{"label_smoothing=0.2", "label_smoothing.spread=wrong_only"}}, 0.2, "wrong_only"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := loadAlone(t, c.sources).LabelSmoothing; got.Epsilon != c.epsilon || got.Spread != c.spread {
				t.Errorf("got %+v, want %g %s", got, c.epsilon, c.spread)
			}
		})
	}
}

func TestDataFlagClearsTheFilesValidation(t *testing.T) {
	r := loadAlone(t, Sources{Path: file(t, "data: {train: a, val: b}"), Flags: map[string]any{"data.train": "shapes:", "data.val": ""}})
	if r.Data.Train != "shapes:" || r.Data.Val != "" {
		t.Errorf("data.train %q, data.val %q", r.Data.Train, r.Data.Val)
	}
}

func TestStrangeVariablesAreOnlyWarnings(t *testing.T) {
	r := loadAlone(t, Sources{Env: []string{
		"INCEPTION_PORT=tcp://10.0.0.1:80", "INCEPTION_DATA=/data", "INCEPTION_ISA=avx2", "INCEPTION_THREADS=2", "INCEPTION_LONG=1", "PATH=/bin", "INCEPTION", "",
	}})
	if len(r.Warnings) != 2 || !strings.Contains(r.Warnings[0], "INCEPTION_DATA ") || !strings.Contains(r.Warnings[1], "INCEPTION_PORT ") {
		t.Errorf("warnings: %q", r.Warnings)
	}
}

func TestFilesWinOverEmbeddedConfigurations(t *testing.T) {
	t.Chdir(t.TempDir())
	if r := loadAlone(t, Sources{Path: "v2"}); r.Name != "v2" || r.Origin["model.variant"] != "config v2:2" {
		t.Errorf("embedded: %s, %s", r.Name, r.Origin["model.variant"])
	}
	if r := loadAlone(t, Sources{Path: "v2.yaml"}); r.Name != "v2" {
		t.Errorf("embedded with its ending: %s", r.Name)
	}
	if err := os.Mkdir("v2", 0o700); err != nil {
		t.Fatal(err)
	}
	if r := loadAlone(t, Sources{Path: "v2"}); r.Model.Variant != "v2" {
		t.Error("a folder hides the embedded configuration")
	}
	if err := os.WriteFile("v2.yaml", []byte("train: {epochs: 3}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := loadAlone(t, Sources{Path: "v2.yaml"}); r.Train.Epochs != 3 || r.Model.Variant != "v3" || r.Name != "v2" {
		t.Errorf("a file does not win: %+v", r.Config)
	}
	if r := loadAlone(t, Sources{}); r.Name != "v3" {
		t.Errorf("without a path it is %s, want v3", r.Name)
	}
}

func TestAnEmptyFileIsTheDefaults(t *testing.T) {
	want, _ := Default("v3")
	for _, text := range []string{"", "# nothing\n", "---\n", "{}", "model:\ndata: ~\n"} {
		if got := loadAlone(t, Sources{Path: file(t, text)}); !reflect.DeepEqual(got.Config, want) {
			t.Errorf("%q gives %+v", text, got.Config)
		}
	}
}

func TestEmbeddedConfigurationsAreValid(t *testing.T) {
	var names []string
	for _, e := range configs.List() {
		names = append(names, e.Name)
		r := loadAlone(t, Sources{Path: e.Name})
		if err := r.Model.CheckSize(); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if text, _ := configs.Read(e.Name); !strings.HasPrefix(string(text), "# ") || e.About == "" {
			t.Errorf("%s does not begin with a comment of what it is for", e.Name)
		}
	}
	for _, want := range []string{"bn-inception", "cifar10", "fashion-mnist", "flowers5", "googlenet", "imagenet", "inception-v4", "quickstart", "v2", "v2-table1", "v3"} {
		if !slices.Contains(names, want) {
			t.Errorf("there is no %s among %s", want, names)
		}
	}
}

func TestPaperRecipes(t *testing.T) {
	v3, v2 := loadAlone(t, Sources{Path: "v3"}), loadAlone(t, Sources{Path: "v2"})
	if o := v3.Options; o.Optimizer.Name != "rmsprop" || o.Optimizer.Eps != 0 && o.Optimizer.Eps != 1 || o.LabelSmoothing.Epsilon != 0.1 ||
		o.Train.ClipGradNorm != 2 || o.Schedule.DecayRate != 0.94 || o.Schedule.DecayEpochs != 2 || v3.Model.Aux != model.AuxBatchNorm {
		t.Errorf("v3 is not the paper's: %+v", v3.Config)
	}
	if v2.Optimizer.Name != "sgd" || v2.Optimizer.Momentum != 0.9 || v2.LabelSmoothing.Epsilon != 0 || v2.Model.Aux != model.AuxPlain {
		t.Errorf("v2 is not the first row of Table 3: %+v", v2.Config)
	}
}

func TestOriginNamesEveryKey(t *testing.T) {
	var want []string
	for _, k := range Keys() {
		want = append(want, k.Name)
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(loadAlone(t, Sources{}).Origin)); !slices.Equal(got, want) {
		t.Errorf("origins of %s, want of %s", got, want)
	}
}

func TestWeightsContradictOnlyWhatWasSet(t *testing.T) {
	spec, _ := model.DefaultSpec("v3")
	spec.Classes, spec.Width = 5, 0.5
	for name, c := range map[string]struct {
		set  []string
		want string // in the error
	}{
		"nothing set":    {nil, ""},
		"the same":       {[]string{"model.width=0.5", "model.classes=5"}, ""},
		"another width":  {[]string{"model.width=1"}, "model.width is 1 (--set)"},
		"another size":   {[]string{"model.input_size=150"}, ""},
		"classes: 0":     {[]string{"model.classes=0"}, ""},
		"other classes":  {[]string{"model.classes=6"}, "model.classes is 6"},
		"another model":  {[]string{"model.variant=v2"}, "model.variant is v2"},
		"other sections": {[]string{"optimizer.lr=3"}, ""},
	} {
		err := loadAlone(t, Sources{Path: file(t, ""), Set: c.set}).AgreesWith(spec)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
