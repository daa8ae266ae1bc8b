package train

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/rundir"
)

// bf16Job is a tinyJob in bf16, with all that a recipe may add to it.
func bf16Job(t *testing.T) Job {
	job := tinyJob(t)
	job.Train.Precision, job.Train.Epochs, job.Emulate = model.BF16.String(), 1, true
	job.LabelSmoothing.Epsilon, job.Data.Augment.Mixup = 0.1, 0.5
	return job
}

// A run in bf16 that is stopped and resumed ends with the bits of one that is not.
func TestBF16Resumes(t *testing.T) {
	whole, parts := bf16Job(t), bf16Job(t)
	parts.Dir = filepath.Join(t.TempDir(), "run")
	if _, err := Run(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	parts.Train.MaxSteps = 2
	if _, err := Run(context.Background(), parts); err != nil {
		t.Fatal(err)
	}
	parts.Train.MaxSteps, parts.Resume = 0, true
	if _, err := Run(context.Background(), parts); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, whole, rundir.LastRaw), read(t, parts, rundir.LastRaw)) {
		t.Error("the resumed run ends with other weights")
	}
	other := bf16Job(t)
	other.Train.Precision = model.FP32.String()
	if _, err := Run(context.Background(), other); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(read(t, whole, rundir.LastRaw), read(t, other, rundir.LastRaw)) {
		t.Error("bf16 gives the weights of fp32")
	}
}

// warnings collects what a run warns of.
type warnings struct {
	Silence
	all []string
}

func (w *warnings) Warn(text string) { w.all = append(w.all, text) }

// A run may go on in another precision, and says so.
func TestResumingInAnotherPrecisionWarns(t *testing.T) {
	job := bf16Job(t)
	job.Train.MaxSteps = 1
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	heard := &warnings{}
	job.Resume, job.Train.MaxSteps, job.Train.Precision, job.Reporter = true, 2, model.FP32.String(), heard
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(heard.all, "\n"); !strings.Contains(all, "train.precision is fp32, the run had bf16") {
		t.Errorf("warnings are %q", all)
	}
}
