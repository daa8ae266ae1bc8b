package train

import (
	"bytes"
	"context"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/weights"
)

// stillJob is a tinyJob whose weights do not move: only the classifier is
// trained, at a rate that vanishes.
func stillJob(t *testing.T) Job {
	job := tinyJob(t)
	job.Train.Freeze = []string{"Conv2d", "Mixed"}
	job.Optimizer.Name, job.Optimizer.LR, job.Optimizer.WeightDecay = optimize.SGD, 1e-30, 0
	return job
}

func TestPatienceEndsARunThatDoesNotImprove(t *testing.T) {
	job := stillJob(t)
	job.Train.Epochs, job.Train.Patience = 10, 2
	result, err := Run(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	if result.Exit != ExitPatience || result.BestEpoch != 1 || result.Steps != 3*5 {
		t.Errorf("result is %+v; want an end by patience after 3 epochs of 5 steps, the first the best", result)
	}
}

func TestMaxTimeEndsARunThatALongerOneContinues(t *testing.T) {
	job := tinyJob(t)
	job.Train.MaxTime = time.Nanosecond
	result, err := Run(context.Background(), job)
	if err != nil || result.Exit != ExitMaxTime || result.Steps != 0 {
		t.Fatalf("result is %+v, %v", result, err)
	}
	job.Resume, job.Train.MaxTime = true, time.Hour
	result, err = Run(context.Background(), job)
	if err != nil || result.Exit != ExitEpochs || result.Steps != 15 {
		t.Fatalf("with more time the result is %+v, %v", result, err)
	}
	whole := tinyJob(t)
	if _, err := Run(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, whole, rundir.Last), read(t, job, rundir.Last)) {
		t.Error("its weights are not those of a run without a limit")
	}
}

// notes keeps what a run says.
type notes struct {
	Silence
	all []string
}

func (n *notes) Note(text string) { n.all = append(n.all, text) }
func (n *notes) Warn(text string) { n.all = append(n.all, "warning: "+text) }

func (n *notes) text() string { return strings.Join(n.all, "\n") + "\n" }

func TestRunsWarnOfWhatIsKnownToGoWrong(t *testing.T) {
	const high, lag, average = "is high for a batch of 8: the paper's 0.045 belongs to 1600 images",
		"batch norm's statistics average over some", "the running average (ema.decay 0.9999, no warm-up)"
	for _, c := range []struct {
		name   string
		change func(*Job)
		want   []string
	}{
		{"nothing", func(j *Job) { j.Model.BNDecay = 0.5 }, nil},
		{"the paper's rate for a small batch", func(j *Job) { j.Optimizer.LR, j.Model.BNDecay = 0.045, 0.5 },
			[]string{high}},
		{"the paper's rate scaled", func(j *Job) { j.Optimizer.LR, j.Model.BNDecay = 0, 0.5 }, nil},
		{"the same rate of SGD", func(j *Job) {
			j.Optimizer.Name, j.Optimizer.LR, j.Model.BNDecay = optimize.SGD, 0.045,
				0.5
		}, nil},
		{"statistics that lag behind", func(j *Job) { j.Model.BNDecay = 0.9997 }, []string{lag}},
		{"statistics that are frozen", func(j *Job) {
			j.Model.BNDecay, j.Train.Freeze = 0.9997, []string{"Conv2d", "Mixed"}
		}, nil},
		{"statistics some of which are frozen", func(j *Job) {
			j.Model.BNDecay, j.Train.Freeze = 0.9997, []string{"Conv2d"}
		}, []string{lag}},
		{"statistics that batch norm does not use", func(j *Job) {
			j.Model.BNDecay, j.Train.BatchNorm = 0.9997, BatchNormFrozen
		}, nil},
		{"statistics that validation does not use", func(j *Job) {
			j.Model.BNDecay, j.Model.Aux, j.Train.Freeze = 0.9997, model.AuxBatchNorm, []string{"Conv2d", "Mixed"}
		}, nil},
		{"statistics measured anew", func(j *Job) { j.Model.BNDecay, j.Train.BNRecalibrate = 0.9997, 2 }, nil},
		{"an average that lags behind", func(j *Job) { j.EMA.Warmup, j.Model.BNDecay = false, 0.5 }, []string{average}},
	} {
		job := tinyJob(t)
		c.change(&job)
		heard := &notes{}
		job.Reporter = heard
		r, err := prepare(job)
		if err != nil {
			t.Fatal(err)
		}
		heard.all = nil
		r.advise()
		r.close()
		heard.all = slices.DeleteFunc(heard.all, func(text string) bool { // of the tiny network
			return strings.Contains(text, "design principles")
		})
		if len(heard.all) != len(c.want) {
			t.Errorf("%s: says %q, want %q", c.name, heard.all, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(heard.all[i], want) {
				t.Errorf("%s: says %q, want %q", c.name, heard.all[i], want)
			}
		}
	}
}

func TestARunWithoutValidationIsNotWarnedOfOne(t *testing.T) {
	job, _ := damagedJob(t)
	job.Model.BNDecay = 0.9997
	heard := &notes{}
	job.Reporter = heard
	r, err := prepare(job)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	heard.all = nil
	r.advise()
	said := heard.text()
	if !strings.Contains(said, "so evaluation will lag behind; lower model.bn_decay\n") ||
		!strings.Contains(said, "training without validation") {
		t.Errorf("says %s", said)
	}
	if strings.Contains(said, "validation will") || strings.Contains(said, "bn_recalibrate") {
		t.Errorf("speaks of a validation that there is not: %s", said)
	}
}

// statistics copies the batch-norm statistics of w.
func statistics(w *model.Weights) map[string][]float32 {
	all := map[string][]float32{}
	for _, p := range w.Params {
		if !p.Trainable() {
			all[p.Name] = slices.Clone(p.Data)
		}
	}
	return all
}

func TestRecalibrationIsTheMeanOverBatchesWhateverStoodThereBefore(t *testing.T) {
	job := tinyJob(t)
	job.Train.Freeze = []string{"Conv2d_1a"}
	r, err := prepare(job)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	var batches []*dataset.Batch
	from := r.from(context.Background(), 0, 0)
	for range 3 {
		b, err := from.Next()
		if err != nil {
			t.Fatal(err)
		}
		batches = append(batches, &dataset.Batch{Images: slices.Clone(b.Images), Labels: slices.Clone(b.Labels)})
	}
	from.Close()
	measure := func(of ...*dataset.Batch) map[string][]float32 {
		w := r.weights.Clone()
		for _, p := range w.Params {
			if !p.Trainable() && !strings.HasPrefix(p.Name, "Conv2d_1a") {
				for i := range p.Data {
					p.Data[i] = 1e6 // nonsense that must not survive
				}
			}
		}
		err := r.recalibrate(w, len(of), func() (*dataset.Batch, error) {
			b := of[0]
			of = of[1:]
			return b, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range w.Params {
			if p.Trainable() && !slices.Equal(p.Data, r.weights.Params[i].Data) {
				t.Errorf("%s has changed", p.Name)
			}
		}
		return statistics(w)
	}
	alone := []map[string][]float32{measure(batches[0]), measure(batches[1]), measure(batches[2])}
	before := statistics(r.weights)
	for name, got := range measure(batches...) {
		for i, v := range got {
			want := (float64(alone[0][name][i]) + float64(alone[1][name][i]) + float64(alone[2][name][i])) / 3
			if strings.HasPrefix(name, "Conv2d_1a") {
				want = float64(before[name][i])
			}
			if math.Abs(float64(v)-want) > 1e-6*math.Max(1, math.Abs(want)) {
				t.Fatalf("%s: value %d is %g, want %g", name, i, v, want)
			}
		}
	}

	// What cannot be finished changes nothing.
	w := r.weights.Clone()
	calls := 0
	err = r.recalibrate(w, 3, func() (*dataset.Batch, error) {
		if calls++; calls == 3 {
			return nil, io.ErrUnexpectedEOF
		}
		return batches[0], nil
	})
	if err == nil {
		t.Fatal("no error")
	}
	for name, v := range statistics(w) {
		if !slices.Equal(v, before[name]) {
			t.Errorf("%s has changed", name)
		}
	}
}

func TestAuxiliaryHeadsAreTrainedAndLeftOutOfValidation(t *testing.T) {
	for _, c := range []struct {
		kind        string
		early, late bool
		heads       []string
	}{
		{model.AuxNone, false, true, nil},
		{model.AuxPlain, false, true, []string{"AuxLogits"}},
		{model.AuxBatchNorm, true, false, []string{"AuxLogitsEarly"}},
		{model.AuxPlain, true, true, []string{"AuxLogits", "AuxLogitsEarly"}},
	} {
		job := tinyJob(t)
		job.Model.Aux, job.Model.AuxEarly, job.Model.AuxLate = c.kind, c.early, c.late
		job.Train.Epochs = 1
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		before, err := model.NewWeights(withClasses(job.Model, 10), job.Train.Seed)
		if err != nil {
			t.Fatal(err)
		}
		after, _, err := weights.Load(filepath.Join(job.Dir, rundir.LastRaw))
		if err != nil {
			t.Fatal(err)
		}
		moved := map[string]bool{}
		for i, p := range after.Params {
			if head := p.Module; p.Aux {
				moved[head] = moved[head] || !slices.Equal(p.Values(), before.Params[i].Values())
			}
		}
		want := map[string]bool{}
		for _, head := range c.heads {
			want[head] = true
		}
		if !maps.Equal(moved, want) {
			t.Errorf("%+v: auxiliary heads %v, want them to be and to have moved: %v", c, moved, c.heads)
		}
		lines, err := report.ReadMetrics(filepath.Join(job.Dir, rundir.Metrics))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if hasAux := line.Split == "train" && c.heads != nil; hasAux != (line.AuxLoss > 0) {
				t.Errorf("%+v: the %s line has the auxiliary loss %g", c, line.Split, line.AuxLoss)
			}
			if hasEarly := line.Split == "train" && len(c.heads) == 2; hasEarly != (line.AuxEarlyLoss > 0) {
				t.Errorf("%+v: the %s line has the early auxiliary loss %g", c, line.Split, line.AuxEarlyLoss)
			}
		}
	}
}

func TestValidationFarBelowTrainingIsExplainedOnce(t *testing.T) {
	train := report.Line{Loss: 1.8, Top1: 0.38}
	for name, c := range map[string]struct {
		val         report.Line
		recalibrate int
		frozen      bool
		want        int
	}{
		"far below":                   {report.Line{Loss: 10.4, Top1: 0.12}, 0, false, 1},
		"as good":                     {report.Line{Loss: 1.6, Top1: 0.42}, 0, false, 0},
		"a little below":              {report.Line{Loss: 2.5, Top1: 0.25}, 0, false, 0},
		"far below, but recalibrated": {report.Line{Loss: 10.4, Top1: 0.12}, 20, false, 0},
		"far below, but frozen":       {report.Line{Loss: 10.4, Top1: 0.12}, 0, true, 0},
	} {
		heard := &notes{}
		r := run{learner: &learner{shards: 1, state: state{weights: &model.Weights{
			Spec:   model.Spec{BNDecay: 0.99},
			Params: []*ops.Param{{Kind: ops.RunningVar, Layer: "Conv2d_1a"}},
		}}}, reporter: heard}
		r.frozen = func(string) bool { return c.frozen }
		r.recipe.Train.BNRecalibrate = c.recalibrate
		r.adviseLag(train, c.val)
		r.adviseLag(train, c.val)
		if len(heard.all) != c.want {
			t.Errorf("%s: %d notes, want %d: %q", name, len(heard.all), c.want, heard.all)
		}
	}
}
