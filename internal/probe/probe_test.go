package probe

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// job probes a network of random weights on drawn images.
func job(t *testing.T, aux string) Job {
	t.Helper()
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes, spec.Init = 48, 0.05, aux, 7, "he"
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	w, err := model.NewWeights(spec, 3)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := weights.Save(path, w, weights.Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(48)}); err != nil {
		t.Fatal(err)
	}
	data := dataset.DefaultOptions()
	data.Train = "shapes:?train=60&val=30&size=48"
	return Job{Weights: path, Options: evaluate.DefaultOptions(), Data: data,
		Note: func(string) {}, Warn: func(string) {}, Progress: func(int, int) {}}
}

func run(t *testing.T, j Job) *Outcome {
	t.Helper()
	o, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What the probe says of the validation images, eval says of the file.
func TestTheWrittenNetworkAnswersAsTheProbe(t *testing.T) {
	for _, aux := range []string{model.AuxNone, model.AuxBatchNorm} {
		j := job(t, aux)
		j.InputSize = 40
		o := run(t, j)
		path := filepath.Join(t.TempDir(), "head.safetensors")
		if err := weights.Save(path, o.Weights, o.Metadata); err != nil {
			t.Fatal(err)
		}
		measured, err := evaluate.Job{Weights: []string{path}, Options: j.Options, Data: j.Data, Given: true,
			Agrees: func(int, model.Spec) error { return nil }, Note: j.Note, Warn: j.Warn,
		}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if o.Val.Images != 30 || o.ValPart != "val" || o.Train.Images != 60 {
			t.Errorf("fitted to %d images, measured on %d of part %q", o.Train.Images, o.Val.Images, o.ValPart)
		}
		if measured.Top1 != o.Val.Top1 || math.Abs(measured.Loss-o.Val.Loss) > 1e-4 || measured.Members[0].Metadata.Preprocess.Size != 40 {
			t.Errorf("aux %s: the probe says %.4f, loss %.5f; eval %.4f, %.5f", aux, o.Val.Top1, o.Val.Loss, measured.Top1, measured.Loss)
		}
	}
}

func TestTheSameJobGivesTheSameBits(t *testing.T) {
	j := job(t, model.AuxNone)
	first, again := run(t, j), run(t, j)
	if !slices.Equal(first.Weights.Classifier().Data, again.Weights.Classifier().Data) {
		t.Error("two runs differ")
	}
}

func TestValidationImagesAreNotFittedTo(t *testing.T) {
	j := job(t, model.AuxNone)
	all := run(t, j)
	j.Data.Val = "shapes:?train=60&val=10&size=48"
	if other := run(t, j); !slices.Equal(all.Fit.Weights, other.Fit.Weights) {
		t.Error("other validation images change the classifier")
	}
	j.Data.Val, j.Data.ValFraction = dataset.ValHoldOut, 0.5
	if o := run(t, j); o.Train.Images+o.Val.Images != 60 || o.ValPart != dataset.HeldOut {
		t.Errorf("fitted to %d and measured on %d of 60 images", o.Train.Images, o.Val.Images)
	}
	j.Data.ValFraction = 0
	if o := run(t, j); o.Val != nil || o.Train.Images != 60 {
		t.Error("without validation there are validation images")
	}
}

func TestWhatCannotBeProbed(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		change func(*Job)
		want   string
	}{
		"no weights": {context.Background(), func(j *Job) { j.Weights = "none" }, "no such file"},
		"no data":    {context.Background(), func(j *Job) { j.Data.Train = "" }, "no training images"},
		"ended":      {ended, func(*Job) {}, "context canceled"},
		"too small":  {context.Background(), func(j *Job) { j.InputSize = 5 }, "too small"},
	} {
		j := job(t, model.AuxNone)
		c.change(&j)
		if _, err := j.Run(c.ctx); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
