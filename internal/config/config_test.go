package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/configs"
)

// file writes a configuration and returns its path.
func file(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "my.yaml")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, s Sources) *Resolved {
	t.Helper()
	r, err := Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLaterSourcesWin(t *testing.T) {
	s := Sources{Path: file(t, "optimizer: {name: sgd, lr: 0.1}\ntrain: {epochs: 7}\n")}
	const key = "optimizer.lr"
	check := func(want float64, from string) {
		t.Helper()
		if r := load(t, s); r.Optimizer.LR != want || !strings.HasSuffix(r.Origin[key].String(), from) {
			t.Errorf("%s is %g from %s, want %g from %s", key, r.Optimizer.LR, r.Origin[key], want, from)
		}
	}
	check(0.1, "my.yaml:1")
	t.Setenv("INCEPTION_OPTIMIZER_LR", "2e-1")
	check(0.2, "INCEPTION_OPTIMIZER_LR")
	s.Set = []string{"optimizer.lr=0.3"}
	check(0.3, "--set")
	s.Set = append(s.Set, "optimizer.lr=0.35")
	check(0.35, "--set")
	s.Flags = map[string]any{key: 0.4}
	check(0.4, "flag")
	r := load(t, s)
	if r.Train.Epochs != 7 || r.Optimizer.Momentum != 0.9 || r.Origin["optimizer.momentum"].String() != "default" ||
		r.Name != "my" {
		t.Errorf("the rest is %+v of %s", r.Train, r.Name)
	}
}

func TestValuesInAllTheirForms(t *testing.T) {
	r := load(t, Sources{
		Path: file(t, "label_smoothing: 0.2\ntrain:\n  max_time: 90m\n  freeze: [Conv2d, Mixed_5]\n"+
			"data:\n  train: 'shapes:'\n  augment: {scale: [0.5, 1]}\nema:\n"),
		Set: []string{"data.val=null", "schedule={name: cosine, min_lr: 1e-4}", "model.width=1", "train.epochs=null"},
	})
	if r.LabelSmoothing.Epsilon != 0.2 || r.LabelSmoothing.Spread != "uniform" {
		t.Errorf("a bare number for label_smoothing gives %+v", r.LabelSmoothing)
	}
	if r.Train.MaxTime != 90*time.Minute || len(r.Train.Freeze) != 2 || r.Data.Augment.Scale != [2]float64{0.5, 1} {
		t.Errorf("got %v, %v, %v", r.Train.MaxTime, r.Train.Freeze, r.Data.Augment.Scale)
	}
	if r.Schedule.Name != "cosine" || r.Schedule.MinLR != 1e-4 || r.Train.Epochs != 100 || r.Data.Val != "" {
		t.Errorf("got %+v, %d epochs", r.Schedule, r.Train.Epochs)
	}
	t.Setenv("INCEPTION_LABEL_SMOOTHING", "0.3")
	t.Setenv("INCEPTION_TRAIN_FREEZE", "[Conv2d_1a]")
	if r = load(t, Sources{}); r.LabelSmoothing.Epsilon != 0.3 || r.Train.Freeze[0] != "Conv2d_1a" {
		t.Errorf("the environment gives %+v, %v", r.LabelSmoothing, r.Train.Freeze)
	}
	if r = load(t, Sources{Set: []string{"label_smoothing=0"}}); r.LabelSmoothing.Epsilon != 0 {
		t.Errorf("--set gives %+v", r.LabelSmoothing)
	}
}

func TestTheVariantBringsItsOwnDefaults(t *testing.T) {
	r := load(t, Sources{Set: []string{"model.variant=v2"}})
	if r.Model.Stem.Conv != "7x7" || r.Model.Aux != "plain" {
		t.Errorf("v2 has %+v", r.Model)
	}
	if r = load(t, Sources{Path: "v2", Set: []string{"model.aux=batch_norm"}}); r.Model.Stem.Conv != "7x7" ||
		r.Model.Aux != "batch_norm" {
		t.Errorf("v2 with another head has %+v", r.Model)
	}
}

func TestErrorsNameKeyPlaceAndNearestKey(t *testing.T) {
	for _, c := range []struct{ name, text, set, want string }{
		{"another tool's name", "model:\n  num_classes: 5\n", "",
			`my.yaml:2: unknown key "model.num_classes"; did you mean model.classes?`},
		{"a name without its section", "imgsz: 299\n", "", `my.yaml:1: unknown key "imgsz"; did you mean model.input_size?`},
		{"lr0", "lr0: 1\n", "", "did you mean optimizer.lr?"},
		{"workers", "train: {workers: 1}\n", "", "did you mean data.workers?"},
		{"smoothing", "smoothing: 1\n", "", "did you mean label_smoothing.epsilon?"},
		{"opt", "opt: sgd\n", "", "did you mean optimizer.name?"},
		{"patience", "patience: 3\n", "", "did you mean train.patience?"},
		{"a slip", "", "model.widht=2", `--set: unknown key "model.widht"; did you mean model.width?`},
		{"a wrong type", "train:\n\n  epochs: many\n", "", `my.yaml:3: train.epochs: must be a whole number, is "many"`},
		{"a fraction", "", "train.epochs=1.5", `--set: train.epochs: must be a whole number, is "1.5"`},
		{"an impossible value", "model:\n  width: 1\ntrain:\n  batch_size: 0\n", "",
			"my.yaml:4: train.batch_size: must be at least 1, is 0"},
		{"an unknown variant", "model: {variant: v9}\n", "", `my.yaml:1: model.variant`},
		{"too small an input", "model: {input_size: 60}\n", "", "my.yaml:1: model.input_size: 60 is too small"},
		{"a key twice", "train:\n  epochs: 1\n  epochs: 2\n", "", "my.yaml:3"},
		{"a value for a section", "train: 5\n", "", `my.yaml:1: train must contain keys, such as seed`},
		{"a list of three", "data: {augment: {ratio: [1, 2, 3]}}\n", "", "data.augment.ratio: must be two numbers"},
		{"a bare duration", "train: {max_time: 90}\n", "", "must be a duration such as 90m"},
		{"a section for a value", "model: {width: {a: 1}}\n", "", "model.width: must be a number"},
		{"no equals sign", "", "train.epochs", "--set train.epochs: needs key=value"},
		{"broken YAML", "train: [\n", "", "config "},
		{"a list on top", "- a\n", "", "my.yaml:1"},
		{"two documents", "train: {epochs: 1}\n---\ntrain: {epochs: 2}\n", "", "more than one document"},
		{"not a number", "", "optimizer.lr=.nan", "optimizer.lr"},
	} {
		s := Sources{}
		if c.text != "" {
			s.Path = file(t, c.text)
		}
		if c.set != "" {
			s.Set = []string{c.set}
		}
		if _, err := Load(s); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v\nwant one line with %s", c.name, err, c.want)
		}
	}
	t.Setenv("INCEPTION_TRAIN_EPOCHS", "-1")
	if _, err := Load(Sources{}); err == nil || !strings.HasPrefix(err.Error(), "INCEPTION_TRAIN_EPOCHS: train.epochs") {
		t.Errorf("a bad variable: %v", err)
	}
}

func TestUnknownVariablesAreWarnedOf(t *testing.T) {
	t.Setenv("INCEPTION_PORT", "tcp://10.0.0.1:80")
	t.Setenv("INCEPTION_ISA", "generic")
	r := load(t, Sources{})
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "INCEPTION_PORT") {
		t.Errorf("warnings %q", r.Warnings)
	}
}

func TestMissingConfigurationNamesThoseThatAre(t *testing.T) {
	if _, err := Load(Sources{Path: "v33"}); err == nil || !strings.Contains(err.Error(), "quickstart") {
		t.Errorf("error is %v", err)
	}
}

func TestEmbeddedConfigurationsSurviveBeingWritten(t *testing.T) {
	if len(configs.List()) < 7 {
		t.Errorf("only %d configurations", len(configs.List()))
	}
	for _, e := range configs.List() {
		r := load(t, Sources{Path: e.Name})
		text := r.YAML()
		again := load(t, Sources{Path: file(t, string(text))})
		if !reflect.DeepEqual(again.Config, r.Config) {
			t.Errorf("%s becomes\n%+v\nfrom\n%+v", e.Name, again.Config, r.Config)
		}
		if e.About == "" || strings.Contains(string(text), "e-05") && !strings.Contains(string(text), ".0e-05") {
			t.Errorf("%s: about %q, or a number without a point:\n%s", e.Name, e.About, text)
		}
	}
}

func TestAgreesWithWeights(t *testing.T) {
	spec := load(t, Sources{}).Model
	spec.Classes = 5
	for _, c := range []struct {
		set  []string
		want string
	}{
		{nil, ""},
		{[]string{"model.input_size=331"}, ""},
		{[]string{"model.classes=5", "model.classes=0"}, ""},
		{[]string{"model.width=0.5"}, "model.width is 0.5 (--set)"},
		{[]string{"model.classes=7"}, "model.classes is 7"},
	} {
		err := load(t, Sources{Set: c.set}).AgreesWith(spec)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.set, err, c.want)
		}
	}
}

func TestANetworkHasClassesWithoutItsData(t *testing.T) {
	c := load(t, Sources{})
	if spec := c.Network(); c.Model.Classes != 0 || spec.Classes != 1000 {
		t.Errorf("%d classes become %d, want 0 and 1000", c.Model.Classes, spec.Classes)
	}
	if spec := load(t, Sources{Set: []string{"model.classes=7"}}).Network(); spec.Classes != 7 {
		t.Errorf("%d classes, want the 7 that are set", spec.Classes)
	}
}

// Weights of another network may be used without naming a configuration.
func TestTheDefaultConfigurationIsNoChoice(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("v3", []byte("model: {variant: v2}"), 0o666); err != nil {
		t.Fatal(err)
	}
	spec := load(t, Sources{Path: "googlenet"}).Model
	c := load(t, Sources{})
	if c.Model.Variant != "v3" {
		t.Errorf("a file that is called v3 is read in place of the default")
	}
	if err := c.AgreesWith(spec); err != nil {
		t.Error(err)
	}
	for _, s := range []Sources{{Path: "v3.yaml"}, {Set: []string{"model.variant=v3"}}} {
		if err := load(t, s).AgreesWith(spec); err == nil || !strings.Contains(err.Error(), "model.variant is v3") {
			t.Errorf("%+v: error is %v", s, err)
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("model: {width: 1}\n")
	f.Add("a: &x [*x]\n<<: *x\n")
	f.Add("label_smoothing: 1\ntrain: {freeze: [a]}")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "f.yaml")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, _ = Load(Sources{Path: path})
	})
}
