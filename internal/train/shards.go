package train

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"math/bits"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
)

// RankCounts lists how many ranks can share updates of so many batches: each
// computes a whole subtree of their sum.
func RankCounts(shards int) (counts []int) {
	for n := 1; n <= shards; n++ {
		if each := shards / n; shards%n == 0 && (n == 1 || each&(each-1) == 0) {
			counts = append(counts, n)
		}
	}
	return counts
}

// divide makes an update of so many shards, of which each rank computes a
// subtree of their sum.
func (l *learner) divide(shards int) error {
	ranks := l.cluster.Size()
	each := shards / ranks
	if l.recipe.Train.SyncBatchNorm && each > 1 {
		return settings.Errorf("train.sync_batch_norm", "needs all batches of an update at once, but each rank has %d "+
			"(train.grad_accum_steps) one after another; use %d ranks, or a larger train.batch_size", each, shards)
	}
	if shards%ranks != 0 {
		return settings.Errorf("train.grad_accum_steps", "is %d, and %d ranks cannot share an update of so many batches; "+
			"%v can", shards, ranks, RankCounts(shards))
	}
	if ranks > 1 && each&(each-1) != 0 {
		less := 1 << (bits.Len(uint(each)) - 1)
		return settings.Errorf("train.grad_accum_steps", "is %d on each of %d ranks, but several ranks add up "+
			"powers of two alone; the nearest are %d and %d", each, ranks, less, 2*less)
	}
	l.shards, l.each = shards, each
	return nil
}

// mine reports whether a batch of an epoch is this rank's.
func (l *learner) mine(batch int) bool {
	return batch%l.shards/l.each == l.cluster.Rank()
}

// shard is what is measured of one batch of an update.
type shard struct {
	Loss       model.Loss
	Images     int // those with a label
	Top1, Top5 int
	Skipped    []dataset.Harm // images that could not be read
	Damaged    []dataset.Harm // images that were used as far as they go
}

// measure counts what a pass has got right.
func measure(loss model.Loss, logits []float32, b *dataset.Batch) shard {
	s := harmed(b)
	s.Loss = loss
	classes := len(logits) / len(b.Labels)
	for i, label := range b.Labels {
		if label < 0 {
			continue
		}
		s.Images++
		rank := evaluate.Rank(logits[i*classes:(i+1)*classes], label)
		if rank <= 1 {
			s.Top1++
		}
		if rank <= 5 {
			s.Top5++
		}
	}
	return s
}

// harmed returns a shard that says what is wrong with the batch's images.
func harmed(b *dataset.Batch) shard {
	return shard{Skipped: dataset.Harms(b.Skipped), Damaged: dataset.Harms(b.Damaged)}
}

// exchange gives every rank the shards of all, in their order. An error of any
// rank is one for all.
func (l *learner) exchange(own []shard, failed error) ([]shard, error) {
	if l.cluster.Size() == 1 {
		return own, failed
	}
	type contribution struct {
		Shards []shard
		Failed string
	}
	mine := contribution{Shards: own}
	if failed != nil {
		mine.Failed = failed.Error()
	}
	var data bytes.Buffer
	if err := gob.NewEncoder(&data).Encode(mine); err != nil {
		return nil, fmt.Errorf("exchange of the shards' losses: %w", err)
	}
	all, err := l.cluster.AllGather(data.Bytes())
	if err != nil {
		return nil, err
	}
	var shards []shard
	for rank, data := range all {
		var c contribution
		if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&c); err != nil {
			return nil, fmt.Errorf("%s: losses: %w", l.cluster.Name(rank), err)
		}
		if c.Failed != "" && failed == nil {
			failed = fmt.Errorf("%s: %s", l.cluster.Name(rank), c.Failed)
		}
		shards = append(shards, c.Shards...)
	}
	return shards, failed
}
