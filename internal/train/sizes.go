package train

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
)

// sizeAt returns the input size of an epoch, counted from 0, of a training whose
// network is for another size. It follows from the seed and the epoch alone.
func (o LoopOptions) sizeAt(epoch, own int) int {
	n := len(o.Sizes)
	switch {
	case n == 0:
		return own
	case o.SizeOrder == SizesRandom:
		const stream = 0x2545f4914f6cdd1d // other choices than those of the images' order
		return o.Sizes[rand.New(rand.NewPCG(o.Seed^stream, uint64(epoch))).IntN(n)]
	}
	return o.Sizes[min(n-1, epoch*n/max(1, o.Epochs))]
}

// largest returns the largest input size of a training.
func (o LoopOptions) largest(own int) int {
	if len(o.Sizes) == 0 {
		return own
	}
	return slices.Max(o.Sizes)
}

// Effort returns what the updates of a training cost on average, as a share of
// those at the network's own size: they take time by the square of the size.
func (o LoopOptions) Effort(own int) float64 {
	sum := 0.0
	for epoch := range o.Epochs {
		sum += area(o.sizeAt(epoch, own), own)
	}
	return sum / float64(o.Epochs)
}

// area returns how many times as many pixels one size has as another.
func area(size, other int) float64 {
	side := float64(size) / float64(other)
	return side * side
}

// checkSizes returns an error unless the network can be made for all sizes, with
// the same parameters: the second convolution of an auxiliary head covers its
// whole map where that is small.
func (c Config) checkSizes() error {
	for _, size := range c.Train.Sizes {
		if err := c.Model.At(size).CheckSize(); err != nil {
			return settings.Errorf("train.sizes", "%d: %w", size, err)
		}
		differ, err := differentShape(c.Model, c.Model.At(size))
		if err != nil {
			return err
		}
		if differ != "" {
			return settings.Errorf("train.sizes", "at %d pixels %s has another shape than at model.input_size %d; "+
				"use larger sizes, or model.aux: none", size, differ, c.Model.InputSize)
		}
	}
	return nil
}

// sizeOf returns the input size of an epoch, counted from 0.
func (l *learner) sizeOf(epoch int) int {
	return l.recipe.Train.sizeAt(epoch, l.weights.Spec.InputSize)
}

// resize makes the training network that of the epoch under way.
func (r *run) resize() error {
	size, before := r.sizeOf(r.at.Epoch), r.net.Spec.InputSize
	if size == before {
		return nil
	}
	r.reporter.Note(fmt.Sprintf("epoch %d: images of %d pixels, before %d (train.sizes)", r.at.Epoch+1, size, before))
	return r.build(size)
}

// differentShape names a parameter that two structures of the same layers have in
// different shapes; none if there is none.
func differentShape(a, b model.Spec) (string, error) {
	a.Classes, b.Classes = max(1, a.Classes), max(1, b.Classes)
	one, err := model.Parameters(a)
	if err != nil {
		return "", err
	}
	other, err := model.Parameters(b)
	if err != nil {
		return "", err
	}
	for i, p := range one {
		if !slices.Equal(p.Shape, other[i].Shape) {
			return p.Name, nil
		}
	}
	return "", nil
}
