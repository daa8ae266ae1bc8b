package evaluate

import (
	"errors"
	"slices"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
)

// networks are a network for whole batches and, where images that are fewer
// run one by one, another for one image. They share the weights, the folded
// ones too. A part-filled batch costs a whole one where it may not run so: a
// smaller network would give an image other last bits, since how many partial
// sums a fully connected layer has, and whether Winograd's algorithm pays,
// depend on the number of images.
type networks struct {
	spec    model.Spec
	weights *model.Weights
	options model.Options
	batch   int            // images of a whole batch
	single  bool           // fewer run one by one
	whole   *model.Network // nil until it is needed
	one     *model.Network
	padded  []float32 // a part-filled batch
}

func newNetworks(w *model.Weights, o RunOptions, options model.Options) *networks {
	options.Precision = o.Precision
	return &networks{spec: w.Spec.At(o.Preprocess.Size), weights: w, options: options, batch: o.BatchSize}
}

// run runs the first rows of images, at most a batch, and returns what read
// finds in the networks that ran them.
func (n *networks) run(
	images []float32, rows int, read func(*model.Network) (results, error),
) (all results, err error) {
	net, err := n.fitting(rows)
	if err != nil {
		return results{}, err
	}
	per := 3 * n.spec.InputSize * n.spec.InputSize
	for from := 0; from < rows; from += net.Batch {
		if err := net.Forward(n.input(images[from*per:], net.Batch*per)); err != nil {
			return results{}, err
		}
		r, err := read(net)
		if err != nil {
			return results{}, err
		}
		all = all.and(r)
	}
	return all, nil
}

// fitting returns the network for so many images.
func (n *networks) fitting(rows int) (net *model.Network, err error) {
	to, batch := &n.whole, n.batch
	if n.single && rows < n.batch {
		to, batch = &n.one, 1
	}
	if *to == nil {
		*to, err = model.Build(n.spec, n.weights, batch, model.Eval, n.options)
	}
	return *to, err
}

// input returns the first so many values of images, zeros behind the last.
func (n *networks) input(images []float32, values int) []float32 {
	if len(images) >= values {
		return images[:values]
	}
	n.padded = slices.Grow(n.padded[:0], values)[:values]
	clear(n.padded[copy(n.padded, images):])
	return n.padded
}

// close frees the machines.
func (n *networks) close() error {
	var errs []error
	for _, net := range []*model.Network{n.whole, n.one} {
		if net != nil {
			errs = append(errs, net.Close())
		}
	}
	return errors.Join(errs...)
}

// results are what networks give for a batch or the beginning of one.
type results struct {
	rows             int
	logits, features []float32
	shape            []int // of one input's features
}

func (r results) and(more results) results {
	if r.rows == 0 {
		return more
	}
	r.rows += more.rows
	r.logits, r.features = append(r.logits, more.logits...), append(r.features, more.features...)
	return r
}

// of returns the values of one row.
func (r results) of(all []float32, row int) []float32 {
	per := len(all) / r.rows
	return all[row*per : (row+1)*per]
}

// filled returns how many rows of a batch hold an image, readable or not.
func filled(b *dataset.Batch) int {
	if end := slices.Index(b.Indices, -1); end >= 0 {
		return end
	}
	return len(b.Indices)
}
