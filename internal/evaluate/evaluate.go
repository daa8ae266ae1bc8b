// Package evaluate measures networks on labelled images. Weights and a
// dataset enter; accuracy, loss, the confusion of classes and the calibration
// of probabilities leave.
package evaluate

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/weights"
)

// Options are the eval.* keys of a configuration.
type Options struct {
	CropPct   float64 `yaml:"crop_pct" json:"crop_pct" help:"share of the image's side that the evaluation crop shows; 0 for what data.preprocess does"`
	BatchSize int     `yaml:"batch_size" json:"batch_size" help:"images in one pass through the evaluated network"`
	TTA       string  `yaml:"tta" json:"tta" help:"views of each image whose answers are averaged: none (one view) or flip (its mirror image too)"`
	Every     int     `yaml:"every" json:"every" help:"epochs from one validation of a training to the next; 0 for one at its end alone"`
	MaxImages int     `yaml:"max_images" json:"max_images" help:"validation images that a training measures at most, the same ones each time and an equal share of every class; 0 for all"`
}

// The settings of Options.TTA.
const (
	TTANone = weights.TTANone
	TTAFlip = weights.TTAFlip
)

// DefaultOptions returns the preprocessing's own crop, batches of 16, and a
// validation of all images after every epoch.
func DefaultOptions() Options { return Options{BatchSize: 16, TTA: TTANone, Every: 1} }

// Validate returns the first thing wrong with the eval.* keys.
func (o Options) Validate() error {
	if !(o.CropPct >= 0 && o.CropPct <= 1) {
		return settings.Errorf("eval.crop_pct", "must be from 0 to 1, is %g", o.CropPct)
	}
	if o.BatchSize < 1 {
		return settings.Errorf("eval.batch_size", "must be at least 1, is %d", o.BatchSize)
	}
	return settings.First(
		settings.OneOf("eval.tta", cmp.Or(o.TTA, TTANone), []settings.Choice{{Name: TTANone}, {Name: TTAFlip}}),
		settings.AtLeast("eval.every", o.Every, 0),
		settings.AtLeast("eval.max_images", o.MaxImages, 0),
	)
}

// views returns the crops of each image with what Options.TTA adds; several crops
// are mirrored as it is.
func (o Options) views(c picture.Crops) picture.Crops {
	if o.TTA == TTAFlip && c <= picture.SingleCrop {
		return picture.MirroredCrop
	}
	return c
}

// Preprocess returns p with the crop that the options ask for.
func (o Options) Preprocess(p picture.Preprocess) picture.Preprocess { return p.WithCrop(o.CropPct) }

// RunOptions say how an Evaluator reads images.
type RunOptions struct {
	Options
	Preprocess     picture.Preprocess // Options.CropPct, when set, overrides its crop
	Crops          picture.Crops      // views of each image, the softmax of which is averaged; 0 is one
	Workers        int                // decoding threads; 0 for one per thread of the kernels
	Precision      model.Precision    // of the networks' arithmetic
	SkipUnreadable bool               // count images that cannot be read instead of stopping

	Cluster *cluster.Cluster // the processes that share the images; nil for one
}

// Evaluator is a network ready to be measured. It is not safe for concurrent
// use.
type Evaluator struct {
	nets    *networks
	options RunOptions
}

// NewEvaluator builds the network for w at the preprocessing's size. w may
// change between two evaluations.
func NewEvaluator(w *model.Weights, o RunOptions) (*Evaluator, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Preprocess, o.Crops = o.Options.Preprocess(o.Preprocess), o.Options.views(o.Crops)
	nets := newNetworks(w, o, model.Options{})
	if _, err := nets.fitting(o.BatchSize); err != nil {
		return nil, fmt.Errorf("build the evaluation network: %w", err)
	}
	return &Evaluator{nets, o}, nil
}

// Close frees the networks' machines.
func (e *Evaluator) Close() error { return e.nets.close() }

// Evaluate measures the network on every image of set exactly once. The
// labels of set are rows of the network's classifier. progress, unless nil,
// hears how many of the images are done.
//
// Each rank of a cluster must call it. Rank 0 gets the result that one process
// would get, to the last bit; the others get its figures, without classes and
// images.
func (e *Evaluator) Evaluate(ctx context.Context, set dataset.Set, progress func(done, total int)) (Result, error) {
	return Ensemble{e}.Evaluate(ctx, set, progress)
}

// answers runs the network on the images of a set in order.
func (e *Evaluator) answers(ctx context.Context, set dataset.Set) *answers {
	e.nets.whole.Refresh()
	a := &answers{views: max(1, int(e.options.Crops))}
	a.passes = startPasses(ctx, set, e.options, func(b *dataset.Batch) (results, error) {
		return e.nets.run(b.Images, filled(b), func(net *model.Network) (results, error) {
			return results{rows: net.Batch, logits: net.Logits()}, nil
		})
	})
	return a
}

// loader reads the images of a set, in batches of at most its size.
func (o RunOptions) loader(set dataset.Set) *dataset.Loader {
	views := set.Len() * max(1, int(o.Crops))
	return dataset.NewLoader(set, dataset.LoaderOptions{
		Batch: max(1, min(o.BatchSize, views)), Workers: o.Workers, Preprocess: o.Preprocess,
		Crops: o.Crops, SkipUnreadable: o.SkipUnreadable,
	})
}

// answers are a network's logits for the views of a set's images.
type answers struct {
	passes  *passes
	views   int     // of each image
	weight  float64 // of each view in the mean
	pass    pass    // the current one
	row     int     // of it, to be looked at next
	skipped []error // images that could not be read, so far
	damaged []error // images that were used as far as they go, so far
}

// next adds the answers for the next image's views to m and returns the image
// and its label, -1 if it could not be read; after the last image the error
// is io.EOF.
func (a *answers) next(m *mean) (index, label int, err error) {
	for range a.views {
		if a.row == len(a.pass.labels) {
			if a.pass, err = a.passes.next(); err != nil {
				return 0, 0, err
			}
			a.row, a.skipped = 0, append(a.skipped, a.pass.skipped...)
			a.damaged = append(a.damaged, a.pass.damaged...)
		}
		index, label = a.pass.indices[a.row], a.pass.labels[a.row]
		if index < 0 {
			return 0, 0, io.EOF
		}
		if r := a.pass.results; label >= 0 && r.rows > 0 {
			m.add(r.of(r.logits, a.row), a.weight)
		}
		a.row++
	}
	return index, label, nil
}
