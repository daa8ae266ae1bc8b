package train

import (
	"cmp"
	"fmt"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// recalibrate replaces the batch-norm statistics of w by the mean of those of
// some training batches: running ones lag behind weights that have just
// moved, and behind averaged weights always (Izmailov et al., "Averaging
// Weights Leads to Wider Optima", arXiv 1803.05407, section 3.2).
//
// The ranks take turns: batch n is measured by rank n modulo their number, to
// which next gives it.
func (l *learner) recalibrate(w *model.Weights, batches int, next func() (*dataset.Batch, error)) error {
	net, err := model.Build(w.Spec, w, l.recipe.Train.BatchSize, model.Statistics, l.buildOptions())
	if err != nil {
		return fmt.Errorf("recalibrate batch norm: %w", err)
	}
	defer net.Close()
	ranks := l.cluster.Size()
	sums := make([][]float64, len(net.Statistics()))
	for i, s := range net.Statistics() {
		sums[i] = make([]float64, len(s.Data))
	}
	for from := 0; from < batches; from += ranks {
		var own []shard
		var failed error
		if from+l.cluster.Rank() < batches {
			own, failed = l.statistics(net, next)
		}
		measured, err := l.exchange(own, failed)
		for _, s := range measured {
			err = cmp.Or(err, l.data.damage.add(dataset.ImageErrors(s.Skipped), dataset.ImageErrors(s.Damaged)))
		}
		if err == nil {
			err = l.addStatistics(sums, net.Statistics(), len(measured))
		}
		if err != nil {
			return fmt.Errorf("recalibrate batch norm: %w", err)
		}
	}
	for i, s := range net.Statistics() {
		for k, sum := range sums[i] {
			s.Param.Data[k] = float32(sum / float64(batches))
		}
	}
	return nil
}

// statistics measures the next batch.
func (l *learner) statistics(net *model.Network, next func() (*dataset.Batch, error)) ([]shard, error) {
	b, err := next()
	if err != nil {
		return nil, l.data.damage.advised(err)
	}
	return []shard{harmed(b)}, net.Forward(b.Images)
}

// addStatistics adds those of the first ranks to the sums, rank by rank.
func (l *learner) addStatistics(sums [][]float64, own []ops.Statistic, ranks int) error {
	for i, s := range own {
		all, err := l.cluster.AllGatherFloats(s.Data)
		if err != nil {
			return err
		}
		for _, values := range all[:ranks] {
			for k, v := range values {
				sums[i][k] += float64(v)
			}
		}
	}
	return nil
}
