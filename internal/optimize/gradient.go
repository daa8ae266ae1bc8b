package optimize

import (
	"math"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
)

// Tree adds up what the shards of an update give for one parameter, by a fixed
// balanced binary tree over their numbers: 0 and 1, 2 and 3, then those sums, and
// so on; one without a neighbour waits for the next round. So the bits of the sum
// do not depend on who computes which subtree. Its memory is a copy for each
// level below the last shard.
type Tree struct {
	levels [][]float32 // sums of 1, 2, 4 ... shards that wait for their neighbours
	count  int
}

// Add adds the values of the next shard. With the last one, values become the
// sum; before, they are free again.
func (t *Tree) Add(values []float32, last bool) {
	n := t.count
	t.count++
	level := 0
	for ; n&1 == 1; n >>= 1 {
		kernel.Axpy(values, t.levels[level], 1)
		level++
	}
	if !last {
		if level == len(t.levels) {
			t.levels = append(t.levels, make([]float32, len(values)))
		}
		copy(t.levels[level], values)
		return
	}
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			kernel.Axpy(values, t.levels[level], 1)
		}
		level++
	}
	t.count = 0
}

// Restart forgets the shards since the last one that was the last.
func (t *Tree) Restart() { t.count = 0 }

// Clip limits every value of the gradients to +-value, then the norm of all of
// them together to norm; 0 means no limit. It returns the norm before the
// second step: NaN or infinite if any gradient is.
func Clip(gradients []model.Gradient, value, norm float64) float64 {
	all := values(gradients)
	if value > 0 {
		kernel.Pieces(all, func(i, from, to int) { clamp(all[i][from:to], float32(value)) })
	}
	length := math.Sqrt(kernel.SumSquares(all...))
	if norm > 0 && length > norm {
		factor := float32(norm / length)
		kernel.Pieces(all, func(i, from, to int) { kernel.Scale(all[i][from:to], factor) })
	}
	return length
}

// values returns those of gradients.
func values(gradients []model.Gradient) (all [][]float32) {
	for _, g := range gradients {
		all = append(all, g.Data)
	}
	return all
}

// clamp keeps NaN and infinities, so that they are noticed.
func clamp(x []float32, limit float32) {
	for i, v := range x {
		switch {
		case v > limit && v <= math.MaxFloat32:
			x[i] = limit
		case v < -limit && v >= -math.MaxFloat32:
			x[i] = -limit
		}
	}
}
