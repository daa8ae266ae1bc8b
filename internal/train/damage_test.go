package train

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/rundir"
)

// damagedJob trains on a copy of 21 pictures, of which 1/3.png is damaged.
func damagedJob(t *testing.T) (job Job, damaged string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../dataset/testdata/folders/one_damaged")); err != nil {
		t.Fatal(err)
	}
	job = tinyJob(t)
	job.Data.Train, job.Data.ValFraction = dir, 0
	job.Train.BatchSize, job.Train.Epochs = 4, 2
	src, err := dataset.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var image *dataset.ImageError
	if found := dataset.Verify(context.Background(), src.Train, nil); len(found.Unreadable) != 1 {
		t.Fatalf("%d pictures cannot be read, want 1", len(found.Unreadable))
	} else if !errors.As(found.Unreadable[0], &image) {
		t.Fatal("the error names no image")
	}
	return job, image.Name
}

func TestOneDamagedPictureDoesNotEndATraining(t *testing.T) {
	job, damaged := damagedJob(t)
	heard := &notes{}
	job.Reporter = heard
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(heard.text(), damaged); n != 1 {
		t.Errorf("the damaged file is named %d times: %s", n, heard.text())
	}
	for _, want := range []string{"inception dataset verify " + job.Data.Train + " names all",
		"of 21 training images 1 could not be read and were skipped, 0 are damaged"} {
		if strings.Count(heard.text(), want) != 1 {
			t.Errorf("%q is not said once: %s", want, heard.text())
		}
	}
	opened, err := open(context.Background(), Job{Config: job.Config, Dir: filepath.Join(t.TempDir(), "run"), Reporter: heard})
	if err != nil {
		t.Fatal(err)
	}
	opened.close()
	if n := strings.Count(heard.text(), damaged); n != 2 {
		t.Errorf("the damaged file is not named before the first step: %s", heard.text())
	}
	for name, c := range map[string]struct {
		change func(*Job)
		want   string
	}{
		"by on_error":   {func(j *Job) { j.Data.OnError = dataset.OnErrorFail }, "set data.on_error: skip"},
		"by max_errors": {func(j *Job) { j.Data.MaxErrors = 0 }, "1 of 21 training images cannot be read"},
	} {
		job := job
		job.Dir = filepath.Join(t.TempDir(), "run")
		c.change(&job)
		_, err := Run(context.Background(), job)
		for _, want := range []string{c.want, damaged, "inception dataset verify " + job.Data.Train} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, want %q", name, err, want)
			}
		}
		if rundir.HoldsRun(job.Dir) {
			t.Errorf("%s: the run has begun", name)
		}
	}
}

// A picture whose header is whole is found damaged when it is decoded.
func cutOff(t *testing.T, path string) {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes()[:45], 0o666); err != nil {
		t.Fatal(err)
	}
}

// damaging damages a file after the first update.
type damaging struct {
	notes
	t    *testing.T
	file string
}

func (d *damaging) Step(Status) { cutOff(d.t, d.file) }

// A training that ends inside an epoch validates after its last update.
func TestWhatIsSkippedIsCountedAfterTheLastValidation(t *testing.T) {
	job, _ := damagedJob(t)
	other, _ := damagedJob(t)
	job.Data.Val, job.Train.MaxSteps = other.Data.Train, 1
	heard := &damaging{t: t, file: filepath.Join(job.Data.Val, "2/5.png")}
	job.Reporter = heard
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"of 21 training images ", "of 21 validation images 2 could not be read"} {
		if strings.Count(heard.text(), want) != 1 {
			t.Errorf("%q is not said once: %s", want, heard.text())
		}
	}
}

func TestTooManyDamagedPicturesEndATraining(t *testing.T) {
	job, _ := damagedJob(t)
	for _, name := range []string{"0/0.png", "2/5.png"} {
		cutOff(t, filepath.Join(job.Data.Train, name))
	}
	_, err := Run(context.Background(), job)
	if err == nil || !strings.Contains(err.Error(), "3 of 21 training images cannot be read, more than data.max_errors (0.05)") {
		t.Errorf("error is %v", err)
	}
	job.Resume, job.Data.MaxErrors = true, 0.2
	if _, err := Run(context.Background(), job); err != nil {
		t.Errorf("with a larger share it does not go on: %v", err)
	}
}

func TestATrainingNeedsAPictureThatCanBeRead(t *testing.T) {
	job, damaged := damagedJob(t)
	job.Data.MaxErrors = 1
	all, err := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(damaged)), "*", "*"))
	if err != nil || len(all) < 2 {
		t.Fatal(all, err)
	}
	for _, path := range all {
		if err := os.WriteFile(path, []byte("hello"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Run(context.Background(), job); err == nil || !strings.Contains(err.Error(), "training images can be read") {
		t.Errorf("error is %v", err)
	}
}

func TestDamagedValidationPicturesAreSkippedToo(t *testing.T) {
	job, damaged := damagedJob(t)
	job.Data.Val, job.Data.Train = job.Data.Train, "../dataset/testdata/folders/one_damaged"
	heard := &notes{}
	job.Reporter = heard
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(heard.text(), damaged); n != 1 {
		t.Errorf("the damaged file is named %d times: %s", n, heard.text())
	}
}

// breaking damages a picture while a run is under way.
type breaking struct {
	Silence
	t    *testing.T
	path string
}

func (b breaking) Step(s Status) {
	if s.Epoch == 1 && s.Step == 1 {
		cutOff(b.t, b.path)
	}
}

// A run that a damaged picture has ended goes on whatever is done about it.
func TestARunGoesOnAfterADamagedPictureWasDealtWith(t *testing.T) {
	for name, deal := range map[string]func(job *Job, damaged, good string) error{
		"mended": func(_ *Job, damaged, good string) error {
			data, err := os.ReadFile(good)
			if err != nil {
				return err
			}
			return os.WriteFile(damaged, data, 0o666)
		},
		"removed": func(_ *Job, damaged, _ string) error { return os.Remove(damaged) },
		"renamed": func(_ *Job, damaged, _ string) error { return os.Rename(damaged, damaged+".bad") },
		"skipped": func(job *Job, _, _ string) error { job.Data.OnError = dataset.OnErrorSkip; return nil },
	} {
		job, damaged := damagedJob(t)
		if err := os.Remove(damaged); err != nil {
			t.Fatal(err)
		}
		late, good := filepath.Join(job.Data.Train, "0", "2.png"), filepath.Join(job.Data.Train, "0", "3.png")
		job.Data.OnError, job.Train.CheckpointEvery = dataset.OnErrorFail, 1
		job.Reporter = breaking{t: t, path: late}
		if _, err := Run(context.Background(), job); err == nil || !strings.Contains(err.Error(), late) {
			t.Fatalf("%s: error is %v, want one about %s", name, err, late)
		}
		if err := deal(&job, late, good); err != nil {
			t.Fatal(err)
		}
		job.Resume, job.Reporter = true, nil
		result, err := Run(context.Background(), job)
		if err != nil || result.Exit != ExitEpochs {
			t.Errorf("%s: the run ends with %+v, %v", name, result, err)
		}
	}
}

func TestARunThatGoesOnWithOtherImagesSaysSo(t *testing.T) {
	job, damaged := damagedJob(t)
	stopAfter(t, job, 2)
	for _, c := range []struct {
		name string
		act  func() error
		want string
	}{
		{"renamed", func() error { return os.Rename(damaged, filepath.Join(filepath.Dir(damaged), "new.png")) },
			"some have other names or classes"},
		{"removed", func() error { return os.Remove(filepath.Join(filepath.Dir(damaged), "new.png")) },
			"20 training images, the run had 21"},
	} {
		if err := c.act(); err != nil {
			t.Fatal(err)
		}
		heard := &notes{}
		job.Resume, job.Reporter, job.Train.MaxSteps = true, heard, 3
		if _, err := Run(context.Background(), job); err != nil || !strings.Contains(heard.text(), c.want) {
			t.Errorf("%s: %v, says %q, want %q", c.name, err, heard.text(), c.want)
		}
	}
}

func TestAResumedRunSaysWhichImagesHaveLeftValidation(t *testing.T) {
	job := tinyJob(t)
	job.Data.Train, job.Data.Val = t.TempDir(), dataset.ValHoldOut
	for i := range 16 {
		grey(t, filepath.Join(job.Data.Train, strconv.Itoa(i%2), strconv.Itoa(i)+".png"))
	}
	stopAfter(t, job, 1)
	opened, err := dataset.OpenTraining(job.Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(opened.Train.Name(0)); err != nil {
		t.Fatal(err)
	}
	job.Data.MaxErrors = 0.2
	heard := &notes{}
	job.Resume, job.Reporter = true, heard
	_, err = Run(context.Background(), job)
	want := "1 would have been held out for validation and are trained on from here, such as "
	if err != nil || !strings.Contains(heard.text(), want) || strings.Contains(heard.text(), "are held out now") {
		t.Errorf("%v, says %q, want %q", err, heard.text(), want)
	}
	heard = &notes{}
	job.Reporter, job.Train.Epochs = heard, job.Train.Epochs+1
	if _, err = Run(context.Background(), job); err != nil || strings.Contains(heard.text(), "would have been held out") {
		t.Errorf("once more: %v, says %q", err, heard.text())
	}
}

// grey writes a small picture.
func grey(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
