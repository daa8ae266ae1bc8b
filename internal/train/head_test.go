package train

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/probe"
	"github.com/inception-go/inception/internal/rundir"
)

func opened(t *testing.T, job Job) *run {
	t.Helper()
	r, err := open(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

// The classifier that a fine-tuning begins with is the one of inception probe.
func TestAFineTuningBeginsWithTheProbesClassifier(t *testing.T) {
	job := tinyJob(t)
	job.Train.Head, job.EMA.Decay = HeadProbe, 0.9
	job.Init.Weights, _ = pretrained(t, job.Model, []string{"a", "b"}, nil)
	o, err := probe.Job{Weights: job.Init.Weights, Options: job.Eval, Data: job.Data,
		Note: func(string) {}, Warn: func(string) {}, Progress: func(int, int) {}}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := opened(t, job)
	want := o.Weights.Classifier().Data
	for name, w := range map[string]*model.Weights{"weights": r.weights, "average": r.average.Weights} {
		if !slices.Equal(w.Classifier().Data, want) {
			t.Errorf("the classifier of the %s is not the probe's", name)
		}
	}
	for name, change := range map[string]func(*Job){
		"by default":                  func(j *Job) { j.Train.Head = HeadRandom },
		"without weights to begin at": func(j *Job) { j.Init.Weights = "" },
		"where the file has one":      func(j *Job) { j.Init.Weights, _ = pretrained(t, j.Model, o.Metadata.Labels, nil) },
	} {
		other := job
		other.Dir = filepath.Join(t.TempDir(), "run")
		change(&other)
		if r := opened(t, other); r.fitsHead() || slices.Equal(r.weights.Classifier().Data, want) {
			t.Errorf("%s, a classifier is fitted", name)
		}
	}
}

// slowToFit takes its time where a classifier is fitted.
type slowToFit struct {
	Silence
	time.Duration
}

func (s slowToFit) Note(text string) {
	if strings.HasPrefix(text, "fitting the classifier") {
		time.Sleep(s.Duration)
	}
}

// The other ranks wait for the classifier, also longer than for a step, and begin
// with it.
func TestRanksWaitForTheFittedClassifier(t *testing.T) {
	one := tinyJob(t)
	one.Train.Head, one.Train.GradAccumSteps, one.Train.MaxSteps = HeadProbe, 2, 2
	one.Init.Weights, _ = pretrained(t, one.Model, []string{"a", "b"}, nil)
	if _, err := Run(context.Background(), one); err != nil {
		t.Fatal(err)
	}
	const limit = 5 * time.Second // of a step, also under the race detector
	job := one
	job.Dir, job.Train.GradAccumSteps, job.Config.Cluster.Timeout = filepath.Join(t.TempDir(), "run"), 1, limit
	_, errs := onRanks(context.Background(), job, 2, func(rank int, j *Job) {
		if rank == 0 {
			j.Reporter = slowToFit{Duration: limit + time.Second}
		}
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, one, rundir.Last), read(t, job, rundir.Last)) {
		t.Error("two ranks end with other weights than one")
	}
}

func TestFrozenBatchNormKeepsItsStatisticsWhileItsShiftLearns(t *testing.T) {
	job := tinyJob(t)
	job.Model.Aux, job.Model.InputSize = model.AuxBatchNorm, 75
	job.Train.BatchNorm, job.Train.MaxSteps, job.EMA.Decay = BatchNormFrozen, 2, 0
	r := opened(t, job)
	before := r.weights.Clone()
	if _, err := r.loop(context.Background()); err != nil {
		t.Fatal(err)
	}
	for i, p := range r.weights.Params {
		if p.Kind == ops.Gamma { // a scale of 1 does not show the first steps, which are small
			continue
		}
		kept := slices.Equal(p.Data, before.Params[i].Data)
		if want := (p.Kind == ops.RunningMean || p.Kind == ops.RunningVar) && !p.Aux; kept != want {
			t.Errorf("%s: kept %t, want %t", p.Name, kept, want)
		}
	}
	if r.movesStatistics() {
		t.Error("statistics that nothing moves are said to move")
	}
}

func TestEpochsAndBatchNormFollowTheNumberOfImages(t *testing.T) {
	for _, c := range []struct {
		images, epochs, recalibrate int
		norm                        string
	}{
		{1, 50, 0, BatchNormFrozen}, {144, 50, 0, BatchNormFrozen}, {400, 30, 0, BatchNormFrozen},
		{1999, 13, 0, BatchNormFrozen}, {2000, 13, 50, BatchNormBatch}, {10000, 6, 50, BatchNormBatch},
		{1000000, 3, 50, BatchNormBatch},
	} {
		o := LoopOptions{BatchNorm: BatchNormAuto}.For(c.images)
		if o.Epochs != c.epochs || o.BatchNorm != c.norm || o.BNRecalibrate != c.recalibrate {
			t.Errorf("%d images: %d epochs, %s, recalibrated on %d; want %+v", c.images, o.Epochs, o.BatchNorm, o.BNRecalibrate, c)
		}
	}
	given := LoopOptions{Epochs: 7, BatchNorm: BatchNormAuto, BNRecalibrate: 9}.For(5000)
	if given.Epochs != 7 || given.BNRecalibrate != 9 {
		t.Errorf("what is given becomes %+v", given)
	}
	if o := (LoopOptions{Epochs: 7, BatchNorm: BatchNormBatch}).For(10); o.BatchNorm != BatchNormBatch {
		t.Errorf("batch norm by the batch becomes %s", o.BatchNorm)
	}
}
