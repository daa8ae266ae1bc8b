package train

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/weights"
)

// onRanks runs a job on so many ranks that are goroutines; change may make that
// of a rank another.
func onRanks(ctx context.Context, job Job, ranks int, change func(rank int, j *Job)) (results []Result, errs []error) {
	results, errs = make([]Result, ranks), make([]error, ranks)
	var all sync.WaitGroup
	for rank, c := range cluster.InProcess(ranks) {
		all.Go(func() {
			own := job
			own.Cluster = c
			if change != nil {
				change(rank, &own)
			}
			results[rank], errs[rank] = Run(ctx, own)
		})
	}
	all.Wait()
	return results, errs
}

// shardedJob uses all that depends on the division into shards: mixing,
// dropout, batch norm, its recalibration, a last update of fewer batches, and
// an image that cannot be read.
func shardedJob(t *testing.T, each int) Job {
	job := tinyJob(t)
	job.Data.Train = "shapes:?train=54&val=13&size=32" // 13 batches of 4: three updates of 4 shards and one of 1
	job.Train.BatchSize, job.Train.GradAccumSteps, job.Train.Epochs = 4, each, 2
	job.Model.Dropout, job.Train.BNRecalibrate, job.Train.LogEvery = 0.3, 3, 2
	job.Data.Augment = dataset.Augment{Scale: [2]float64{0.5, 1}, Ratio: [2]float64{0.8, 1.25}, HFlip: 0.5, Mixup: 0.3, Cutmix: 0.4}
	return job
}

// The number of ranks cannot be seen in the result.
func TestRanksEndWithTheBitsOfOneProcess(t *testing.T) {
	one := shardedJob(t, 4)
	if _, err := Run(context.Background(), one); err != nil {
		t.Fatal(err)
	}
	for _, ranks := range []int{2, 4} {
		job := shardedJob(t, 4/ranks)
		if _, errs := onRanks(context.Background(), job, ranks, nil); errors.Join(errs...) != nil {
			t.Fatal(errs)
		}
		sameRun(t, one, job)
	}
}

// Three ranks with two shards each: the tree has a gap.
func TestSixShardsOnThreeRanks(t *testing.T) {
	one := shardedJob(t, 6)
	if _, err := Run(context.Background(), one); err != nil {
		t.Fatal(err)
	}
	job := shardedJob(t, 2)
	if _, errs := onRanks(context.Background(), job, 3, nil); errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	sameRun(t, one, job)
}

// Ranks may also share the batches that the configuration gives one process.
func TestRanksShareTheShardsOfAJob(t *testing.T) {
	one := shardedJob(t, 4)
	if _, err := Run(context.Background(), one); err != nil {
		t.Fatal(err)
	}
	job := shardedJob(t, 4)
	job.Shards = 4
	if _, errs := onRanks(context.Background(), job, 2, nil); errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	sameRun(t, one, job)
	if a, b := read(t, one, rundir.Config), read(t, job, rundir.Config); !bytes.Equal(a, b) {
		t.Error("the configurations differ")
	}
	job.Dir = filepath.Join(t.TempDir(), "run")
	_, errs := onRanks(context.Background(), job, 3, nil)
	for _, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "3 ranks cannot share an update of so many batches; [1 2 4] can") {
			t.Errorf("three ranks: %v", err)
		}
	}
}

// A run that is stopped on four ranks goes on with two, and then with one, to
// the same end.
func TestARunGoesOnWithFewerRanks(t *testing.T) {
	whole := shardedJob(t, 4)
	if _, err := Run(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	parts := shardedJob(t, 1)
	for _, ranks := range []int{4, 2} {
		ctx, cancel := context.WithCancelCause(context.Background())
		results, errs := onRanks(ctx, parts, ranks, func(rank int, j *Job) {
			if rank == 0 {
				j.Reporter = &stopper{left: 3, cancel: cancel}
			}
		})
		for rank, err := range errs {
			if !errors.Is(err, errStop) || results[rank].Exit != ExitInterrupted {
				t.Fatalf("rank %d of %d: %+v, %v", rank, ranks, results[rank], err)
			}
		}
		parts.Resume = true
	}
	if _, err := Run(context.Background(), parts); err != nil {
		t.Fatal(err)
	}
	sameRun(t, whole, parts)
	// How the ranks shared the updates is not a setting: the run may go on with others.
	if config := read(t, parts, rundir.Config); !bytes.Contains(config, []byte("grad_accum_steps: 1\n")) {
		t.Errorf("the configuration has changed: %s", config)
	}
}

func sameRun(t *testing.T, a, b Job) {
	t.Helper()
	for _, file := range []string{rundir.Last, rundir.LastRaw, rundir.Best, rundir.Predictions} {
		if !bytes.Equal(read(t, a, file), read(t, b, file)) {
			t.Errorf("%s differs", file)
		}
	}
	sameMetrics(t, a, b)
}

// A signal that reaches one rank alone stops all of them.
func TestOneRankStopsAll(t *testing.T) {
	stopped, cancel := context.WithCancelCause(context.Background())
	cancel(errStop)
	job := shardedJob(t, 1)
	results, errs := make([]Result, 3), make([]error, 3)
	var all sync.WaitGroup
	for rank, c := range cluster.InProcess(3) {
		all.Go(func() {
			own, ctx := job, context.Background()
			if own.Cluster = c; rank == 1 {
				ctx = stopped
			}
			results[rank], errs[rank] = Run(ctx, own)
		})
	}
	all.Wait()
	for rank, err := range errs {
		if want := []error{errStopped, errStop, errStopped}[rank]; !errors.Is(err, want) || results[rank].Exit != ExitInterrupted {
			t.Errorf("rank %d: %+v, %v", rank, results[rank], err)
		}
	}
}

func TestRanksThatDifferAreRefused(t *testing.T) {
	for want, change := range map[string]func(*Job){
		"optimizer.lr: is 0.01 on rank 0 on here and 0.5 on rank 2 on here": func(j *Job) { j.Optimizer.LR = 0.5 },
		"data.train: is shapes:?train=54&val=13&size=32 on rank 0 on here":  func(j *Job) { j.Data.Train = "shapes:?train=58&val=13&size=32" },
		"the run folder differs": func(j *Job) { j.Dir = filepath.Join(filepath.Dir(j.Dir), "other") },
	} {
		job := shardedJob(t, 1)
		_, errs := onRanks(context.Background(), job, 3, func(rank int, j *Job) {
			if rank == 2 {
				change(j)
			}
		})
		for rank, err := range errs {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("rank %d: error is %v, want %q", rank, err, want)
			}
		}
		if rundir.HoldsRun(job.Dir) {
			t.Error("a run has been begun")
		}
	}
}

// What fails on one rank ends the run on all, with that rank's words.
func TestAnErrorOfOneRankIsOneOfAll(t *testing.T) {
	job := shardedJob(t, 1)
	_, errs := onRanks(context.Background(), job, 2, func(rank int, j *Job) {
		if rank == 1 {
			j.Init.Weights = filepath.Join(t.TempDir(), "missing.safetensors")
		}
	})
	for rank, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "missing.safetensors") {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}

func TestRanksThatCannotShareAreRefused(t *testing.T) {
	job := shardedJob(t, 3)
	_, errs := onRanks(context.Background(), job, 2, nil)
	for _, err := range errs {
		var wrong *settings.KeyError
		if !errors.As(err, &wrong) && (err == nil || !strings.Contains(err.Error(), "the nearest are 2 and 4")) {
			t.Errorf("three batches on each of two ranks: %v", err)
		}
	}
	job = shardedJob(t, 1)
	ctx, cancel := context.WithCancelCause(context.Background())
	onRanks(ctx, job, 4, func(rank int, j *Job) {
		if rank == 0 {
			j.Reporter = &stopper{left: 1, cancel: cancel}
		}
	})
	job.Resume = true
	_, errs = onRanks(context.Background(), job, 3, nil)
	if slices.ContainsFunc(errs, func(err error) bool {
		return err == nil || !strings.Contains(err.Error(), "updates are of 4 batches, which 3 ranks cannot share; resume on 2")
	}) {
		t.Errorf("four shards on three ranks: %v", errs)
	}
}

// With synchronised batch norm two ranks train as one process does with a batch
// twice as large, up to rounding; the last update of an epoch has one batch.
func TestSyncBatchNormIsThatOfOneLargeBatch(t *testing.T) {
	make := func(batch int) Job {
		job := tinyJob(t)
		job.Data.Train = "shapes:?train=72&val=13&size=32"
		job.Train.BatchSize, job.Train.Epochs, job.Train.SyncBatchNorm = batch, 1, true
		job.Optimizer.Name, job.Optimizer.LR, job.Model.Dropout = optimize.SGD, 0.5, 0
		return job
	}
	one, two, three := make(16), make(8), make(8)
	one.Train.MaxSteps, two.Train.MaxSteps = 1, 1 // more would make rounding grow
	if _, err := Run(context.Background(), one); err != nil {
		t.Fatal(err)
	}
	if _, errs := onRanks(context.Background(), two, 2, nil); errors.Join(errs...) != nil {
		t.Fatal(errs)
	}
	a, b := loadedWeights(t, one), loadedWeights(t, two)
	for i, p := range a.Params {
		for k, v := range p.Data {
			if w := b.Params[i].Data[k]; math.Abs(float64(v-w)) > 1e-5*math.Max(1, math.Abs(float64(v))) {
				t.Fatalf("%s: value %d is %g on one rank, %g on two", p.Name, k, v, w)
			}
		}
	}
	if _, errs := onRanks(context.Background(), three, 2, nil); errors.Join(errs...) != nil {
		t.Errorf("with a last update of one batch: %v", errs)
	}
	three.Train.GradAccumSteps, three.Dir = 2, filepath.Join(t.TempDir(), "run")
	_, errs := onRanks(context.Background(), three, 2, nil)
	for _, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "use 4 ranks") {
			t.Errorf("with accumulation: %v", err)
		}
	}
}

func loadedWeights(t *testing.T, job Job) *model.Weights {
	t.Helper()
	w, _, err := weights.Load(filepath.Join(job.Dir, rundir.LastRaw))
	if err != nil {
		t.Fatal(err)
	}
	return w
}
