// Package probe fits a linear classifier to what a frozen network sees in
// labelled images: logistic regression on its pooled features, which are computed
// once. Weights and a dataset enter; weights with a new classifier leave, and how
// well it does. A fine-tuning may begin with it.
package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/weights"
)

// Job is a linear probe of a weight file.
type Job struct {
	Weights string // file or run folder; a classifier that it has is not looked at
	evaluate.Options
	InputSize int             // of the network, instead of the weights' own; 0 for that
	Data      dataset.Options // Train names the images, Val those to validate on

	Note     func(text string) // something to know, one line
	Warn     func(text string) // something that may be wrong, one line
	Progress func(done, total int)
}

// Outcome is what a Job has made and found.
type Outcome struct {
	Weights  *model.Weights // the network with the new classifier, without auxiliary heads
	Metadata weights.Metadata
	Fit      Fit
	Width    int              // features
	Train    evaluate.Result  // on the images that it was fitted to
	Val      *evaluate.Result // on those that it has not seen; nil if there are none
	ValPart  string           // what these are, as dataset.Training has it
	Features time.Duration    // that the network took
	Fitting  time.Duration    // that the regressions took
}

// Run computes the features, fits the classifier and measures it.
func (j Job) Run(ctx context.Context) (*Outcome, error) {
	w, m, err := weights.Load(j.Weights)
	if err != nil {
		return nil, err
	}
	if w.Int8 != nil {
		return nil, fmt.Errorf("%s: is quantised to int8; give the weights that it was made of", j.Weights)
	}
	for _, text := range m.Notes {
		j.Note(j.Weights + ": " + text)
	}
	data, err := dataset.OpenTraining(j.Data)
	if err != nil {
		return nil, err
	}
	for _, text := range append(data.LeftOut, data.Notes...) {
		j.Note(text)
	}
	for _, text := range data.Warnings {
		j.Warn(text)
	}
	m.Preprocess = j.Options.Preprocess(m.Preprocess)
	if j.InputSize > 0 {
		m.Preprocess.Size = j.InputSize
	}
	j.Note("preprocess: " + m.Preprocess.String())
	return j.fit(ctx, w, m, data)
}

func (j Job) fit(ctx context.Context, w *model.Weights, m weights.Metadata, data *dataset.Training) (*Outcome, error) {
	run := evaluate.RunOptions{Options: j.Options, Preprocess: m.Preprocess, Workers: j.Data.Workers}
	sets := []dataset.Set{data.Train}
	if data.Val != nil {
		sets = append(sets, data.Val)
	}
	o, begin := &Outcome{Metadata: m, ValPart: data.ValPart}, time.Now()
	seen, err := j.features(ctx, w, run, sets)
	if err != nil {
		return nil, err
	}
	o.Features, o.Width = time.Since(begin), seen[0].Width
	begin = time.Now()
	if o.Fit, err = FitBest(seen[0]); err != nil {
		return nil, err
	}
	o.Fitting = time.Since(begin)
	o.Train = o.Fit.measure(seen[0], data.Train.Classes())
	if data.Val != nil {
		val := o.Fit.measure(seen[1], data.Train.Classes())
		o.Val = &val
	}
	if o.Weights, err = withHead(w, o.Fit.Linear); err != nil {
		return nil, err
	}
	o.Metadata.Spec, o.Metadata.Labels, o.Metadata.NoHead = o.Weights.Spec, data.Train.Classes(), false
	o.Metadata.TTA = evaluate.TTANone // as it was measured
	if err := golden.Fill(o.Weights, &o.Metadata, nil); err != nil {
		j.Warn(fmt.Sprintf("no golden pictures: %v", err))
	}
	return o, nil
}

// features computes those of several sets, over which progress goes on.
func (j Job) features(
	ctx context.Context, w *model.Weights, run evaluate.RunOptions, sets []dataset.Set,
) (all []Examples, err error) {
	total, before := 0, 0
	for _, set := range sets {
		total += set.Len()
	}
	for _, set := range sets {
		seen, unread, err := Features(ctx, w, set, run, func(done int) { j.Progress(before+done, total) })
		if err != nil {
			return nil, err
		}
		if err := j.tolerate(unread, set.Len()); err != nil {
			return nil, err
		}
		before += set.Len()
		all = append(all, seen)
	}
	return all, nil
}

// tolerate warns of images that cannot be read, or returns an error if they are
// too many.
func (j Job) tolerate(unread []error, images int) error {
	if len(unread) == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d images cannot be read", len(unread), images)
	if !j.Data.Skips() || len(unread) > j.Data.Skippable(images) {
		return fmt.Errorf("%s (data.on_error, data.max_errors); the first: %w", text, unread[0])
	}
	j.Warn(fmt.Sprintf("%s and are left out; the first: %v", text, unread[0]))
	return nil
}

// Features returns the pooled features of a set's images, without those that
// cannot be read, whose errors it returns. progress hears how many images are
// done.
func Features(
	ctx context.Context, w *model.Weights, set dataset.Set, run evaluate.RunOptions, progress func(done int),
) (seen Examples, unread []error, err error) {
	run.BatchSize = max(1, min(run.BatchSize, set.Len()))
	p, err := evaluate.NewPredictor(w, evaluate.PredictOptions{RunOptions: run})
	if err != nil {
		return seen, nil, err
	}
	defer p.Close()
	seen.Classes = len(set.Classes())
	image := -1
	err = p.RunSet(ctx, set, func(out evaluate.Output) error {
		image++
		progress(image + 1)
		if out.Err != nil {
			unread = append(unread, out.Err)
			return nil
		}
		if seen.Features == nil {
			seen.Features = make([]float32, 0, set.Len()*len(out.Features))
		}
		seen.Width = len(out.Features)
		seen.Features = append(seen.Features, out.Features...)
		seen.Labels = append(seen.Labels, set.Label(image))
		return nil
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return seen, unread, context.Cause(ctx)
	case err == nil && seen.Len() == 0:
		err = errors.Join(errors.New("none of the images can be read"), unread[0])
	}
	return seen, unread, err
}

// measure returns how well the classifier tells examples apart.
func (l Linear) measure(e Examples, classes []string) evaluate.Result {
	logits := make([][]float64, e.Len())
	for i := range logits {
		logits[i] = l.Logits(e.row(i))
	}
	return evaluate.Score(classes, e.Labels, logits)
}

// withHead returns a copy of weights, without auxiliary heads, whose classifier is
// l.
func withHead(w *model.Weights, l Linear) (*model.Weights, error) {
	spec := w.Spec.WithoutAux()
	spec.Classes = len(l.Bias)
	made, err := model.ZeroWeights(spec)
	if err != nil {
		return nil, err
	}
	for _, p := range made.Params {
		if !p.Head {
			copy(p.Data, w.ByName(p.Name).Data)
		}
	}
	return made, l.Into(made)
}

// Into makes l the classifier of weights that have as many classes.
func (l Linear) Into(w *model.Weights) error {
	for _, p := range w.Params {
		if !p.Head || p.Aux {
			continue
		}
		values := l.Bias
		if p.Kind == ops.LinearWeight {
			values = l.Weights
		}
		if err := p.SetValues(floats32(values)); err != nil {
			return err
		}
	}
	return nil
}

func floats32(values []float64) []float32 {
	all := make([]float32, len(values))
	for i, v := range values {
		all[i] = float32(v)
	}
	return all
}
