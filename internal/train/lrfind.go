package train

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// FindOptions bound the search for a learning rate.
type FindOptions struct {
	From, To float64 // the rates tried, from the lowest to the highest
	Steps    int     // updates in all
}

// DefaultFindOptions tries 100 rates from 1e-6 to 10.
func DefaultFindOptions() FindOptions { return FindOptions{From: 1e-6, To: 10, Steps: 100} }

// RatePoint is one update of a search: the loss at a learning rate.
type RatePoint struct {
	LR       float64 `json:"lr"`
	Loss     float64 `json:"loss"`
	Smoothed float64 `json:"smoothed"`
}

// FindLR raises the learning rate exponentially from one update to the next
// and watches the loss (Smith, "Cyclical Learning Rates for Training Neural
// Networks", arXiv 1506.01186, section 3.3). It ends early when the loss
// explodes. The suggestion is the rate at which the loss falls steepest. The
// job's folder is not touched.
func FindLR(ctx context.Context, job Job, o FindOptions) (curve []RatePoint, suggestion float64, err error) {
	if !(o.From > 0 && o.To > o.From) || o.Steps < 10 {
		return nil, 0, fmt.Errorf("lr-find: needs 0 < from < to and at least 10 steps, has %g, %g, %d", o.From, o.To, o.Steps)
	}
	r, err := prepare(job)
	if err != nil {
		return nil, 0, err
	}
	defer r.net.Close()
	var at progress
	smoothed := 0.0
	for epoch := 0; len(curve) < o.Steps; epoch++ {
		batches := r.data.from(context.WithoutCancel(ctx), epoch, 0)
		for at.Batch = 0; at.Batch < r.data.batches && len(curve) < o.Steps; {
			if ctx.Err() != nil {
				batches.Close()
				return curve, 0, context.Cause(ctx)
			}
			lr := o.From * math.Pow(o.To/o.From, float64(len(curve))/float64(o.Steps-1))
			at.Window = window{}
			err := r.update(batches.Next, lr, &at)
			if errors.Is(err, ErrDiverged) {
				batches.Close()
				return suggest(curve)
			}
			if err != nil {
				batches.Close()
				return curve, 0, err
			}
			loss := at.Window.mean(at.Window.Loss)
			smoothed = smooth(smoothed, loss, len(curve))
			curve = append(curve, RatePoint{lr, loss, smoothed})
			r.reporter.Step(Status{Epoch: 1, Epochs: 1, Step: len(curve), Steps: o.Steps, Loss: smoothed, LR: lr})
			if exploded(curve) {
				batches.Close()
				return suggest(curve)
			}
		}
		batches.Close()
		at.Epoch++
	}
	return suggest(curve)
}

// smooth returns the mean that forgets, with the bias of its beginning
// corrected, after n earlier values.
func smooth(before, value float64, n int) float64 {
	const beta = 0.9
	sum := before*(1-math.Pow(beta, float64(n)))*beta + value*(1-beta)
	return sum / (1 - math.Pow(beta, float64(n+1)))
}

// exploded reports whether the loss has left its best value far behind.
func exploded(curve []RatePoint) bool {
	lowest := math.Inf(1)
	for _, p := range curve {
		lowest = math.Min(lowest, p.Smoothed)
	}
	return len(curve) > 10 && curve[len(curve)-1].Smoothed > 4*lowest
}

// suggest returns the rate of the steepest fall of the smoothed loss over the
// logarithm of the rate, before its lowest point.
func suggest(curve []RatePoint) ([]RatePoint, float64, error) {
	lowest := 0
	for i, p := range curve {
		if p.Smoothed < curve[lowest].Smoothed {
			lowest = i
		}
	}
	best, steepest := -1, 0.0
	for i := 2; i+2 <= lowest; i++ {
		slope := (curve[i+2].Smoothed - curve[i-2].Smoothed) / math.Log(curve[i+2].LR/curve[i-2].LR)
		if slope < steepest {
			best, steepest = i, slope
		}
	}
	if best < 0 {
		return curve, 0, fmt.Errorf("lr-find: the loss never fell in %d steps; try more steps or lower rates", len(curve))
	}
	return curve, curve[best].LR, nil
}
