package train

import (
	"fmt"
	"slices"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// recalibrate replaces the batch-norm statistics of w by the mean of those of
// some training batches: running ones lag behind weights that have just
// moved, and behind averaged weights always (Izmailov et al., "Averaging
// Weights Leads to Wider Optima", arXiv 1803.05407, section 3.2).
func (l *learner) recalibrate(w *model.Weights, batches int, next func() (*dataset.Batch, error)) (err error) {
	spec := w.Spec
	spec.BNDecay = 0 // a batch's statistics take the place of the running ones
	net, err := model.Build(spec, w, l.recipe.Train.BatchSize, model.Statistics, l.buildOptions())
	if err != nil {
		return fmt.Errorf("recalibrate batch norm: %w", err)
	}
	defer net.Close()
	sums := map[*ops.Param][]float64{}
	for _, p := range w.Params {
		if p.Trainable() || l.frozen(p.Layer) {
			continue
		}
		sums[p] = make([]float64, len(p.Data))
		before := slices.Clone(p.Data)
		defer func() {
			if err != nil {
				copy(p.Data, before)
			}
		}()
	}
	for range batches {
		for p := range sums {
			clear(p.Data) // the new one is added to it, which would round it
		}
		b, err := next()
		if err == nil {
			err = l.data.damage.add(b.Skipped, b.Damaged)
		}
		if err != nil {
			return fmt.Errorf("recalibrate batch norm: %w", l.data.damage.explain(err))
		}
		if err := net.Forward(b.Images); err != nil {
			return fmt.Errorf("recalibrate batch norm: %w", err)
		}
		for p, sum := range sums {
			for i, v := range p.Data {
				sum[i] += float64(v)
			}
		}
	}
	for p, sum := range sums {
		for i, s := range sum {
			p.Data[i] = float32(s / float64(batches))
		}
	}
	return nil
}
