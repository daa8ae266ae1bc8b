package train

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
)

// learner is a network with all that changes its weights. It knows nothing of
// folders.
type learner struct {
	options Options
	data    trainingData
	state
	net    *model.Network
	frozen func(layer string) bool
	sum    accumulator
}

// newLearner builds the training network for weights w.
func newLearner(o Options, data trainingData, w *model.Weights) (*learner, error) {
	frozen, err := freezer(o.Train.Freeze, w)
	if err != nil {
		return nil, err
	}
	l := &learner{options: o, data: data, frozen: frozen}
	l.net, err = model.Build(w.Spec, w, o.Train.BatchSize, model.Train, l.buildOptions())
	if err != nil {
		return nil, fmt.Errorf("build the training network: %w", err)
	}
	l.weights = w
	l.optimizer = newOptimizer(o.Optimizer, trainable(w, frozen))
	if o.EMA.Decay > 0 {
		l.average = &average{o.EMA, w.Clone()}
	}
	return l, nil
}

func (l *learner) buildOptions() model.Options {
	smoothing := kernel.Smoothing{Epsilon: float32(l.options.LabelSmoothing.Epsilon), Spread: kernel.Uniform}
	if l.options.LabelSmoothing.Spread == SpreadWrongOnly {
		smoothing.Spread = kernel.WrongOnly
	}
	return model.Options{
		Smoothing: smoothing, AuxWeight: float32(l.options.Train.AuxWeight),
		Seed: l.options.Train.Seed, Frozen: l.frozen,
	}
}

// shown returns the weights that validation uses and that are saved: the
// average, if there is one.
func (l *learner) shown() *model.Weights {
	if l.average != nil {
		return l.average.weights
	}
	return l.weights
}

// ErrDiverged is wrapped by errors about losses or gradients that are no
// numbers.
var ErrDiverged = errors.New("training diverged")

// update makes one update of the weights out of the next batches, at most
// grad_accum_steps of them, at learning rate lr; at is moved on.
func (l *learner) update(next func() (*dataset.Batch, error), lr float64, at *progress) error {
	batches := min(l.options.Train.GradAccumSteps, l.data.batches-at.Batch)
	for i := range batches {
		b, err := next()
		if err != nil {
			return fmt.Errorf("training images: %w", err)
		}
		// Dropout's mask follows from the seed and the number of the batch.
		pass := uint64(at.Epoch)*uint64(l.data.batches) + uint64(at.Batch)
		loss, err := l.net.Step(b.Images, targets(b), pass)
		if err != nil {
			return err
		}
		for name, v := range map[string]float32{"loss": loss.Main, "auxiliary loss": loss.Aux, "early auxiliary loss": loss.AuxEarly} {
			if !finite(float64(v)) {
				return l.diverged("the "+name, v, lr, at)
			}
		}
		at.Window.add(loss, l.net.TrainLogits(), b.Labels)
		at.Batch++
		l.sum.add(l.net.Gradients(), i == batches-1)
	}
	gradients := l.sum.take()
	decay(gradients, l.options.Optimizer.gradientDecay())
	norm := clip(gradients, l.options.Train.ClipGradValue, l.options.Train.ClipGradNorm)
	if !finite(norm) {
		return l.diverged("the norm of the gradients", norm, lr, at)
	}
	l.optimizer.update(gradients, lr)
	at.Step++
	if l.average != nil {
		l.average.update(l.weights, at.Step)
	}
	return nil
}

// targets returns what the losses compare the network's output with.
func targets(b *dataset.Batch) kernel.Labels {
	return kernel.Labels{Class: b.Labels, Other: b.Others, Share: b.Shares}
}

// rate returns the learning rate of the update after at.
func (l *learner) rate(at *progress) float64 {
	o := l.options
	base := o.Optimizer.LearningRate(o.effectiveBatch())
	return o.Schedule.At(base, at.Step, l.updates(), l.data.updates(o.Train.GradAccumSteps))
}

// updates returns the number of updates that the whole training makes.
func (l *learner) updates() int {
	o := l.options.Train
	total := o.Epochs * l.data.updates(o.GradAccumSteps)
	if o.MaxSteps > 0 {
		total = min(total, o.MaxSteps)
	}
	return total
}

// diverged says where a value stopped being a number and what to do.
func (l *learner) diverged(what string, value any, lr float64, at *progress) error {
	cure := "lower optimizer.lr"
	if l.options.Train.ClipGradNorm == 0 {
		cure += " or set train.clip_grad_norm: 2"
	}
	if lr < 1e-6 {
		cure = "the learning rate is tiny, so look at the images and data.preprocess"
	}
	return fmt.Errorf("%w: %s is %v at step %d (epoch %d, learning rate %.3g); most likely the learning rate is too high: %s",
		ErrDiverged, what, value, at.Step+1, at.Epoch+1, lr, cure)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// effectiveBatch returns the images of one update.
func (o Options) effectiveBatch() int { return o.Train.BatchSize * o.Train.GradAccumSteps }

// freezer returns which layers stay as they are. A name that no layer begins
// with is an error, and so is freezing all.
func freezer(prefixes []string, w *model.Weights) (func(layer string) bool, error) {
	used := map[string]bool{}
	frozen := func(layer string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(layer, prefix) {
				return true
			}
		}
		return false
	}
	var modules []string
	left := false
	for _, p := range w.Params {
		layer := p.Layer
		for _, prefix := range prefixes {
			used[prefix] = used[prefix] || strings.HasPrefix(layer, prefix)
		}
		module, _, _ := strings.Cut(layer, ".")
		if len(modules) == 0 || modules[len(modules)-1] != module {
			modules = append(modules, module)
		}
		left = left || p.Trainable() && !frozen(layer)
	}
	for _, prefix := range prefixes {
		if !used[prefix] {
			return nil, fmt.Errorf("train.freeze: no layer's name begins with %q; there are %s", prefix, strings.Join(modules, ", "))
		}
	}
	if !left {
		return nil, fmt.Errorf("train.freeze: freezes every layer, nothing is left to train")
	}
	return frozen, nil
}
