package optimize

import (
	"math"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// Accumulator averages the gradients of the batches that make one update.
type Accumulator struct {
	sums  map[*ops.Param][]float32
	mean  []model.Gradient
	count int
}

// Add adds one batch's gradients. They are used in place until a second batch
// comes, so that without accumulation nothing is copied.
func (a *Accumulator) Add(gradients []model.Gradient, last bool) {
	a.count++
	if a.count == 1 {
		a.mean = gradients
		if last {
			return
		}
		if a.sums == nil {
			a.sums = map[*ops.Param][]float32{}
		}
		a.mean = make([]model.Gradient, len(gradients))
		for i, g := range gradients {
			if a.sums[g.Param] == nil {
				a.sums[g.Param] = make([]float32, len(g.Data))
			}
			copy(a.sums[g.Param], g.Data)
			a.mean[i] = model.Gradient{Param: g.Param, Data: a.sums[g.Param]}
		}
		return
	}
	for i, g := range gradients {
		kernel.Axpy(a.mean[i].Data, g.Data, 1)
	}
}

// Take returns the mean of the added gradients and starts again from none.
func (a *Accumulator) Take() []model.Gradient {
	if a.count > 1 {
		for _, g := range a.mean {
			kernel.Scale(g.Data, 1/float32(a.count))
		}
	}
	mean := a.mean
	a.mean, a.count = nil, 0
	return mean
}

// Clip limits every value of the gradients to +-value, then the norm of all of
// them together to norm; 0 means no limit. It returns the norm before the
// second step: NaN or infinite if any gradient is.
func Clip(gradients []model.Gradient, value, norm float64) float64 {
	sum := 0.0
	for _, g := range gradients {
		if value > 0 {
			clamp(g.Data, float32(value))
		}
		sum += kernel.SumSquares(g.Data)
	}
	length := math.Sqrt(sum)
	if norm > 0 && length > norm {
		for _, g := range gradients {
			kernel.Scale(g.Data, float32(norm/length))
		}
	}
	return length
}

// clamp keeps NaN, so that it is noticed.
func clamp(x []float32, limit float32) {
	for i, v := range x {
		if v > limit {
			x[i] = limit
		} else if v < -limit {
			x[i] = -limit
		}
	}
}
