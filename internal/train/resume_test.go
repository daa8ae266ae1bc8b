package train

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/rundir"
)

func TestResumeRefusesWhatWouldMakeAnotherRun(t *testing.T) {
	job := tinyJob(t)
	job.Train.GradAccumSteps = 2
	job.Train.Epochs = 1
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	job.Resume = true
	job.Train.Epochs = 2
	config := read(t, job, rundir.Config)
	for name, c := range map[string]struct {
		change func(*Job)
		want   string
	}{
		"batch and accumulation swapped": {func(j *Job) { j.Train.BatchSize, j.Train.GradAccumSteps = 2, 8 },
			"began with 8 (and 2)"},
		"another seed": {func(j *Job) { j.Train.Seed = 7 }, "train.seed: is 7, but the run began with 1"},
		"other images": {func(j *Job) { j.Data.Train = "shapes:?train=60&val=13&size=32" },
			"has 60 training images, but the run began with 44"},
		"another model": {func(j *Job) { j.Model.Dropout = 0.5 },
			"model.dropout is 0.2 there, 0.5 in the configuration"},
		"another stem": {func(j *Job) { j.Model.Stem.Conv = "7x7" },
			"model.stem.conv is 3x3 there, 7x7 in"},
		"an optimizer that needs more": {func(j *Job) { j.Optimizer.Name = optimize.AdamW },
			"optimizer.name: is adamw, but the run began with rmsprop"},
		"an optimizer that needs less": {func(j *Job) { j.Optimizer.Name = optimize.SGD }, "optimizer.name: is sgd"},
		"no average":                   {func(j *Job) { j.EMA.Decay = 0 }, "ema.decay: is 0"},
		"frozen layers":                {func(j *Job) { j.Train.Freeze = []string{"Conv2d"} }, "train.freeze"},
	} {
		other := job
		c.change(&other)
		if _, err := Run(context.Background(), other); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
		if !bytes.Equal(read(t, job, rundir.Config), config) {
			t.Errorf("%s: the configuration in the folder has changed", name)
		}
	}
	if result, err := Run(context.Background(), job); err != nil || result.Exit != ExitEpochs {
		t.Fatalf("one epoch more gives %+v, %v", result, err)
	}
	if got := string(read(t, job, rundir.Config)); got != string(job.Absolute().YAML()) || got == string(config) {
		t.Errorf("the folder's configuration is still %q", got)
	}
}

func TestResumeRefusesToHoldOutImagesThatWereTrainedOn(t *testing.T) {
	job := tinyJob(t)
	job.Data.Val = dataset.ValHoldOut
	stopAfter(t, job, 2)
	job.Resume = true
	for want, change := range map[string]func(*dataset.Options){
		"data.val_seed: is 2, but the run began with 1":           func(o *dataset.Options) { o.ValSeed = 2 },
		"data.val_fraction: is 0.21, but the run began with 0.2;": func(o *dataset.Options) { o.ValFraction = 0.21 },
	} {
		other := job
		change(&other.Data)
		if _, err := Run(context.Background(), other); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if _, err := Run(context.Background(), job); err != nil {
		t.Error(err)
	}
}

func TestResumeRefusesClassesOfOtherNames(t *testing.T) {
	job, _ := damagedJob(t)
	stopAfter(t, job, 2)
	last := filepath.Join(job.Data.Train, "2")
	if err := os.Rename(last, filepath.Join(job.Data.Train, "0a")); err != nil {
		t.Fatal(err)
	}
	job.Resume = true
	_, err := Run(context.Background(), job)
	if want := `has "0a" as class 2 of 3, but the run began with "1"`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want %q", err, want)
	}
	if err := os.Rename(filepath.Join(job.Data.Train, "0a"), last); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), job); err != nil {
		t.Error(err)
	}
}

func TestAResumedRunThatHasEndedSaysSo(t *testing.T) {
	job := tinyJob(t)
	job.Train.MaxSteps = 2
	const nothing = "nothing is left to train"
	for _, c := range []struct {
		name   string
		resume bool
		steps  int
		want   string
	}{
		{"new", false, 2, ""}, {"ended", true, 2, nothing + ": train.max_steps is reached"}, {"goes on", true, 3, ""},
	} {
		heard := &notes{}
		job.Resume, job.Train.MaxSteps, job.Reporter = c.resume, c.steps, heard
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		if said := strings.Contains(heard.text(), nothing); said != (c.want != "") || !strings.Contains(heard.text(), c.want) {
			t.Errorf("%s: says %q, want %q", c.name, heard.text(), c.want)
		}
	}
}

// killed ends a run as a signal would that cannot be caught.
type killed struct{ Silence }

func (killed) Step(Status) { panic(killed{}) }

func TestARunKilledBeforeItsFirstCheckpointKeepsItsInitialWeights(t *testing.T) {
	from := tinyJob(t)
	from.Train.MaxSteps = 1
	if _, err := Run(context.Background(), from); err != nil {
		t.Fatal(err)
	}
	whole := tinyJob(t)
	whole.Train.Seed, whole.Init.Weights = 2, from.Dir
	whole.Train.Epochs = 1
	parts := whole
	parts.Dir = filepath.Join(t.TempDir(), "run")
	if _, err := Run(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if _, ok := recover().(killed); !ok {
				t.Fatal("the run was not killed")
			}
		}()
		parts.Reporter = killed{}
		_, _ = Run(context.Background(), parts)
	}()
	parts.Reporter, parts.Init, parts.Resume = nil, Init{}, true
	if _, err := Run(context.Background(), parts); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, whole, rundir.LastRaw), read(t, parts, rundir.LastRaw)) {
		t.Error("the resumed run ends with other weights")
	}
}

func TestARunWithoutItsCheckpointIsLeftAsItIs(t *testing.T) {
	job := tinyJob(t)
	job.Train.Epochs = 1
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(job.Dir, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	best, metrics := read(t, job, rundir.Best), read(t, job, rundir.Metrics)
	job.Resume = true
	if _, err := Run(context.Background(), job); err == nil || !strings.Contains(err.Error(),
		"holds a run without its checkpoint") {
		t.Errorf("error is %v", err)
	}
	if !bytes.Equal(read(t, job, rundir.Best), best) || !bytes.Equal(read(t, job, rundir.Metrics), metrics) {
		t.Error("its files have changed")
	}
}

func TestBestWeightsGoBackToTheCheckpointWithTheRest(t *testing.T) {
	epoch := tinyJob(t)
	epoch.Train.Epochs = 1
	if _, err := Run(context.Background(), epoch); err != nil {
		t.Fatal(err)
	}
	for steps, want := range map[int][]byte{2: nil, 7: read(t, epoch, rundir.Best)} { // an epoch has 5
		job := tinyJob(t)
		job.Train.MaxSteps = steps
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		// As if the validation after the last step had been the best.
		if err := os.WriteFile(filepath.Join(job.Dir, rundir.Best), []byte("later"), 0o666); err != nil {
			t.Fatal(err)
		}
		job.Resume, job.Train.MaxSteps = true, 0
		r, err := open(context.Background(), job)
		if err != nil {
			t.Fatal(err)
		}
		r.close()
		got, err := os.ReadFile(filepath.Join(job.Dir, rundir.Best))
		if (err != nil) != (want == nil) || !bytes.Equal(got, want) {
			t.Errorf("stopped after %d steps: the best weights are %d bytes (%v), want the %d of the checkpoint", steps,
				len(got), err, len(want))
		}
	}
}

func TestTheNewestUnfinishedRunIsNotOneAtWork(t *testing.T) {
	root := t.TempDir()
	stopped := tinyJob(t)
	stopped.Dir = filepath.Join(root, "stopped")
	stopAfter(t, stopped, 1)
	working := tinyJob(t)
	working.Dir = filepath.Join(root, "working")
	r, err := open(context.Background(), working)
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(working.Dir, rundir.Config), later, later); err != nil {
		t.Fatal(err)
	}
	if dir, err := NewestUnfinished(root); err != nil || dir != stopped.Dir {
		t.Errorf("while the other works it is %s, %v", dir, err)
	}
	r.close()
	if dir, err := NewestUnfinished(root); err != nil || dir != working.Dir {
		t.Errorf("when the other has ended it is %s, %v", dir, err)
	}
}

func TestATimeTooShortForACosineIsSaidEarly(t *testing.T) {
	for name, c := range map[string]struct {
		limit    time.Duration
		schedule string
		done     int // updates, of 100
		want     string
	}{
		"half of it":          {55 * time.Second, optimize.Cosine, 0, "train.epochs: 5 would"},
		"half of it, later":   {55 * time.Second, optimize.Cosine, 20, "train.epochs: 7 would"},
		"less than one epoch": {5500 * time.Millisecond, optimize.Cosine, 0, "train.max_steps: 5 would"},
		"enough":              {110 * time.Second, optimize.Cosine, 0, ""},
		"all is done":         {time.Nanosecond, optimize.Cosine, 100, ""},
		"no limit":            {0, optimize.Cosine, 0, ""},
		"some other schedule": {55 * time.Second, optimize.Staircase, 0, ""},
	} {
		heard := &notes{}
		r := run{learner: &learner{shards: 1, data: trainingData{batches: 10}}, reporter: heard}
		r.recipe = DefaultRecipe()
		r.recipe.Train.Epochs, r.recipe.Train.MaxTime, r.recipe.Schedule.Name = 10, c.limit, c.schedule
		r.at.Step = c.done
		r.clock.start(0)
		r.clock.step(time.Second) // of 100
		r.adviseTime()
		if got := strings.Join(heard.all, "\n"); !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
			t.Errorf("%s: says %q, want %q", name, got, c.want)
		}
	}
}
