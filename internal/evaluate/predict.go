package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

// PredictOptions say what a Predictor computes.
type PredictOptions struct {
	RunOptions
	Layer   string           // whose output is the features; empty for the pooled ones
	Decoder *picture.Decoder // of the pictures; nil for one with the usual limits
	Single  bool             // images that are fewer than a batch run one by one, whose last bits may then differ
}

// InputLayer is the PredictOptions.Layer that stands for the preprocessed
// picture itself.
const InputLayer = "input"

// Predictor runs a network on pictures without labels. It is not safe for
// concurrent use.
type Predictor struct {
	nets    *networks
	options PredictOptions
}

// Output is what the network gives for one input. The slices are the
// caller's.
type Output struct {
	Name     string // path, and for arrays [row]
	Err      error  // the picture could not be read; the rest is empty then
	Damage   error  // what is wrong with the picture, which was used as far as it goes
	Logits   []float32
	Features []float32 // Shape's values, channels first
	Shape    []int
}

// NewPredictor builds the network of w at the preprocessing's size; with
// PredictOptions.Single the networks are built when they are first needed. w
// must not change any more.
func NewPredictor(w *model.Weights, o PredictOptions) (*Predictor, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o.Preprocess = o.Options.Preprocess(o.Preprocess)
	if o.Decoder == nil {
		o.Decoder = dataset.DefaultOptions().Decoder()
	}
	var keep []string
	if o.Layer != "" && o.Layer != InputLayer {
		keep = []string{o.Layer}
	}
	p := &Predictor{newNetworks(w, o.RunOptions, model.Options{Keep: keep}), o}
	if p.nets.single = o.Single; o.Single {
		return p, nil
	}
	if _, err := p.nets.fitting(o.BatchSize); err != nil {
		return nil, fmt.Errorf("build the network: %w", err)
	}
	return p, nil
}

// Close frees the networks' machines.
func (p *Predictor) Close() error { return p.nets.close() }

// Run calls each for every picture of files, in order; an .npy file holds
// inputs that are preprocessed already, [N][3][H][W]. The ranks of a cluster
// share the pictures, not the arrays, and rank 0 alone calls each.
func (p *Predictor) Run(ctx context.Context, files []string, each func(Output) error) error {
	for from := 0; from < len(files); {
		if IsArray(files[from]) {
			if err := p.array(ctx, files[from], each); err != nil {
				return err
			}
			from++
			continue
		}
		to := from
		for to < len(files) && !IsArray(files[to]) {
			to++
		}
		if err := p.RunSet(ctx, unlabelled{ctx, files[from:to], p.options.Decoder}, each); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// RunSet calls each for every image of set, in order. Labels are not looked
// at. The ranks of a cluster share the images; rank 0 alone calls each.
func (p *Predictor) RunSet(ctx context.Context, set dataset.Set, each func(Output) error) error {
	o := p.options.RunOptions
	o.SkipUnreadable = true
	passes := startPasses(ctx, set, o, func(b *dataset.Batch) (results, error) {
		return p.pass(b.Images, filled(b))
	})
	defer passes.close()
	for {
		one, err := passes.next()
		if err == io.EOF { // nothing else: a picture may wrap one
			return nil
		}
		if err != nil {
			return err
		}
		skipped, damaged := one.skipped, byName(one.damaged)
		for row, index := range one.indices {
			if index < 0 || o.Cluster.Rank() > 0 {
				continue
			}
			out := Output{Name: set.Name(index)}
			if one.labels[row] < 0 {
				out.Err = skipped[0]
				skipped = skipped[1:]
			} else if out, err = one.results.output(out.Name, row); err != nil {
				return err
			}
			out.Damage = damaged[out.Name]
			if err := each(out); err != nil {
				return err
			}
		}
	}
}

// byName returns the errors about images by the images' names.
func byName(errs []error) map[string]error {
	all := map[string]error{}
	for _, err := range errs {
		var image *dataset.ImageError
		if errors.As(err, &image) {
			all[image.Name] = err
		}
	}
	return all
}

// array runs the inputs of an .npy file as they are.
func (p *Predictor) array(ctx context.Context, path string, each func(Output) error) error {
	if p.options.Cluster.Rank() > 0 {
		return nil
	}
	size := p.options.Preprocess.Size
	a, err := OpenArray(path, size)
	if err != nil {
		return err
	}
	defer a.Close() //nolint:errcheck // nothing is written through it
	per, batch := 3*size*size, p.options.BatchSize
	images := make([]float32, min(batch, a.Shape[0])*per)
	for from := 0; from < a.Shape[0]; from += batch {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rows := min(batch, a.Shape[0]-from)
		if err := a.Read(images[:rows*per]); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		r, err := p.pass(images, rows)
		if err != nil {
			return err
		}
		for row := range rows {
			name := fmt.Sprintf("%s[%d]", path, from+row)
			if err := CheckInput(images[row*per : (row+1)*per]); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			out, err := r.output(name, row)
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

// pass runs the network on the first rows of images, unless nothing but the
// input is asked for.
func (p *Predictor) pass(images []float32, rows int) (results, error) {
	if size := p.options.Preprocess.Size; p.options.Layer == InputLayer {
		return results{rows: rows, features: images[:rows*3*size*size], shape: []int{3, size, size}}, nil
	}
	return p.nets.run(images, rows, func(net *model.Network) (results, error) {
		r := results{rows: net.Batch, logits: net.Logits()}
		if p.options.Layer == "" {
			r.features = net.Features()
			r.shape = []int{len(r.features) / r.rows}
			return r, nil
		}
		values, shape, err := net.Point(p.options.Layer)
		r.features, r.shape = values, shape[:]
		return r, err
	})
}

// output returns a copy of the results of one input.
func (r results) output(name string, row int) (Output, error) {
	out := Output{
		Name: name, Logits: slices.Clone(r.of(r.logits, row)), Features: slices.Clone(r.of(r.features, row)), Shape: r.shape,
	}
	if err := model.CheckFinite(out.Logits); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}
