// Package evaluate measures networks on labelled images. Weights and a
// dataset enter; accuracy, loss, the confusion of classes and the calibration
// of probabilities leave.
package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
)

// Options are the eval.* keys of a configuration.
type Options struct {
	CropPct   float64 `yaml:"crop_pct" json:"crop_pct" help:"share of the image's side that the evaluation crop shows; 0 for what data.preprocess does"`
	BatchSize int     `yaml:"batch_size" json:"batch_size" help:"images in one pass through the evaluated network"`
}

// DefaultOptions returns the preprocessing's own crop and batches of 16.
func DefaultOptions() Options { return Options{BatchSize: 16} }

// Validate returns the first thing wrong with the eval.* keys.
func (o Options) Validate() error {
	if !(o.CropPct >= 0 && o.CropPct <= 1) {
		return fmt.Errorf("eval.crop_pct: must be from 0 to 1, is %g", o.CropPct)
	}
	if o.BatchSize < 1 {
		return fmt.Errorf("eval.batch_size: must be at least 1, is %d", o.BatchSize)
	}
	return nil
}

// Preprocess returns p with the crop that the options ask for.
func (o Options) Preprocess(p dataset.Preprocess) dataset.Preprocess {
	if o.CropPct > 0 {
		p.CropPct = o.CropPct
	}
	return p
}

// RunOptions say how an Evaluator reads images.
type RunOptions struct {
	Options
	Preprocess     dataset.Preprocess // Options.CropPct, when set, overrides its crop
	Workers        int                // decoding threads; 0 for one per thread of the kernels
	SkipUnreadable bool               // count images that cannot be read instead of stopping
}

// Evaluator is a network ready to be measured. It is not safe for concurrent
// use.
type Evaluator struct {
	net     *model.Network
	options RunOptions
}

// NewEvaluator builds the network for w at the preprocessing's size. w may
// change between two evaluations.
func NewEvaluator(w *model.Weights, o RunOptions) (*Evaluator, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Preprocess = o.Options.Preprocess(o.Preprocess)
	spec := w.Spec
	spec.InputSize = o.Preprocess.Size
	net, err := model.Build(spec, w, o.BatchSize, model.Eval, model.Options{})
	if err != nil {
		return nil, fmt.Errorf("build the evaluation network: %w", err)
	}
	return &Evaluator{net, o}, nil
}

// Close frees the network's machine.
func (e *Evaluator) Close() error { return e.net.Close() }

// Evaluate measures the network on every image of set exactly once. The
// labels of set are rows of the network's classifier. progress, unless nil,
// hears after each batch how many of the images are done.
func (e *Evaluator) Evaluate(ctx context.Context, set dataset.Set, progress func(done, total int)) (Result, error) {
	if n := len(set.Classes()); n > e.net.Spec.Classes {
		return Result{}, fmt.Errorf("the data has %d classes, the network %d", n, e.net.Spec.Classes)
	}
	e.net.Refresh()
	t := newTally(e.net.Spec.Classes)
	loader := dataset.NewLoader(set, dataset.LoaderOptions{
		Batch: e.options.BatchSize, Size: e.options.Preprocess.Size, Workers: e.options.Workers,
		Preprocess: e.options.Preprocess, SkipUnreadable: e.options.SkipUnreadable,
	})
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	begin := time.Now()
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Result{}, err
		}
		if err := e.net.Forward(b.Images); err != nil {
			return Result{}, err
		}
		logits := e.net.Logits()
		for i, label := range b.Labels {
			if label >= 0 {
				t.add(logits[i*t.classes:(i+1)*t.classes], label)
			}
		}
		t.skipped = append(t.skipped, b.Skipped...)
		if progress != nil {
			progress(t.images+len(t.skipped), set.Len())
		}
	}
	return t.result(time.Since(begin)), nil
}
