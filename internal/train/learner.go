package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/settings"
)

// learner is a network with all that changes its weights. It knows nothing of
// folders.
type learner struct {
	recipe Recipe
	data   trainingData
	state
	net    *model.Network
	frozen func(layer string) bool

	precision model.Precision
	sum       optimize.Accumulator
}

// newLearner builds the training network for weights w, for which emulate allows
// a precision that the processor has no instructions for.
func newLearner(r Recipe, data trainingData, w *model.Weights, emulate bool) (*learner, error) {
	precision, err := model.ParsePrecision(r.Train.Precision, emulate)
	if err != nil {
		return nil, settings.Errorf("train.precision", "%v; --emulate does so", err)
	}
	frozen, err := freezer(r.Train.Freeze, w)
	if err != nil {
		return nil, err
	}
	l := &learner{recipe: r, data: data, frozen: frozen, precision: precision}
	l.net, err = model.Build(w.Spec, w, r.Train.BatchSize, model.Train, l.buildOptions())
	if err != nil {
		return nil, fmt.Errorf("build the training network: %w", err)
	}
	l.weights = w
	l.optimizer = optimize.NewOptimizer(r.Optimizer, trainable(w, frozen))
	if r.EMA.Decay > 0 {
		l.average = &optimize.Average{Options: r.EMA, Weights: w.Clone()}
	}
	return l, nil
}

func (l *learner) buildOptions() model.Options {
	smoothing := kernel.Smoothing{Epsilon: float32(l.recipe.LabelSmoothing.Epsilon), Spread: kernel.Uniform}
	if l.recipe.LabelSmoothing.Spread == SpreadWrongOnly {
		smoothing.Spread = kernel.WrongOnly
	}
	smoothing.Weights = l.data.classWeights
	return model.Options{
		Smoothing: smoothing, AuxWeight: float32(l.recipe.Train.AuxWeight),
		Seed: l.recipe.Train.Seed, Frozen: l.frozen, Precision: l.precision,
	}
}

// shown returns the weights that validation uses and that are saved: the
// average, if there is one.
func (l *learner) shown() *model.Weights {
	if l.average != nil {
		return l.average.Weights
	}
	return l.weights
}

// ErrDiverged is wrapped by errors about losses or gradients that are NaN or
// infinite.
var ErrDiverged = errors.New("training diverged")

// update makes one update of the weights out of the next batches, at most
// grad_accum_steps of them, at learning rate lr; at is moved on.
func (l *learner) update(next func() (*dataset.Batch, error), lr float64, at *progress) error {
	batches := min(l.recipe.Train.GradAccumSteps, l.data.batches-at.Batch)
	for i := range batches {
		b, err := next()
		if err != nil {
			return l.data.damage.explain(fmt.Errorf("training images: %w", err))
		}
		if err := l.data.damage.add(b.Skipped, b.Damaged); err != nil {
			return err
		}
		// Dropout's mask follows from the seed and the number of the batch.
		pass := uint64(at.Epoch)*uint64(l.data.batches) + uint64(at.Batch)
		loss, err := l.net.Step(b.Images, targets(b), pass)
		if err != nil {
			return err
		}
		for _, of := range []struct {
			name  string
			value float32
		}{{"the loss", loss.Main}, {"the auxiliary loss", loss.Aux}, {"the early auxiliary loss", loss.AuxEarly}} {
			if !finite(float64(of.value)) {
				return l.diverged(of.name, of.value, lr, at)
			}
		}
		at.Window.add(loss, l.net.TrainLogits(), b.Labels)
		at.SoFar.add(loss, l.net.TrainLogits(), b.Labels)
		at.Batch++
		l.sum.Add(l.net.Gradients(), i == batches-1)
	}
	gradients := l.sum.Take()
	l.optimizer.Decay(gradients)
	norm := optimize.Clip(gradients, l.recipe.Train.ClipGradValue, l.recipe.Train.ClipGradNorm)
	if !finite(norm) {
		return l.diverged("the norm of the gradients", norm, lr, at)
	}
	at.Step++
	l.optimizer.Update(gradients, lr, at.Step)
	if l.average != nil {
		l.average.Update(l.weights, at.Step)
	}
	return nil
}

// targets returns what the losses compare the network's output with.
func targets(b *dataset.Batch) kernel.Labels {
	return kernel.Labels{Class: b.Labels, Other: b.Others, Share: b.Shares}
}

// rate returns the learning rate of the update after at.
func (l *learner) rate(at *progress) float64 {
	r := l.recipe
	base := r.Optimizer.LearningRate(r.effectiveBatch())
	return r.Schedule.At(base, at.Step, l.updates(), l.data.updates(r.Train.GradAccumSteps))
}

// updates returns the number of updates that the whole training makes.
func (l *learner) updates() int {
	o := l.recipe.Train
	total := o.Epochs * l.data.updates(o.GradAccumSteps)
	if o.MaxSteps > 0 {
		total = min(total, o.MaxSteps)
	}
	return total
}

// movesStatistics reports whether batch-norm statistics follow the batches:
// those of frozen layers stay, and some networks have none.
func (l *learner) movesStatistics() bool {
	return slices.ContainsFunc(l.weights.Params, func(p *ops.Param) bool {
		return p.Kind == ops.RunningVar && !l.frozen(p.Layer)
	})
}

// diverged says where a value became NaN or infinite and what to do.
func (l *learner) diverged(what string, value any, lr float64, at *progress) error {
	cure := "lower optimizer.lr"
	if l.recipe.Train.ClipGradNorm == 0 {
		cure += " or set train.clip_grad_norm: 2"
	}
	if lr < 1e-6 {
		cure = "the learning rate is tiny, so look at the images and data.preprocess"
	}
	return fmt.Errorf("%w: %s is %v at step %d (epoch %d, learning rate %.3g); "+
		"most likely the learning rate is too high: %s",
		ErrDiverged, what, value, at.Step+1, at.Epoch+1, lr, cure)
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// effectiveBatch returns the images of one update.
func (r Recipe) effectiveBatch() int { return r.Train.BatchSize * r.Train.GradAccumSteps }

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
		module := cmp.Or(p.Module, layer)
		if len(modules) == 0 || modules[len(modules)-1] != module {
			modules = append(modules, module)
		}
		left = left || p.Trainable() && !frozen(layer)
	}
	for _, prefix := range prefixes {
		if !used[prefix] {
			return nil, settings.Errorf("train.freeze", "no layer's name begins with %q; there are %s",
				prefix, strings.Join(modules, ", "))
		}
	}
	if !left {
		return nil, settings.Errorf("train.freeze", "freezes every layer, nothing is left to train")
	}
	return frozen, nil
}
