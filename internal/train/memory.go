package train

import (
	"fmt"
	"math/bits"

	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
)

// need is the memory that a training takes, in bytes.
type need struct {
	weights    int64 // with their average, the optimizer's slots and accumulated gradients
	training   int64 // the network's arena, gradients included, and the batches on their way
	validation int64 // the other networks', and weights with batch norm folded in
}

func (n need) sum() int64 { return runtimeBytes + n.weights + n.training + n.validation }

func (n need) String() string {
	return fmt.Sprintf("about %s of memory (weights and optimizer %s, training %s, validation %s)",
		memory.Size(n.sum()), memory.Size(n.weights), memory.Size(n.training), memory.Size(n.validation))
}

// What a training takes whatever its size: the program and its heap's garbage;
// and the batches that wait, are filled and are in use, which the network reads.
const (
	runtimeBytes = 48 << 20
	batches      = 5
)

// foresee returns an error if one of so many ranks needs more than limit for a
// training, before it takes any of it. It names the largest batch that would fit.
func foresee(c Config, ranks int, validates bool, limit memory.Limit) error {
	batch := c.Train.BatchSize
	n, err := needOf(c, ranks, batch, validates, limit)
	if err != nil || limit.Fits(n.sum()) {
		return err
	}
	most, one, err := largestBatch(c, ranks, n, validates, limit)
	switch {
	case err != nil:
		return err
	case most > 0:
		return settings.Errorf("train.batch_size", "is %d, which needs %s, but %s; the largest that fits is %d, "+
			"and train.grad_accum_steps makes a larger update of several", batch, n, limit, most)
	case one.validation > one.training+one.weights:
		return settings.Errorf("eval.batch_size", "is %d, so that the training needs %s, but %s; a smaller one needs less",
			c.Eval.BatchSize, n, limit)
	}
	return settings.Errorf("train.batch_size", "is %d, which needs %s, but %s; even 1 needs %s, "+
		"so lower model.width or model.input_size", batch, n, limit, memory.Size(one.sum()))
}

// largestBatch returns the largest batch that fits, 0 if there is none, and
// what a batch of one needs. An arena grows nearly in proportion to the batch.
func largestBatch(c Config, ranks int, asked need, validates bool, limit memory.Limit) (most int, one need, err error) {
	if one, err = needOf(c, ranks, 1, validates, limit); err != nil || !limit.Fits(one.sum()) {
		return 0, one, err
	}
	most = c.Train.BatchSize
	// Each guess is measured and corrects the next one.
	for range 4 {
		each := max(1, (asked.sum()-one.sum())/int64(max(1, most-1)))
		most = max(2, min(c.Train.BatchSize-1, 1+int((limit.Most()-one.sum())/each)))
		if asked, err = needOf(c, ranks, most, validates, limit); err != nil {
			return most, one, err
		}
	}
	for ; most > 1; most -= 1 + most/256 {
		if n, err := needOf(c, ranks, most, validates, limit); err != nil || limit.Fits(n.sum()) {
			return most, one, err
		}
	}
	return 1, one, nil
}

// needOf adds up what one of so many ranks needs for a training with a batch. The
// networks are planned over weights that have no values yet.
func needOf(c Config, ranks, batch int, validates bool, limit memory.Limit) (n need, err error) {
	params, err := model.Parameters(c.Model)
	if err != nil {
		return n, err
	}
	w := &model.Weights{Spec: c.Model, Params: params}
	frozen, err := freezer(c.Train.Freeze, w)
	if err != nil {
		return n, err
	}
	copies := int64(1)
	if c.EMA.Decay > 0 {
		copies++
	}
	learning := int64(c.Optimizer.Slots())
	// The sums of shards, one for each level of their tree.
	learning += int64(bits.Len(uint(c.Train.GradAccumSteps - 1)))
	if ranks > 1 {
		learning += 2 // what is sent to other ranks, and what comes from them
	}
	for _, p := range params {
		n.weights += 4 * copies * int64(p.Floats())
		if p.Trainable() && !frozen(p.Layer) {
			n.weights += 4 * learning * int64(p.Floats())
		}
	}
	bytesOf := func(size int) int64 { return 4 * 3 * int64(size) * int64(size) }
	largest, image := c.Train.largest(c.Model.InputSize), bytesOf(c.Model.InputSize)
	n.training = batches * int64(batch) * bytesOf(largest)
	if batch > 1 && !limit.Fits(n.sum()) {
		// The images alone do not fit. The rest is as it is for fewer of them.
		few, err := needOf(c, ranks, 1, validates, limit)
		n.training += int64(batch) * few.training
		n.validation = few.validation
		return n, err
	}
	o := model.Options{Frozen: frozen, FrozenNorms: c.Train.BatchNorm == BatchNormFrozen}
	bytes, err := planned(c.Model.At(largest), w, batch, model.Train, o)
	n.training += bytes
	if err == nil && c.Train.BNRecalibrate > 0 {
		bytes, err = planned(c.Model, w, batch, model.Statistics, o)
		n.validation += bytes
	}
	if err == nil && validates {
		bytes, err = planned(c.Model, w, c.Eval.BatchSize, model.Eval, model.Options{})
		n.validation += bytes + 4*int64(w.Count(false)) + batches*int64(c.Eval.BatchSize)*image
	}
	return n, err
}

// planned returns the size of a network's arena.
func planned(spec model.Spec, w *model.Weights, batch int, mode model.Mode, o model.Options) (int64, error) {
	net, err := model.Build(spec, w, batch, mode, o)
	if err != nil {
		return 0, err
	}
	return net.Plan.Bytes, net.Close()
}
