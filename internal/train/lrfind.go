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

// Validate returns what is wrong with the bounds.
func (o FindOptions) Validate() error {
	if !(o.From > 0 && o.To > o.From && o.To <= 1000) || o.Steps < 10 {
		return fmt.Errorf("lr-find: needs 0 < from < to <= 1000 and at least 10 steps, has %g, %g, %d",
			o.From, o.To, o.Steps)
	}
	return nil
}

// RatePoint is one update of a search: the loss at a learning rate.
type RatePoint struct {
	LR       float64 `json:"lr"`
	Loss     float64 `json:"loss"`
	Smoothed float64 `json:"smoothed"`
}

// RateSearch is what a search has found.
type RateSearch struct {
	Suggestion float64     `json:"suggestion"` // where the loss falls steepest
	Lowest     float64     `json:"lowest"`     // where it is lowest: rates from here on are too high
	Diverged   bool        `json:"diverged"`   // the search ended early because the loss exploded
	Batch      int         `json:"batch"`      // images of an update, for which the rates are
	Curve      []RatePoint `json:"curve"`
}

// FindLR raises the learning rate exponentially from one update to the next
// and watches the loss (Smith, "Cyclical Learning Rates for Training Neural
// Networks", arXiv 1506.01186, section 3.3). It ends early when the loss
// explodes. The suggestion is the rate at which the loss falls steepest. The
// job's folder is not touched.
func FindLR(ctx context.Context, job Job, o FindOptions) (RateSearch, error) {
	if err := o.Validate(); err != nil {
		return RateSearch{}, err
	}
	job.EMA.Decay = 0 // nobody looks at the average
	r, err := prepare(job)
	if err != nil {
		return RateSearch{}, err
	}
	defer r.net.Close()
	r.adviseInit()
	s := RateSearch{Batch: r.effectiveBatch()}
	for at := (progress{}); len(s.Curve) < o.Steps && !s.Diverged; at.Epoch++ {
		if err := r.search(ctx, o, &at, &s); err != nil {
			return s, err
		}
	}
	return s, s.suggest()
}

// search goes through one epoch of a search.
func (r *run) search(ctx context.Context, o FindOptions, at *progress, s *RateSearch) error {
	at.Batch = 0
	batches := r.from(context.WithoutCancel(ctx), at.Epoch, 0)
	defer batches.Close()
	for at.Batch < r.data.batches && len(s.Curve) < o.Steps && !s.Diverged {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n := len(s.Curve)
		lr := o.From * math.Pow(o.To/o.From, float64(n)/float64(o.Steps-1))
		at.Window = window{}
		err := r.update(batches.Next, lr, at)
		if errors.Is(err, ErrDiverged) {
			s.Diverged = true
			return nil
		}
		if err != nil {
			return err
		}
		p := RatePoint{LR: lr, Loss: at.Window.mean(at.Window.Loss)}
		if n > 0 {
			p.Smoothed = s.Curve[n-1].Smoothed
		}
		p.Smoothed = smooth(p.Smoothed, p.Loss, n)
		s.Curve = append(s.Curve, p)
		s.Diverged = exploded(s.Curve)
		r.reporter.Step(Status{
			Epoch: 1, Epochs: 1, Step: len(s.Curve), Steps: o.Steps,
			Loss: p.Smoothed, Top1: at.Window.mean(float64(at.Window.Top1)), LR: lr,
			ImagesPerSecond: at.Window.imagesPerSecond(),
		})
	}
	return nil
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

// suggest finds the rate of the steepest fall of the smoothed loss over the
// logarithm of the rate, before its lowest point.
func (s *RateSearch) suggest() error {
	if len(s.Curve) == 0 {
		return fmt.Errorf("lr-find: %w at the very first step; look at the images and data.preprocess, "+
			"or search from a lower rate", ErrDiverged)
	}
	lowest := 0
	for i, p := range s.Curve {
		if p.Smoothed < s.Curve[lowest].Smoothed {
			lowest = i
		}
	}
	before := s.Curve[min(lowest, len(s.Curve)/10)].Smoothed
	if fall := before - s.Curve[lowest].Smoothed; !(fall > max(1e-3*before, spreadOfBatches(s.Curve[:lowest+1]))) {
		return fmt.Errorf("lr-find: in %d steps the loss fell by %.3f, no more than it differs from batch to batch; "+
			"try more steps, or other bounds",
			len(s.Curve), math.Max(0, fall))
	}
	best, steepest := 0, 0.0
	reach := max(2, len(s.Curve)/25)
	for i := reach; i+reach <= lowest; i++ {
		from, to := s.Curve[i-reach], s.Curve[i+reach]
		slope := (to.Smoothed - from.Smoothed) / math.Log(to.LR/from.LR)
		if slope < steepest {
			best, steepest = i, slope
		}
	}
	s.Lowest = s.Curve[lowest].LR
	s.Suggestion = s.Curve[best].LR
	return nil
}

// spreadOfBatches estimates the standard deviation of single losses around
// their trend, by the differences of neighbours.
func spreadOfBatches(curve []RatePoint) float64 {
	sum := 0.0
	for i := 1; i < len(curve); i++ {
		d := curve[i].Loss - curve[i-1].Loss
		sum += d * d / 2
	}
	return math.Sqrt(sum / float64(max(1, len(curve)-1)))
}
