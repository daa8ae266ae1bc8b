package train

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/weights"
)

// labelled is a set without images.
type labelled struct {
	dataset.Set
	classes []string
}

func (l labelled) Classes() []string { return l.classes }

// pretrained writes weights of the job's structure with the given labels.
func pretrained(t *testing.T, spec model.Spec, labels []string, change func(*weights.Metadata)) (path string,
	w *model.Weights) {
	t.Helper()
	w, err := model.NewWeights(withClasses(spec, len(labels)), 99)
	if err != nil {
		t.Fatal(err)
	}
	m := weights.Metadata{Spec: w.Spec, Labels: labels, Preprocess: picture.TorchvisionPreprocess(spec.InputSize)}
	if change != nil {
		change(&m)
	}
	path = filepath.Join(t.TempDir(), "pretrained.safetensors")
	if err := weights.Save(path, w, m); err != nil {
		t.Fatal(err)
	}
	return path, w
}

func TestWeightsThatHaveSeenOtherInputsAreWarnedOf(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*weights.Metadata)
		want   []string
	}{
		"the same":                  {func(*weights.Metadata) {}, nil},
		"another name for the same": {func(m *weights.Metadata) { m.Preprocess.Name = "1/127.5,-1" }, nil},
		"other colours": {func(m *weights.Metadata) {
			m.Preprocess, _ = picture.NamedPreprocess("unit", 32)
		}, []string{"have learned from images preprocessed so", "set data.preprocess to unit"}},
		"colours without a name": {func(m *weights.Metadata) {
			m.Preprocess.Name, m.Preprocess.Mean = "own", [3]float64{0.1, 0.2, 0.3}
		}, []string{"mean 0.1 0.2 0.3"}},
		"another geometry": {func(m *weights.Metadata) { m.Preprocess.Geometry = picture.Central },
			[]string{"have learned from images preprocessed so: central"}},
		"another average": {func(m *weights.Metadata) { m.Spec.AvgPoolCountIncludePad = !m.Spec.AvgPoolCountIncludePad },
			[]string{"have learned with model.avgpool_count_include_pad true, here it is false"}},
	} {
		job := tinyJob(t)
		job.Data.Train = "shapes:?train=16&val=13&size=32"
		job.Init.NewHead = true
		job.Init.Weights, _ = pretrained(t, job.Model, []string{"a", "b"}, c.change)
		if strings.Contains(name, "average") {
			job.Model.AvgPoolCountIncludePad = false
		}
		heard := &notes{}
		job.Reporter = heard
		r, err := prepare(job)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		r.close()
		warned := ""
		for _, text := range heard.all {
			if strings.HasPrefix(text, "warning: the weights have learned") {
				warned += text
			}
		}
		if (warned == "") != (c.want == nil) {
			t.Errorf("%s: says %q, want %q", name, warned, c.want)
		}
		for _, want := range c.want {
			if !strings.Contains(warned, want) {
				t.Errorf("%s: says %q, want %q", name, warned, want)
			}
		}
		if strings.Contains(name, "without a name") && strings.Contains(warned, "set data.preprocess") {
			t.Errorf("%s: says %q", name, warned)
		}
	}
}

func TestInitialWeightsKeepOrRenewTheClassifier(t *testing.T) {
	abc := []string{"a", "b", "c"}
	for _, c := range []struct {
		name    string
		labels  []string
		change  func(*weights.Metadata)
		classes []string
		init    Init
		rows    []int // of the file's classifier; nil for a new one
		note    string
		fails   string
	}{
		{"the same classes", abc, nil, abc, Init{}, []int{0, 1, 2}, "its classifier included", ""},
		{"the same classes in another order", abc, nil, []string{"C", "a", "b"}, Init{}, []int{2, 0, 1},
			"its classifier included", ""},
		{"other classes", abc, nil, []string{"a", "b", "d"}, Init{}, nil, "", `"d" matches no label`},
		{"other classes, a new classifier", abc, nil, []string{"a", "b", "d"}, Init{NewHead: true}, nil,
			"with a new classifier for 3 classes (the file's has 3)", ""},
		{"other classes by order", abc, nil, []string{"a", "b", "d"}, Init{Match: labels.MatchOptions{ByOrder: true}},
			[]int{0, 1, 2}, "its classifier included", ""},
		{"other classes by a map", abc, nil, []string{"a", "b", "d"},
			Init{Match: labels.MatchOptions{Map: map[string]string{"d": "c"}}}, []int{0, 1, 2}, "", ""},
		{"more classes", abc, nil, []string{"a", "b", "c", "d"}, Init{}, nil,
			"with a new classifier for 4 classes (the file's has 3)", ""},
		{"fewer classes", abc, nil, []string{"a", "b"}, Init{}, nil,
			"with a new classifier for 2 classes (the file's has 3)", ""},
		{"no classifier in the file", abc, func(m *weights.Metadata) { m.NoHead, m.Labels = true, nil }, abc, Init{}, nil,
			"with a new classifier for 3 classes (the file has none)", ""},
		{"no labels in the file, numbers", abc, func(m *weights.Metadata) { m.Labels = nil }, []string{"02", "00", "01"},
			Init{}, []int{2, 0, 1}, "its classifier included", ""},
		{"no labels in the file, names", abc, func(m *weights.Metadata) { m.Labels = nil }, abc, Init{}, nil, "",
			"matches no label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := tinyJob(t).Model
			var from *model.Weights
			c.init.Weights, from = pretrained(t, spec, c.labels, c.change)
			heard := &notes{}
			data := trainingData{train: labelled{classes: c.classes}, preprocess: picture.TorchvisionPreprocess(32)}
			w, headless, err := c.init.weights(withClasses(spec, len(c.classes)), 1, data, heard)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.Contains(err.Error(), "--new-head") {
					t.Fatalf("error is %v, want %q and the way out", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if headless != (c.rows == nil) {
				t.Errorf("headless is %t, rows are %v", headless, c.rows)
			}
			if !strings.Contains(heard.text(), c.note) {
				t.Errorf("notes are %q, want %q", heard.text(), c.note)
			}
			for _, p := range w.Params {
				q := from.ByName(p.Name)
				switch {
				case !strings.HasPrefix(p.Name, "fc."):
					if !slices.Equal(p.Values(), q.Values()) {
						t.Errorf("%s is not the file's", p.Name)
					}
				case c.rows != nil:
					if !slices.Equal(p.Values(), pickRows(q, c.rows)) {
						t.Errorf("%s is not rows %v of the file's", p.Name, c.rows)
					}
				case p.Name == "fc.weight" && slices.Equal(p.Values()[:16], q.Values()[:16]):
					t.Errorf("%s is the file's", p.Name)
				}
			}
		})
	}
}

// The auxiliary head of other input sizes does not fit; all else does.
func TestInitialWeightsOfAnotherInputSizeRenewTheAuxiliaryHead(t *testing.T) {
	spec := tinyJob(t).Model
	spec.Aux, spec.InputSize = "batch_norm", 48
	classes := []string{"a", "b", "c"}
	path, from := pretrained(t, spec, classes, nil)
	spec.InputSize = 64
	data := trainingData{train: labelled{classes: classes}, preprocess: picture.TorchvisionPreprocess(64)}
	heard := &notes{}
	w, _, err := Init{Weights: path}.weights(withClasses(spec, 3), 1, data, heard)
	if err != nil {
		t.Fatal(err)
	}
	if want := "new, because the file has none that fits: AuxLogits\n"; !strings.Contains(heard.text(), want) {
		t.Errorf("notes are %q, want %q", heard.text(), want)
	}
	for _, p := range w.Params {
		q := from.ByName(p.Name)
		isNew := strings.HasPrefix(p.Name, "AuxLogits.") && (strings.HasSuffix(p.Name,
			"conv.weight") || strings.HasSuffix(p.Name, "fc.weight"))
		if same := slices.Equal(p.Shape, q.Shape) && slices.Equal(p.Values(), q.Values()); same == isNew {
			t.Errorf("%s: is the file's: %t, want %t", p.Name, same, !isNew)
		}
	}
}

// A run that begins with pretrained weights, all but the classifier frozen,
// ends with those weights, under any classifier.
func TestFineTuningTheClassifierAloneKeepsTheRest(t *testing.T) {
	job := tinyJob(t)
	var from *model.Weights
	job.Init.Weights, from = pretrained(t, job.Model, []string{"x", "y"}, nil)
	job.Train.Freeze = []string{"Conv2d", "Mixed"}
	job.Train.MaxSteps = 3
	job.Optimizer.HeadLRFactor = 10
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	after, m, err := weights.Load(filepath.Join(job.Dir, rundir.Last))
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Labels) != 10 {
		t.Errorf("labels are %v", m.Labels)
	}
	for _, p := range after.Params {
		if !strings.HasPrefix(p.Name, "fc.") && !slices.Equal(p.Values(), from.ByName(p.Name).Values()) {
			t.Errorf("%s has changed", p.Name)
		}
	}
}
