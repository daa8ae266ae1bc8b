package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/weights"
)

// tinyJob trains the smallest network for some steps on drawn images.
func tinyJob(t *testing.T) Job {
	t.Helper()
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.BNDecay = 32, 0.05, model.AuxNone, 0.9
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	data := dataset.DefaultOptions()
	data.Train = "shapes:?train=44&val=13&size=32"
	recipe := DefaultRecipe()
	recipe.Train.Epochs, recipe.Train.BatchSize = 3, 8
	recipe.Optimizer.LR = 0.01
	return Job{
		Config: Config{Model: spec, Data: data, Recipe: recipe, Eval: evaluate.Options{BatchSize: 5, Every: 1}},
		Dir:    filepath.Join(t.TempDir(), "run"), Version: "test",
	}
}

// stopper ends a context after some updates.
type stopper struct {
	Silence
	left   int
	cancel context.CancelCauseFunc
}

var errStop = errors.New("stop")

func (s *stopper) Step(Status) {
	if s.left--; s.left == 0 {
		s.cancel(errStop)
	}
}

// stopAfter runs a job and stops it after so many updates of this call.
func stopAfter(t *testing.T, job Job, steps int) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	job.Reporter = &stopper{left: steps, cancel: cancel}
	result, err := Run(ctx, job)
	if !errors.Is(err, errStop) || result.Exit != ExitInterrupted {
		t.Fatalf("stopped after %d updates, Run returns %+v, %v", steps, result, err)
	}
}

func TestAStoppedAndResumedRunEndsWithTheBitsOfOneThatWasNot(t *testing.T) {
	optimizer := func(name string) func(*Job) {
		return func(j *Job) { j.Optimizer.Name, j.Train.GradAccumSteps = name, 2 }
	}
	for name, change := range map[string]func(*Job){
		optimize.RMSProp: optimizer(optimize.RMSProp), optimize.SGD: optimizer(optimize.SGD),
		optimize.Adam: optimizer(optimize.Adam), optimize.AdamW: optimizer(optimize.AdamW),
		"all that is random or remembered": func(j *Job) {
			j.Model.Aux, j.Model.AuxEarly, j.Model.Dropout = model.AuxPlain, true, 0.3
			j.Data.Augment = dataset.Augment{Scale: [2]float64{0.5, 1}, Ratio: [2]float64{0.8, 1.25}, HFlip: 0.5, Color: 0.5,
				Pad: 2, Erase: 0.5, Mixup: 0.3, Cutmix: 0.4}
			j.LabelSmoothing.Spread, j.Train.BNRecalibrate = SpreadWrongOnly, 2
			j.Train.ClipGradNorm, j.Train.ClipGradValue, j.Train.LogEvery = 0.5, 0.05, 2
			j.Schedule = optimize.ScheduleOptions{Name: optimize.Cosine, WarmupEpochs: 0.5}
		},
		"rising sizes": func(j *Job) { j.Train.Sizes, j.Optimizer.Name = []int{28, 36}, optimize.SGD },
		"random sizes": func(j *Job) {
			j.Train.Sizes, j.Train.SizeOrder, j.Train.BNRecalibrate, j.Train.Whiten = []int{32, 28, 36}, SizesRandom, 2, true
		},
		"a fine-tuning": func(j *Job) {
			j.Train.Head, j.Train.BatchNorm, j.EMA.Decay = HeadProbe, BatchNormAuto, 0.5
			j.Optimizer.Name, j.Optimizer.LayerDecay, j.Optimizer.BiasLRFactor = optimize.NAdamW, 0.7, 2
			j.Optimizer.LookaheadSteps, j.Schedule.Name = 3, optimize.Linear
			j.Init.Weights, _ = pretrained(t, j.Model, []string{"a", "b"}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole := tinyJob(t)
			change(&whole)
			if _, err := Run(context.Background(), whole); err != nil {
				t.Fatal(err)
			}
			parts := whole
			parts.Dir = filepath.Join(t.TempDir(), "run")
			stopAfter(t, parts, 2) // inside the first epoch
			parts.Resume = true
			stopAfter(t, parts, 4)
			if _, err := Run(context.Background(), parts); err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{rundir.Last, rundir.LastRaw, rundir.Best} {
				if !bytes.Equal(read(t, whole, file), read(t, parts, file)) {
					t.Errorf("%s differs", file)
				}
			}
			sameMetrics(t, whole, parts)
		})
	}
}

func read(t *testing.T, job Job, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(job.Dir, file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sameMetrics compares all but times.
func sameMetrics(t *testing.T, a, b Job) {
	t.Helper()
	var lines [2][]report.Line
	for i, job := range []Job{a, b} {
		var err error
		if lines[i], err = report.ReadMetrics(filepath.Join(job.Dir, rundir.Metrics)); err != nil {
			t.Fatal(err)
		}
		for j := range lines[i] {
			lines[i][j].ImagesPerS, lines[i][j].ElapsedS, lines[i][j].WaitS = 0, 0, 0
		}
	}
	if len(lines[0]) != len(lines[1]) {
		t.Fatalf("%d lines of metrics and %d", len(lines[0]), len(lines[1]))
	}
	for i, line := range lines[0] {
		if line != lines[1][i] {
			t.Errorf("metrics differ: %+v and %+v", line, lines[1][i])
		}
	}
}

func TestOneThreadAndSeveralTrainTheSameBits(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	var files [][]byte
	for threads := 1; threads <= 3; threads++ {
		parallel.SetThreads(threads)
		job := tinyJob(t)
		job.Model.Aux, job.Model.InputSize = model.AuxBatchNorm, 64
		job.Train.MaxSteps = 2
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		files = append(files, read(t, job, rundir.LastRaw))
	}
	for i := range files {
		if !bytes.Equal(files[i], files[0]) {
			t.Errorf("%d threads give other weights than one", i+1)
		}
	}
}

func TestSavedWeightsGiveTheValidationsFigures(t *testing.T) {
	job := tinyJob(t)
	job.Eval.CropPct = 0.9
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	lines, err := report.ReadMetrics(filepath.Join(job.Dir, rundir.Metrics))
	if err != nil {
		t.Fatal(err)
	}
	last := lines[len(lines)-1]
	w, m, err := weights.Load(filepath.Join(job.Dir, rundir.Last))
	if err != nil {
		t.Fatal(err)
	}
	e, err := evaluate.NewEvaluator(w, evaluate.RunOptions{Options: evaluate.Options{BatchSize: 5},
		Preprocess: m.Preprocess})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	part, _, err := job.Data.OpenSplit(job.Data.Train, "val")
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Evaluate(context.Background(), part.Set, nil)
	if err != nil {
		t.Fatal(err)
	}
	if last.Split != "val" || r.Top1 != last.Top1 || r.Loss != last.Loss || r.Images != 13 {
		t.Errorf("evaluation gives %+v, the run's last validation was %+v", r, last)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Job)
		want   string
	}{
		{"a folder that holds a run", func(j *Job) {
			if err := os.MkdirAll(j.Dir, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(j.Dir, rundir.Config), nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}, "holds a run already"},
		{"a wrong number of classes", func(j *Job) { j.Model.Classes = 3 }, "model.classes: is 3"},
		{"missing images", func(j *Job) { j.Data.Train = "/nowhere" }, "/nowhere"},
		{"an impossible option", func(j *Job) { j.Train.BatchSize = 0 }, "train.batch_size"},
		{"mixing in batches of one", func(j *Job) { j.Data.Augment.Cutmix, j.Train.BatchSize = 0.5, 1 }, "train.batch_size"},
		{"layers to freeze that are none", func(j *Job) { j.Train.Freeze = []string{"Blended"} }, "train.freeze"},
		{"initial weights that are none", func(j *Job) { j.Init.Weights = "/nowhere.safetensors" }, "/nowhere.safetensors"},
	} {
		t.Run(c.name, func(t *testing.T) {
			job := tinyJob(t)
			c.change(&job)
			_, err := Run(context.Background(), job)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error is %v, want one line with %q", err, c.want)
			}
			if _, statErr := os.Stat(filepath.Join(job.Dir, rundir.Last)); statErr == nil {
				t.Error("weights were written")
			}
		})
	}
}

func TestADivergedTrainingStopsWithAdvice(t *testing.T) {
	job := tinyJob(t)
	job.Optimizer.Name, job.Optimizer.LR, job.Train.ClipGradNorm = optimize.SGD, 1000, 0
	_, err := Run(context.Background(), job)
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "lower optimizer.lr") {
		t.Errorf("error is %v", err)
	}
}

func TestFrozenLayersKeepTheirValues(t *testing.T) {
	job := tinyJob(t)
	job.Train.Freeze = []string{"Conv2d", "Mixed_5", "Mixed_7c.branch1x1"}
	job.Train.MaxSteps = 2
	before, err := model.NewWeights(withClasses(job.Model, 10), job.Train.Seed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	after, _, err := weights.Load(filepath.Join(job.Dir, rundir.LastRaw))
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range before.Params {
		frozen := strings.HasPrefix(p.Name, "Conv2d") || strings.HasPrefix(p.Name, "Mixed_5") || strings.HasPrefix(p.Name,
			"Mixed_7c.branch1x1")
		same := true
		for j, v := range p.Values() {
			same = same && v == after.Params[i].Values()[j]
		}
		if frozen && !same {
			t.Errorf("%s has changed", p.Name)
		}
		if !frozen && same {
			t.Errorf("%s has not changed", p.Name)
		}
	}
}

func withClasses(s model.Spec, n int) model.Spec {
	s.Classes = n
	return s
}
