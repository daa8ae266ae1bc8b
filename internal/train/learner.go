package train

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/cluster"
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
	cluster *cluster.Cluster
	present *cluster.Cluster // the ranks that have a shard of the update under way
	shards  int              // of a whole update
	each    int              // shards that one rank does; grad_accum_steps, unless a run goes on with other ranks
	net     *model.Network
	frozen  func(layer string) bool

	precision model.Precision
	sum       *reduction
}

// newLearner builds the training network of a job for weights w. Every rank of
// its cluster builds one.
func newLearner(job Job, data trainingData, w *model.Weights) (*learner, error) {
	r, c := job.Recipe, job.Cluster
	precision, err := model.ParsePrecision(r.Train.Precision, job.Emulate)
	if err != nil {
		return nil, settings.Errorf("train.precision", "%v; --emulate does so", err)
	}
	frozen, err := freezer(r.Train.Freeze, w)
	if err != nil {
		return nil, err
	}
	l := &learner{recipe: r, data: data, frozen: frozen, precision: precision, cluster: c}
	if err := l.divide(cmp.Or(job.Shards, c.Size()*r.Train.GradAccumSteps)); err != nil {
		return nil, err
	}
	l.weights = w
	if err := l.build(l.sizeOf(0)); err != nil {
		return nil, err
	}
	l.optimizer = optimize.NewOptimizer(r.Optimizer, w.Params, frozen)
	if r.EMA.Decay > 0 {
		l.average = &optimize.Average{Options: r.EMA, Weights: w.Clone()}
	}
	return l, nil
}

// build makes the training network for inputs of a size, in place of the one
// that there is.
func (l *learner) build(size int) error {
	if l.net != nil {
		if l.net.Spec.InputSize == size {
			return nil
		}
		if err := l.net.Close(); err != nil {
			return err
		}
	}
	w := l.weights
	net, err := model.Build(w.Spec.At(size), w, l.recipe.Train.BatchSize, model.Train, l.trainOptions())
	if err != nil {
		return fmt.Errorf("build the training network: %w", err)
	}
	sum := newReduction(l.cluster, net)
	if l.sum != nil {
		sum.spent = l.sum.spent
	}
	l.net, l.sum = net, sum
	return nil
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
		FrozenNorms: l.recipe.Train.BatchNorm == BatchNormFrozen,
	}
}

// trainOptions are the options of the network that is trained.
func (l *learner) trainOptions() model.Options {
	o := l.buildOptions()
	if l.recipe.Train.SyncBatchNorm && l.cluster.Size() > 1 {
		o.Share = func(sums []float64) error { return l.present.SumFloat64(sums) }
	}
	return o
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
// l.shards of them, at learning rate lr; at is moved on. next gives those of this
// rank.
func (l *learner) update(next func() (*dataset.Batch, error), lr float64, at *progress) error {
	shards, each := min(l.shards, l.data.batches-at.Batch), l.each
	first := min(l.cluster.Rank()*each, shards)
	own := min(each, shards-first)
	present := (shards + each - 1) / each
	l.present = l.cluster.First(present)
	l.sum.begin(shards, present)
	var measured []shard
	var failed error
	for i := 0; i < own && failed == nil; i++ {
		var s shard
		if s, failed = l.pass(next, at, first+i, i == own-1); failed == nil {
			measured = append(measured, s)
		}
	}
	// Nobody may wait for a rank that fails, so it takes part to the end.
	if err := l.sum.wait(); err != nil {
		return err
	}
	all, err := l.exchange(measured, failed)
	if err != nil {
		return err
	}
	for _, s := range all {
		if err := l.take(s, lr, at); err != nil {
			return err
		}
	}
	gradients, statistics := l.sum.means()
	l.optimizer.Decay(gradients)
	norm := optimize.Clip(gradients, l.recipe.Train.ClipGradValue, l.recipe.Train.ClipGradNorm)
	if !finite(norm) {
		return l.diverged("the norm of the gradients", norm, lr, at)
	}
	at.Step++
	l.net.Follow(statistics)
	l.optimizer.Update(gradients, lr, at.Step)
	if l.average != nil {
		l.average.Update(l.weights, at.Step)
	}
	return nil
}

// pass runs the network forward and backward on one shard of the update.
func (l *learner) pass(next func() (*dataset.Batch, error), at *progress, number int, last bool) (shard, error) {
	b, err := next()
	if err != nil {
		return shard{}, l.data.damage.advised(fmt.Errorf("training images: %w", err))
	}
	l.sum.pass(last)
	// Dropout's mask follows from the seed and the number of the batch.
	batch := uint64(at.Epoch)*uint64(l.data.batches) + uint64(at.Batch+number)
	loss, err := l.net.Step(b.Images, targets(b), batch)
	if err != nil {
		return shard{}, err
	}
	return measure(loss, l.net.TrainLogits(), b), nil
}

// take counts a shard.
func (l *learner) take(s shard, lr float64, at *progress) error {
	if err := l.data.damage.add(dataset.ImageErrors(s.Skipped), dataset.ImageErrors(s.Damaged)); err != nil {
		return err
	}
	for _, of := range []struct {
		name  string
		value float32
	}{{"the loss", s.Loss.Main}, {"the auxiliary loss", s.Loss.Aux}, {"the early auxiliary loss", s.Loss.AuxEarly}} {
		if !finite(float64(of.value)) {
			return l.diverged(of.name, of.value, lr, at)
		}
	}
	at.Window.add(s)
	at.SoFar.add(s)
	at.Batch++
	return nil
}

// targets returns what the losses compare the network's output with.
func targets(b *dataset.Batch) kernel.Labels {
	return kernel.Labels{Class: b.Labels, Other: b.Others, Share: b.Shares}
}

// rate returns the learning rate of the update after at.
func (l *learner) rate(at *progress) float64 {
	r := l.recipe
	base := r.Optimizer.LearningRate(l.effectiveBatch())
	return r.Schedule.At(base, at.Step, l.updates(), l.data.updates(l.shards))
}

// updates returns the number of updates that the whole training makes.
func (l *learner) updates() int {
	o := l.recipe.Train
	total := o.Epochs * l.data.updates(l.shards)
	if o.MaxSteps > 0 {
		total = min(total, o.MaxSteps)
	}
	return total
}

// movesStatistics reports whether batch-norm statistics that validation uses
// follow the batches: those of frozen layers stay, and some networks have none.
func (l *learner) movesStatistics() bool {
	return l.recipe.Train.BatchNorm != BatchNormFrozen && slices.ContainsFunc(l.weights.Params, func(p *ops.Param) bool {
		return p.Kind == ops.RunningVar && !p.Aux && !l.frozen(p.Layer)
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
func (l *learner) effectiveBatch() int { return l.recipe.Train.BatchSize * l.shards }
