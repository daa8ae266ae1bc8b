package evaluate

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
)

// PredictOptions say what a Predictor computes.
type PredictOptions struct {
	RunOptions
	Layer string // whose output is the features; empty for the pooled ones
}

// InputLayer is the PredictOptions.Layer that stands for the preprocessed
// picture itself.
const InputLayer = "input"

// Predictor runs a network on pictures without labels. It is not safe for
// concurrent use.
type Predictor struct {
	net     *model.Network
	options PredictOptions
}

// Output is what the network gives for one input. The slices are the
// caller's.
type Output struct {
	Name     string // path, and for arrays [row]
	Err      error  // the picture could not be read; the rest is empty then
	Logits   []float32
	Features []float32 // Shape's values, channels first
	Shape    []int
}

// NewPredictor builds the network of w at the preprocessing's size.
func NewPredictor(w *model.Weights, o PredictOptions) (*Predictor, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Preprocess = o.Options.Preprocess(o.Preprocess)
	spec := w.Spec
	spec.InputSize = o.Preprocess.Size
	var keep []string
	if o.Layer != "" && o.Layer != InputLayer {
		keep = []string{o.Layer}
	}
	net, err := model.Build(spec, w, o.BatchSize, model.Eval, model.Options{Keep: keep})
	if err != nil {
		return nil, fmt.Errorf("build the network: %w", err)
	}
	net.Refresh()
	return &Predictor{net, o}, nil
}

// Close frees the network's machine.
func (p *Predictor) Close() error { return p.net.Close() }

// Run calls each for every picture of files, in order; an .npy file holds
// inputs that are preprocessed already, [N][3][H][W].
func (p *Predictor) Run(ctx context.Context, files []string, each func(Output) error) error {
	for from := 0; from < len(files); {
		if isArray(files[from]) {
			if err := p.array(ctx, files[from], each); err != nil {
				return err
			}
			from++
			continue
		}
		to := from
		for to < len(files) && !isArray(files[to]) {
			to++
		}
		if err := p.RunSet(ctx, unlabelled(files[from:to]), each); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// RunSet calls each for every image of set, in order. Labels are not looked
// at.
func (p *Predictor) RunSet(ctx context.Context, set dataset.Set, each func(Output) error) error {
	loader := dataset.NewLoader(set, dataset.LoaderOptions{
		Batch: p.options.BatchSize, Workers: p.options.Workers,
		Preprocess: p.options.Preprocess, SkipUnreadable: true,
	})
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	for {
		b, err := batches.Next()
		if err == io.EOF { // nothing else: a picture may wrap one
			return nil
		}
		if err != nil {
			return err
		}
		r, err := p.pass(b.Images)
		if err != nil {
			return err
		}
		skipped := b.Skipped
		for row, index := range b.Indices {
			if index < 0 {
				continue
			}
			out := Output{Name: set.Name(index)}
			if b.Labels[row] < 0 {
				out.Err = skipped[0]
				skipped = skipped[1:]
			} else if out, err = r.row(out.Name, row); err != nil {
				return err
			}
			if err := each(out); err != nil {
				return err
			}
		}
	}
}

// array runs the inputs of an .npy file as they are.
func (p *Predictor) array(ctx context.Context, path string, each func(Output) error) error {
	size := p.options.Preprocess.Size
	a, err := openArray(path, size)
	if err != nil {
		return err
	}
	defer a.file.Close()
	per, batch := 3*size*size, p.options.BatchSize
	images := make([]float32, batch*per)
	for from := 0; from < a.Shape[0]; from += batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows := min(batch, a.Shape[0]-from)
		if err := a.Read(images[:rows*per]); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		clear(images[rows*per:])
		r, err := p.pass(images)
		if err != nil {
			return err
		}
		for row := range rows {
			out, err := r.row(fmt.Sprintf("%s[%d]", path, from+row), row)
			if err != nil {
				return err
			}
			if err := each(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// results are what the network gives for a batch.
type results struct {
	batch            int
	logits, features []float32
	shape            []int // of one input's features
}

// pass runs the network on a batch, unless nothing but its input is asked for.
func (p *Predictor) pass(images []float32) (results, error) {
	r := results{batch: p.options.BatchSize}
	if size := p.options.Preprocess.Size; p.options.Layer == InputLayer {
		r.features, r.shape = images, []int{3, size, size}
		return r, nil
	}
	if err := p.net.Forward(images); err != nil {
		return r, err
	}
	r.logits = p.net.Logits()
	if p.options.Layer == "" {
		r.features = p.net.Features()
		r.shape = []int{len(r.features) / r.batch}
		return r, nil
	}
	values, shape, err := p.net.Point(p.options.Layer)
	r.features, r.shape = values, shape[:]
	return r, err
}

// row returns a copy of the results of one input.
func (r results) row(name string, row int) (Output, error) {
	cut := func(all []float32) []float32 {
		per := len(all) / r.batch
		return slices.Clone(all[row*per : (row+1)*per])
	}
	out := Output{Name: name, Logits: cut(r.logits), Features: cut(r.features), Shape: r.shape}
	if norm := logSumExp(out.Logits); len(out.Logits) > 0 && (math.IsNaN(norm) || math.IsInf(norm, 0)) {
		return out, fmt.Errorf("%s: the network's outputs are no numbers; the input holds such values, or the weights have diverged", name)
	}
	return out, nil
}

// Class is a class with its probability.
type Class struct {
	Index int     `json:"index"`
	Label string  `json:"label"`
	Prob  float64 `json:"prob"`
	Logit float32 `json:"logit"`
}

// Top returns the k most probable classes, the first first; of equal ones
// the smaller index comes first. labels may be empty.
func Top(logits []float32, labels []string, k int) []Class {
	order := make([]int, len(logits))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	norm := logSumExp(logits)
	var top []Class
	for _, i := range order[:min(k, len(order))] {
		c := Class{Index: i, Label: fmt.Sprint(i), Prob: math.Exp(float64(logits[i]) - norm), Logit: logits[i]}
		if i < len(labels) {
			c.Label = labels[i]
		}
		top = append(top, c)
	}
	return top
}
