package evaluate

import (
	"errors"
	"slices"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// networks are a network for whole batches and, once a part-filled batch
// comes, a smaller one beside it, so that a part costs its images. They share
// the weights, the folded ones too. An image's bits do not depend on which of
// them runs it, unless parts run image by image.
type networks struct {
	spec    model.Spec
	weights *model.Weights
	options model.Options
	batch   int  // images of a whole batch
	single  bool // parts run image by image
	whole   *model.Network
	part    *model.Network
	padded  []float32 // images for a network that takes more than there are
}

func newNetworks(w *model.Weights, o RunOptions, options model.Options) *networks {
	spec := w.Spec
	spec.InputSize = o.Preprocess.Size
	return &networks{spec: spec, weights: w, options: options, batch: o.BatchSize}
}

// buildWhole builds the network for whole batches, if it is not yet.
func (n *networks) buildWhole() (err error) {
	if n.whole == nil {
		n.whole, err = n.build(n.batch)
	}
	return err
}

func (n *networks) build(batch int) (*model.Network, error) {
	return model.Build(n.spec, n.weights, batch, model.Eval, n.options)
}

// close frees the machines.
func (n *networks) close() error {
	var errs []error
	for _, net := range []*model.Network{n.whole, n.part} {
		if net != nil {
			errs = append(errs, net.Close())
		}
	}
	return errors.Join(errs...)
}

// run runs the first rows of images, at most a batch, and returns what read
// finds in the networks that ran them.
func (n *networks) run(images []float32, rows int, read func(*model.Network) (results, error)) (all results, err error) {
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
func (n *networks) fitting(rows int) (*model.Network, error) {
	size := 1
	if !n.single {
		size = n.smallest(rows)
	}
	if rows == n.batch || size == n.batch {
		return n.whole, n.buildWhole()
	}
	if n.part != nil && n.part.Batch != size {
		if err := n.part.Close(); err != nil {
			return nil, err
		}
		n.part = nil
	}
	var err error
	if n.part == nil {
		n.part, err = n.build(size)
	}
	return n.part, err
}

// smallest returns the smallest batch that has room for so many images and
// gives them the bits that they have in a whole batch: that of a network whose
// convolutions are computed in the same way.
func (n *networks) smallest(rows int) int {
	layers := n.whole.Layers()
	for size := rows; size < n.batch; size++ {
		if sameKernels(layers, size, n.batch) {
			return size
		}
	}
	return n.batch
}

// sameKernels reports whether eval networks of these layers for batches of a
// and of b images use the same algorithms. A 3x3 convolution alone has two.
func sameKernels(layers []ops.Layer, a, b int) bool {
	return !slices.ContainsFunc(layers, func(l ops.Layer) bool {
		if l.Op != "conv" || l.Groups > 1 || l.Inputs[0] < 0 {
			return false
		}
		c, in := kernel.Conv{Window: l.Window}, layers[l.Inputs[0]].Output
		return c.HasWinograd(a, in[1], in[2]) != c.HasWinograd(b, in[1], in[2])
	})
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
