package train

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
)

// epochs keeps the summaries of a run.
type epochs struct {
	notes
	heard []EpochSummary
	steps []Status
}

func (e *epochs) Epoch(s EpochSummary) { e.heard = append(e.heard, s) }
func (e *epochs) Step(s Status)        { e.steps = append(e.steps, s) }

func metricsOf(t *testing.T, job Job) []report.Line {
	t.Helper()
	lines, err := report.ReadMetrics(filepath.Join(job.Dir, rundir.Metrics))
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// validated lists the epochs of a run's validations.
func validated(t *testing.T, job Job) (at []int) {
	t.Helper()
	for _, line := range metricsOf(t, job) {
		if line.Split == "val" {
			at = append(at, line.Epoch)
		}
	}
	return at
}

// An epoch's line is of all its images, however often lines are written to the
// metrics, where the run ends, and whether it was resumed inside the epoch.
func TestAnEpochsSummaryIsItsMeanWhateverLogEveryIs(t *testing.T) {
	var want []EpochSummary
	for _, c := range []struct {
		logEvery, maxSteps, stopAfter int
	}{{0, 0, 0}, {1, 0, 0}, {2, 0, 0}, {5, 0, 0}, {3, 0, 0}, {2, 0, 3}, {2, 0, 4}, {0, 12, 0}, {2, 12, 0}, {1, 12, 0}, {1, 12, 11}} {
		job := tinyJob(t)
		job.Train.LogEvery, job.Train.MaxSteps = c.logEvery, c.maxSteps
		heard := &epochs{}
		if c.stopAfter > 0 {
			ctx, cancel := context.WithCancelCause(context.Background())
			before := job
			before.Reporter = &both{heard, &stopper{left: c.stopAfter, cancel: cancel}}
			if _, err := Run(ctx, before); err == nil {
				t.Fatal("was not stopped")
			}
			job.Resume = true
		}
		job.Reporter = heard
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		if len(heard.heard) != 3 {
			t.Fatalf("%+v: %d summaries", c, len(heard.heard))
		}
		if want == nil {
			want = heard.heard
		}
		if last := heard.steps[len(heard.steps)-1]; math.Abs(last.Loss-heard.heard[2].Train.Loss) > 1e-12 {
			t.Errorf("%+v: the bar ends at loss %g, the epoch's line says %g", c, last.Loss, heard.heard[2].Train.Loss)
		}
		for i, s := range heard.heard {
			if s.Train == nil || s.Train.ImagesPerS <= 0 || s.Train.LR != want[i].Train.LR || s.Epoch != i+1 {
				t.Fatalf("%+v: epoch %d is %+v, %+v", c, i+1, s, s.Train)
			}
			if i == 2 && c.maxSteps > 0 {
				continue // two of five updates
			}
			if s.Train.Loss != want[i].Train.Loss || s.Train.Top1 != want[i].Train.Top1 {
				t.Errorf("%+v: epoch %d has loss %g and top-1 %g, want %g and %g", c, i+1, s.Train.Loss, s.Train.Top1,
					want[i].Train.Loss, want[i].Train.Top1)
			}
		}
		lines := metricsOf(t, job)
		if c.maxSteps > 0 && c.logEvery == 1 { // the last two lines of training are one update each
			mean := (lines[len(lines)-3].Loss + lines[len(lines)-2].Loss) / 2
			if got := heard.heard[2].Train.Loss; math.Abs(got-mean) > 1e-12 {
				t.Errorf("%+v: the last epoch has loss %g, want the mean %g", c, got, mean)
			}
		}
	}
}

// both tells two reporters.
type both struct {
	*epochs
	stop *stopper
}

func (b *both) Step(s Status) { b.epochs.Step(s); b.stop.Step(s) }

func TestValidationsComeEverySoManyEpochsAndAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		every, epochs, maxSteps int
		want                    []int
	}{
		{1, 3, 0, []int{1, 2, 3}},
		{2, 4, 0, []int{2, 4}},
		{2, 5, 0, []int{2, 4, 5}},
		{3, 2, 0, []int{2}},
		{0, 3, 0, []int{3}},
		{2, 9, 15, []int{2, 3}}, // 15 steps are three epochs
		{2, 9, 20, []int{2, 4}},
		{2, 9, 17, []int{2, 4}}, // inside the fourth
	} {
		job := tinyJob(t)
		job.Eval.Every, job.Train.Epochs, job.Train.MaxSteps = c.every, c.epochs, c.maxSteps
		heard := &epochs{}
		job.Reporter = heard
		result, err := Run(context.Background(), job)
		if err != nil {
			t.Fatal(err)
		}
		if got := validated(t, job); !slices.Equal(got, c.want) {
			t.Errorf("%+v: validated after the epochs %v", c, got)
		}
		if Validations(0, c.want[len(c.want)-1], c.every) != len(c.want) {
			t.Errorf("%+v: foretold are %d", c, Validations(0, c.want[len(c.want)-1], c.every))
		}
		for i, s := range heard.heard { // each epoch once, and in order
			if s.Epoch != i+1 || s.Train == nil || (s.Val != nil) != slices.Contains(c.want, i+1) {
				t.Errorf("%+v: summary %d is %+v", c, i+1, s)
			}
		}
		if !slices.Contains(c.want, result.BestEpoch) {
			t.Errorf("%+v: the best epoch is %d", c, result.BestEpoch)
		}
		if lines, ended, err := Final(job.Dir); err != nil || !ended || lines[len(lines)-1].Split != "val" {
			t.Errorf("%+v: the run does not end in a validation: %v", c, err)
		}
	}
}

func TestPatienceCountsEpochsThatAreNotValidatedToo(t *testing.T) {
	job := stillJob(t)
	job.Eval.Every, job.Train.Epochs, job.Train.Patience = 2, 20, 3
	result, err := Run(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	if result.Exit != ExitPatience || result.BestEpoch != 2 || result.Steps != 6*5 {
		t.Errorf("result is %+v; want an end after epoch 6, four after the best", result)
	}
}

// A run that ended between two validations and is resumed with more epochs is
// one that never ended, batch norm measured anew or not.
func TestAValidationAtTheEndAloneLeavesNoTraceInWhatFollows(t *testing.T) {
	job := tinyJob(t)
	job.Eval.Every, job.EMA.Decay, job.Train.BNRecalibrate, job.Train.LogEvery = 2, 0, 2, 3
	job.Train.Epochs = 6
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	parts := job
	parts.Dir = filepath.Join(t.TempDir(), "run")
	for _, epochs := range []int{1, 3, 4, 6} {
		parts.Train.Epochs = epochs
		if _, err := Run(context.Background(), parts); err != nil {
			t.Fatal(err)
		}
		if got := validated(t, parts); got[len(got)-1] != epochs {
			t.Errorf("a run of %d epochs ends with a validation after epoch %d", epochs, got[len(got)-1])
		}
		parts.Resume = true
	}
	for _, file := range []string{rundir.Last, rundir.Best} {
		if !bytes.Equal(read(t, job, file), read(t, parts, file)) {
			t.Errorf("%s differs", file)
		}
	}
	sameMetrics(t, job, parts)
}

func TestAValidationMayMeasureAPartOfTheImages(t *testing.T) {
	job := tinyJob(t)
	job.Data.Train = "shapes:?train=44&val=40&size=32"
	job.Eval.MaxImages, job.Train.Epochs = 20, 1
	heard := &epochs{}
	job.Reporter = heard
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(heard.text(), "validating on 20 of the 40 validation images (eval.max_images)") {
		t.Errorf("says %q", heard.all)
	}
	line := metricsOf(t, job)[1]
	if top1 := line.Top1 * 20; line.Split != "val" || math.Abs(top1-math.Round(top1)) > 1e-9 {
		t.Errorf("top-1 %g is not of 20 images", line.Top1)
	}
	o, err := Check(job)
	if err != nil || o.ValImages != 20 {
		t.Errorf("the outline has %d validation images, %v", o.ValImages, err)
	}
}

func TestMaxTimeIncludesTheValidationThatEndsTheRun(t *testing.T) {
	for _, c := range []struct {
		name                string
		elapsed, validation time.Duration // so far, of the last one
		fastest             time.Duration // update of 8 images
		images              int           // of a validation
		want                bool
	}{
		{"early", 10 * time.Second, 20 * time.Second, time.Second, 16, false},
		{"time for a validation and no more", 80 * time.Second, 20 * time.Second, time.Second, 16, true},
		{"a second more", 79 * time.Second, 20 * time.Second, time.Second, 16, false},
		{"not yet measured: half as long as training on the images", 94 * time.Second, 0, 4 * time.Second, 24, true},
		{"not yet measured, a second more", 93 * time.Second, 0, 4 * time.Second, 24, false},
		{"before the first update", 0, 0, 0, 1 << 20, false},
		{"a validation as long as all: half of it is for training", 49 * time.Second, time.Hour, time.Second, 16, false},
		{"and half for validation", 50 * time.Second, time.Hour, time.Second, 16, true},
		{"none", 99 * time.Second, 0, time.Second, 0, false},
		{"none, at the end", 100 * time.Second, 0, time.Second, 0, true},
	} {
		r := run{learner: &learner{shards: 2}}
		r.recipe.Train.MaxTime, r.recipe.Train.BatchSize, r.recipe.Train.GradAccumSteps = 100*time.Second, 4, 2
		r.recipe.Train.Epochs = 9
		r.clock.start(c.elapsed)
		r.clock.validation, r.clock.fastest = c.validation, c.fastest
		if c.images > 0 {
			r.data.val = counted{n: c.images}
		}
		if got := r.limit(context.Background(), 0) == ExitMaxTime; got != c.want {
			t.Errorf("%s: out of time: %t", c.name, got)
		}
	}
}

// counted is a set of which only the size matters.
type counted struct {
	dataset.Set
	n int
}

func (c counted) Len() int { return c.n }

func TestALongValidationIsWarnedOf(t *testing.T) {
	heard := &notes{}
	r := run{learner: &learner{shards: 1}, reporter: heard}
	r.recipe.Train.MaxTime = 10 * time.Second
	r.data.val = counted{n: 500}
	r.clock.start(0)
	r.clock.validation = 8 * time.Second
	r.adviseTime()
	want := "warning: a validation takes about 8s, more than half of train.max_time 10s, so the run will take longer; " +
		"set eval.max_images below 500 or allow more time\n"
	if heard.text() != want {
		t.Errorf("says %q", heard.text())
	}
}

func TestWhatABatchDoesToTheImagesIsSaidOnce(t *testing.T) {
	for _, c := range []struct {
		images, batch int
		want          string
	}{
		{44, 8, "an epoch has only full batches: of the 44 training images it leaves out 4, different ones each time"},
		{44, 43, "an epoch has only full batches: of the 44 training images it leaves out 1, different ones each time"},
		{40, 8, ""},
		{44, 44, ""},
		{10, 64, "a batch of 64 is more than the 10 training images: each epoch is one batch, " +
			"in which images repeat up to 7 times; train.batch_size 10 avoids that"},
	} {
		job := tinyJob(t)
		job.Data.Train = fmt.Sprintf("shapes:?train=%d&val=13&size=32", c.images)
		job.Train.BatchSize, job.Train.MaxSteps, job.Train.Epochs = c.batch, 1, 9
		said := func() (text string) {
			heard := &notes{}
			job.Reporter = heard
			if _, err := Run(context.Background(), job); err != nil {
				t.Fatal(err)
			}
			for _, note := range heard.all {
				if strings.Contains(note, "full batches") || strings.Contains(note, "a batch of") {
					text += note
				}
			}
			return text
		}
		if got := said(); got != c.want {
			t.Errorf("%d images in batches of %d: says %q, want %q", c.images, c.batch, got, c.want)
		}
		job.Resume, job.Train.MaxSteps = true, 2
		if got := said(); got != "" {
			t.Errorf("%d images in batches of %d: says %q again when it is resumed", c.images, c.batch, got)
		}
	}
}

func TestRandomWeightsAreNotTrainedAsPretrainedOnesWithoutAWarning(t *testing.T) {
	pretrained := tinyJob(t)
	pretrained.Train.MaxSteps = 1
	if _, err := Run(context.Background(), pretrained); err != nil {
		t.Fatal(err)
	}
	const meant = "is meant for pretrained ones; give --init WEIGHTS"
	for name, c := range map[string]struct {
		change func(*Job)
		want   string
	}{
		"as usual":        {func(*Job) {}, ""},
		"a faster head":   {func(j *Job) { j.Optimizer.HeadLRFactor = 10 }, "optimizer.head_lr_factor 10 " + meant},
		"frozen layers":   {func(j *Job) { j.Train.Freeze = []string{"Conv2d", "Mixed_5"} }, "train.freeze [Conv2d, Mixed_5] " + meant},
		"with weights":    {func(j *Job) { j.Optimizer.HeadLRFactor, j.Init.Weights = 10, pretrained.Dir }, ""},
		"with weights, 2": {func(j *Job) { j.Train.Freeze, j.Init.Weights = []string{"Conv2d"}, pretrained.Dir }, ""},
	} {
		job := tinyJob(t)
		c.change(&job)
		job.Train.MaxSteps = 1
		warned := func() string {
			heard := &notes{}
			job.Reporter = heard
			if _, err := Run(context.Background(), job); err != nil {
				t.Fatal(err)
			}
			at := strings.Index(heard.text(), "warning: training starts from random weights")
			if at < 0 {
				return ""
			}
			line, _, _ := strings.Cut(heard.text()[at:], "\n")
			return line
		}
		if got := warned(); (got == "") != (c.want == "") || !strings.HasSuffix(got, c.want) {
			t.Errorf("%s: says %q, want %q", name, got, c.want)
		}
		job.Resume, job.Init = true, Init{}
		job.Train.MaxSteps = 2
		if got := warned(); got != "" {
			t.Errorf("%s: says %q when it is resumed", name, got)
		}
	}
}
