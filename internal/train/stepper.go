package train

import (
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
)

// Stepper makes updates on given images, without data, folder or schedule:
// what benchmarks time.
type Stepper struct {
	learner *learner
	at      progress
}

// NewStepper builds the training network of w; emulate is Job's.
func NewStepper(r Recipe, w *model.Weights, emulate bool) (*Stepper, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	l, err := newLearner(r, trainingData{batches: 1}, w, emulate)
	if err != nil {
		return nil, err
	}
	return &Stepper{learner: l}, nil
}

// Step is one update: forward, losses, backward, clip, optimizer, average.
// images are [batch_size][3][H][W], preprocessed.
func (s *Stepper) Step(images []float32, labels []int) error {
	batch := &dataset.Batch{Images: images, Labels: labels}
	rate := s.learner.recipe.Optimizer.LearningRate(len(labels))
	s.at.Batch, s.at.Window = 0, window{}
	return s.learner.update(func() (*dataset.Batch, error) { return batch, nil }, rate, &s.at)
}

// PlannedBytes returns the size of the network's arena of activations.
func (s *Stepper) PlannedBytes() int64 { return s.learner.net.Plan.Bytes }

// Close frees the network's machine.
func (s *Stepper) Close() error { return s.learner.net.Close() }
