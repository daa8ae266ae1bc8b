package evaluate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
)

// PredictOptions say what a Predictor computes.
type PredictOptions struct {
	RunOptions
	Layer string // end point whose values are the features; empty for the pooled ones
}

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
	if o.Layer != "" {
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

// Files lists the pictures and arrays that paths name: files as they are, of
// folders all pictures below.
func Files(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no such file or folder", path)
		}
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		found, err := dataset.ImagesBelow(path)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: holds no picture", path)
		}
		files = append(files, found...)
	}
	return files, nil
}

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

func isArray(path string) bool { return strings.EqualFold(filepath.Ext(path), ".npy") }

// unlabelled is a set of picture files.
type unlabelled []string

func (u unlabelled) Len() int          { return len(u) }
func (u unlabelled) Classes() []string { return []string{""} }
func (u unlabelled) Label(int) int     { return 0 }
func (u unlabelled) Name(i int) string { return u[i] }
func (u unlabelled) Image(i int) (dataset.Image, error) {
	data, err := os.ReadFile(u[i])
	if err != nil {
		return dataset.Image{}, err
	}
	return dataset.Decode(bytes.NewReader(data))
}

// RunSet calls each for every image of set, in order. Labels are not looked
// at.
func (p *Predictor) RunSet(ctx context.Context, set dataset.Set, each func(Output) error) error {
	loader := dataset.NewLoader(set, dataset.LoaderOptions{
		Batch: p.options.BatchSize, Size: p.options.Preprocess.Size, Workers: p.options.Workers,
		Preprocess: p.options.Preprocess, SkipUnreadable: true,
	})
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.net.Forward(b.Images); err != nil {
			return err
		}
		skipped := b.Skipped
		for row, index := range b.Indices {
			if index < 0 {
				continue
			}
			out := Output{Name: set.Name(index)}
			if b.Labels[row] < 0 {
				out.Err, skipped = skipped[0], skipped[1:]
			} else if err := p.fill(&out, row); err != nil {
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
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	shape, values, err := dataset.ReadNPY(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	size := p.options.Preprocess.Size
	if !slices.Equal(shape[min(1, len(shape)):], []int{3, size, size}) {
		return fmt.Errorf("%s: has shape %v, the network takes [N 3 %d %d]; --input-size changes that", path, shape, size, size)
	}
	per, batch := 3*size*size, p.options.BatchSize
	images := make([]float32, batch*per)
	for from := 0; from < shape[0]; from += batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows := min(batch, shape[0]-from)
		clear(images[copy(images, values[from*per:(from+rows)*per]):])
		if err := p.net.Forward(images); err != nil {
			return err
		}
		for row := range rows {
			out := Output{Name: fmt.Sprintf("%s[%d]", path, from+row)}
			if err := p.fill(&out, row); err != nil {
				return err
			}
			if err := each(out); err != nil {
				return err
			}
		}
	}
	return nil
}

// fill copies the results of a row of the batch.
func (p *Predictor) fill(out *Output, row int) error {
	cut := func(all []float32) []float32 {
		per := len(all) / p.options.BatchSize
		return slices.Clone(all[row*per : (row+1)*per])
	}
	out.Logits = cut(p.net.Logits())
	if p.options.Layer == "" {
		out.Features = cut(p.net.Features())
		out.Shape = []int{len(out.Features)}
		return nil
	}
	values, shape, err := p.net.Point(p.options.Layer)
	if err != nil {
		return err
	}
	out.Features, out.Shape = cut(values), shape[:]
	return nil
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
