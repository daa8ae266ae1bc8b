package train

import (
	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
)

// Stepper makes updates on given images, without data, folder or schedule:
// what benchmarks time.
type Stepper struct {
	learner *learner
	at      progress
}

// NewStepper builds the training network of w for inputs of its own size; emulate is
// Job's. Every rank of c builds one.
func NewStepper(r Recipe, w *model.Weights, emulate bool, c *cluster.Cluster) (*Stepper, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	r.Train.Sizes = nil
	l, err := newLearner(Job{Config: Config{Recipe: r}, Emulate: emulate, Cluster: c},
		trainingData{batches: c.Size() * r.Train.GradAccumSteps}, w)
	if err != nil {
		return nil, err
	}
	return &Stepper{learner: l}, nil
}

// Step is one update: forward, losses, backward, clip, optimizer, average.
// images are [batch_size][3][H][W], preprocessed.
func (s *Stepper) Step(images []float32, labels []int) error {
	batch := &dataset.Batch{Images: images, Labels: labels}
	rate := s.learner.recipe.Optimizer.LearningRate(s.learner.effectiveBatch())
	s.at.Batch, s.at.Window = 0, window{}
	return s.learner.update(func() (*dataset.Batch, error) { return batch, nil }, rate, &s.at)
}

// Communication returns the time that sums over ranks have taken so far.
func (s *Stepper) Communication() Communication { return s.learner.sum.spent }

// PlannedBytes returns the size of the network's arena of activations.
func (s *Stepper) PlannedBytes() int64 { return s.learner.net.Plan.Bytes }

// Close frees the network's machine.
func (s *Stepper) Close() error { return s.learner.net.Close() }
