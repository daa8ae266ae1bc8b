package train

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
)

// FindOptions bound the search for a learning rate.
type FindOptions struct {
	From, To float64 // the rates tried, from the lowest to the highest
	Steps    int     // updates in all
}

// DefaultFindOptions tries 100 rates from 1e-6 to 10.
func DefaultFindOptions() FindOptions { return FindOptions{From: 1e-6, To: 10, Steps: 100} }

// stepsPerDecade are the updates that a factor of ten of the rate needs: with
// fewer, a fall of the loss is a point or two and cannot be told from chance.
const stepsPerDecade = 8

// Validate returns what is wrong with the bounds.
func (o FindOptions) Validate() error {
	if !(o.From > 0 && o.To > o.From && o.To <= 1000) || o.Steps < 10 {
		return fmt.Errorf("lr-find: needs 0 < from < to <= 1000 and at least 10 steps, has %g, %g, %d",
			o.From, o.To, o.Steps)
	}
	if least := int(math.Ceil(stepsPerDecade * math.Log10(o.To/o.From))); o.Steps < least {
		return fmt.Errorf("lr-find: %d steps are too few from %g to %g: what the loss does there could be chance; "+
			"needs at least %d steps, %d for each factor of ten", o.Steps, o.From, o.To, least, stepsPerDecade)
	}
	return nil
}

// RatePoint is one update of a search.
type RatePoint struct {
	LR       float64 `json:"lr"`
	Loss     float64 `json:"loss"`     // of the watched images, after the update at this rate
	Smoothed float64 `json:"smoothed"` // over neighbouring rates
}

// RateSearch is what a search has found.
type RateSearch struct {
	Suggestion float64     `json:"suggestion"` // where the loss falls steepest
	Lowest     float64     `json:"lowest"`     // where it is lowest: rates from here on are too high
	Diverged   bool        `json:"diverged"`   // ended early: the loss exploded or stayed above its start
	Batch      int         `json:"batch"`      // images of an update, for which the rates are
	Probe      int         `json:"probe"`      // images whose loss is watched
	Before     float64     `json:"before"`     // their loss before the first update
	Curve      []RatePoint `json:"curve"`
}

// FindLR raises the learning rate exponentially from one update to the next
// and watches the loss (Smith, "Cyclical Learning Rates for Training Neural
// Networks", arXiv 1506.01186, section 3.3). The losses of different batches
// differ by more than an update changes them, so what is watched is the loss of
// the same images after each update. It ends early when the loss explodes. The
// suggestion is the rate at which the loss falls steepest. The job's folder is
// not touched.
func FindLR(ctx context.Context, job Job, o FindOptions) (RateSearch, error) {
	if err := o.Validate(); err != nil {
		return RateSearch{}, err
	}
	job.EMA.Decay, job.Train.Sizes = 0, nil // nobody looks at the average
	job.Eval.MaxImages = 0                  // nothing is validated
	r, err := prepare(job)
	if err != nil {
		return RateSearch{}, err
	}
	defer r.net.Close()
	r.adviseInit()
	if err := r.whiten(ctx); err != nil {
		return RateSearch{}, err
	}
	if err := r.fitHead(ctx); err != nil {
		return RateSearch{}, err
	}
	w, err := r.watch(ctx)
	if err != nil {
		return RateSearch{}, err
	}
	defer w.net.Close()
	s := RateSearch{Batch: r.effectiveBatch(), Probe: w.images}
	if s.Before, err = w.loss(); err != nil {
		return s, err
	}
	for at := (progress{}); len(s.Curve) < o.Steps && !s.Diverged; at.Epoch++ {
		if err := r.search(ctx, o, w, &at, &s); err != nil {
			return s, err
		}
	}
	return s, s.suggest()
}

// watched is images whose loss shows what updates do. Their views are always the
// same, and dropout leaves nothing out.
type watched struct {
	net     *model.Network
	batches []*dataset.Batch
	images  int
}

// watch takes a share of every class of the training images: a whole number of
// batches, and about 64.
func (r *run) watch(ctx context.Context) (*watched, error) {
	const about = 64
	images := r.data.train.Len()
	size := min(r.recipe.Train.BatchSize, images)
	set := dataset.Sample(r.data.train, min(max(1, about/size), images/size)*size)
	loader := dataset.NewLoader(set, dataset.LoaderOptions{
		Batch: size, Workers: r.job.Data.Workers, Preprocess: r.data.preprocess, SkipUnreadable: true,
	})
	w := &watched{}
	batches := loader.Epoch(ctx, 0, 0)
	defer batches.Close()
	for range loader.BatchesPerEpoch() {
		b, err := batches.Next()
		if err != nil {
			return nil, fmt.Errorf("lr-find: %w", err)
		}
		for _, label := range b.Labels {
			if label >= 0 {
				w.images++
			}
		}
		// The loader fills b again.
		w.batches = append(w.batches, &dataset.Batch{Images: slices.Clone(b.Images), Labels: slices.Clone(b.Labels)})
	}
	if w.images == 0 {
		return nil, errors.New("lr-find: none of the training images can be read")
	}
	spec := r.weights.Spec
	spec.Dropout, spec.AuxDropout = 0, 0
	var err error
	w.net, err = model.Build(spec, r.weights, size, model.Statistics, r.buildOptions())
	if err != nil {
		return nil, fmt.Errorf("lr-find: %w", err)
	}
	return w, nil
}

// loss returns the mean cross-entropy of the images, with the statistics of its
// own batches.
func (w *watched) loss() (float64, error) {
	sum := 0.0
	for _, b := range w.batches {
		if err := w.net.Forward(b.Images); err != nil {
			return 0, fmt.Errorf("lr-find: %w", err)
		}
		logits, classes := w.net.Logits(), w.net.Spec.Classes
		for i, label := range b.Labels {
			if label >= 0 {
				sum += evaluate.CrossEntropy(logits[i*classes:(i+1)*classes], label)
			}
		}
	}
	return sum / float64(w.images), nil
}

// search goes through one epoch of a search.
func (r *run) search(ctx context.Context, o FindOptions, w *watched, at *progress, s *RateSearch) error {
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
		begin := time.Now()
		err := r.update(batches.Next, lr, at)
		at.Window.took(time.Since(begin), lr)
		if errors.Is(err, ErrDiverged) {
			s.Diverged = true
			return nil
		}
		if err != nil {
			return err
		}
		p := RatePoint{LR: lr}
		if p.Loss, err = w.loss(); err != nil {
			return err
		}
		if !finite(p.Loss) {
			s.Diverged = true
			return nil
		}
		s.Curve = append(s.Curve, p)
		s.Diverged = s.lost()
		r.reporter.Step(Status{
			Epoch: 1, Epochs: 1, Step: len(s.Curve), Steps: o.Steps,
			Loss: p.Loss, Top1: at.Window.mean(float64(at.Window.Top1)), LR: lr,
			ImagesPerSecond: at.Window.imagesPerSecond(),
		})
	}
	return nil
}

// lost reports whether the loss has exploded, or has stayed above where it began
// for a decade's least steps: higher rates can only be worse.
func (s *RateSearch) lost() bool {
	n := len(s.Curve)
	if n > 0 && s.Curve[n-1].Loss > 2*s.Before {
		return true
	}
	return n >= stepsPerDecade && !slices.ContainsFunc(s.Curve[n-stepsPerDecade:], func(p RatePoint) bool {
		return p.Loss <= 1.02*s.Before
	})
}

// suggest finds the rate of the steepest fall of the smoothed loss over the
// logarithm of the rate, before its lowest point. A fall that could be chance
// suggests nothing.
func (s *RateSearch) suggest() error {
	if len(s.Curve) < stepsPerDecade {
		return fmt.Errorf("lr-find: %w after %d steps; look at the images and data.preprocess, "+
			"or search from a lower rate", ErrDiverged, len(s.Curve))
	}
	s.smooth()
	lowest := 0
	for i, p := range s.Curve {
		if p.Smoothed < s.Curve[lowest].Smoothed {
			lowest = i
		}
	}
	fall, varies := s.Before-s.Curve[lowest].Smoothed, variation(s.Curve[:lowest+1])
	if fall < max(0.01*s.Before, 5*varies) {
		return fmt.Errorf("lr-find: nothing to suggest: from %.2g to %.2g the loss of %d images fell by %.3f of %.3f, "+
			"which may be chance (from step to step it varies by %.3f); try --steps %d, or other bounds",
			s.Curve[0].LR, s.Curve[len(s.Curve)-1].LR, s.Probe, math.Max(0, fall), s.Before, varies, 3*len(s.Curve))
	}
	best, steepest := 0, 0.0
	for i := 1; i <= lowest; i++ {
		from, to := s.Curve[i-1], s.Curve[min(i+1, lowest)]
		slope := (to.Smoothed - from.Smoothed) / math.Log(to.LR/from.LR)
		if slope < steepest {
			best, steepest = i, slope
		}
	}
	s.Lowest = s.Curve[lowest].LR
	s.Suggestion = s.Curve[best].LR
	return nil
}

// smooth fills in the smoothed losses: means of neighbours with weights that
// fall off as a normal curve over an eighth of a decade, and at least a step.
// What is above twice the first loss counts as that.
func (s *RateSearch) smooth() {
	width := 1.0
	if n := len(s.Curve); n > 1 {
		width = max(width, float64(n-1)/math.Log10(s.Curve[n-1].LR/s.Curve[0].LR)/8)
	}
	for i := range s.Curve {
		sum, weights := 0.0, 0.0
		for j, p := range s.Curve {
			z := float64(j-i) / width
			w := math.Exp(-z * z / 2)
			sum, weights = sum+w*math.Min(p.Loss, 2*s.Before), weights+w
		}
		s.Curve[i].Smoothed = sum / weights
	}
}

// variation estimates the standard deviation of losses around their trend by
// the second differences, of which it takes the median: a few jumps do not
// count.
func variation(curve []RatePoint) float64 {
	var differences []float64
	for i := 2; i < len(curve); i++ {
		differences = append(differences, math.Abs(curve[i].Loss-2*curve[i-1].Loss+curve[i-2].Loss))
	}
	if len(differences) == 0 {
		return 0
	}
	slices.Sort(differences)
	// The median of a normal variable's distance from 0 is 0.6745 deviations,
	// and the weights 1, -2, 1 make the deviation root six times as large.
	return differences[len(differences)/2] / 0.6745 / math.Sqrt(6)
}
