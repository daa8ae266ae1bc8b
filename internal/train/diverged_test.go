package train

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/optimize"
)

// What is NaN or infinite is found before it reaches the weights, and the
// error says what it was, where, and what to do.
func TestWhatIsNoLongerFiniteStopsTheUpdate(t *testing.T) {
	notANumber, infinite := float32(math.NaN()), float32(math.Inf(1))
	for name, c := range map[string]struct {
		clip, lr float64
		spoil    func(*learner, *dataset.Batch)
		want     []string
	}{
		"an image with NaN in it": {2, 0.01,
			func(_ *learner, b *dataset.Batch) { b.Images[100] = notANumber },
			[]string{"the loss is NaN at step 1 (epoch 1, learning rate 0.01)", "lower optimizer.lr"}},
		"an infinite image, without a limit of the gradients": {0, 0.01,
			func(_ *learner, b *dataset.Batch) { b.Images[0] = infinite },
			[]string{"the loss is NaN", "lower optimizer.lr or set train.clip_grad_norm: 2"}},
		"an image with NaN in it, at a tiny rate": {2, 1e-9,
			func(_ *learner, b *dataset.Batch) { b.Images[100] = notANumber },
			[]string{"the loss is NaN", "look at the images and data.preprocess"}},
		"an infinite gradient": {2, 0.01,
			func(l *learner, _ *dataset.Batch) { addToGradients(l, infinite) },
			[]string{"the norm of the gradients is +Inf", "lower optimizer.lr"}},
		"a gradient of NaN": {2, 0.01,
			func(l *learner, _ *dataset.Batch) { addToGradients(l, notANumber) },
			[]string{"the norm of the gradients is NaN"}},
	} {
		t.Run(name, func(t *testing.T) {
			job := tinyJob(t)
			job.Train.ClipGradNorm, job.Train.GradAccumSteps = c.clip, 2
			r, err := prepare(job)
			if err != nil {
				t.Fatal(err)
			}
			defer r.close()
			images := r.from(context.Background(), 0, 0)
			defer images.Close()
			batches := 0
			next := func() (*dataset.Batch, error) {
				b, err := images.Next()
				if batches++; err == nil && batches == 2 {
					c.spoil(r.learner, b)
				}
				return b, err
			}
			before := r.weights.Clone()
			err = r.update(next, c.lr, &r.at)
			if !errors.Is(err, ErrDiverged) {
				t.Fatalf("error is %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want %q", err, want)
				}
			}
			if r.at.Step != 0 {
				t.Errorf("%d updates were counted", r.at.Step)
			}
			for i, p := range r.weights.Params {
				if p.Trainable() && !slices.Equal(p.Data, before.Params[i].Data) {
					t.Errorf("%s has changed", p.Name)
				}
			}
		})
	}
}

// A run that diverges names the checkpoint that is left, and goes on from it at
// another rate.
func TestADivergedRunNamesItsCheckpointAndGoesOnFromIt(t *testing.T) {
	job := tinyJob(t)
	job.Data.Train = "shapes:?train=200&val=13&size=32"
	job.Optimizer.Name, job.Train.ClipGradNorm, job.Train.Epochs = optimize.SGD, 0, 1
	if _, err := Run(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	wild := job
	wild.Resume, wild.Train.Epochs, wild.Optimizer.LR = true, 2, 999
	_, err := Run(context.Background(), wild)
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "; the checkpoint of step 25 stays") {
		t.Fatalf("error is %v", err)
	}
	job.Resume, job.Train.Epochs = true, 2
	result, err := Run(context.Background(), job)
	if err != nil || result.Steps != 50 {
		t.Errorf("at the rate of before: %+v, %v", result, err)
	}
}

// addToGradients adds v to one value of the gradients that an update sums, as
// another batch would.
func addToGradients(l *learner, v float32) {
	p := l.net.Trained()[0]
	values := make([]float32, p.Floats())
	values[0] = v
	l.sum.put(p, values)
}
