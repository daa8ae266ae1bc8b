package train

import (
	"math"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// optimizer changes weights by their gradients, in place and packed.
type optimizer struct {
	options OptimizerOptions
	updates int // made so far
	slots   map[*ops.Param][]slot
	factors map[*ops.Param]float64 // of the learning rate
}

// slot is what an optimizer remembers of a parameter, packed like it.
type slot struct {
	name string
	data []float32
}

// newOptimizer prepares the updates of params. The classifiers among them
// learn at head_lr_factor times the rate.
func newOptimizer(o OptimizerOptions, params []*ops.Param) *optimizer {
	opt := &optimizer{options: o, slots: map[*ops.Param][]slot{}, factors: map[*ops.Param]float64{}}
	for _, p := range params {
		for _, name := range o.slotNames() {
			s := slot{name, make([]float32, len(p.Data))}
			if name == "mean_square" && o.Name == RMSProp {
				// TensorFlow's begins at 1, so that the first updates are small.
				for i := range s.data {
					s.data[i] = 1
				}
			}
			opt.slots[p] = append(opt.slots[p], s)
		}
		opt.factors[p] = 1
		if p.Head {
			opt.factors[p] = o.HeadLRFactor
		}
	}
	return opt
}

func (o OptimizerOptions) slotNames() []string {
	switch o.Name {
	case RMSProp:
		return []string{"mean_square", "momentum"}
	case SGD:
		return []string{"momentum"}
	}
	return []string{"mean", "mean_square"}
}

// epsilon returns eps, or the optimizer's usual one.
func (o OptimizerOptions) epsilon() float32 {
	switch {
	case o.Eps > 0:
		return float32(o.Eps)
	case o.Name == RMSProp:
		return 1
	}
	return 1e-8
}

// update makes one update at learning rate lr.
func (opt *optimizer) update(gradients []model.Gradient, lr float64) {
	o := opt.options
	opt.updates++
	for _, g := range gradients {
		w, s := g.Param.Data, opt.slots[g.Param]
		rate := lr * opt.factors[g.Param]
		switch o.Name {
		case RMSProp:
			kernel.RMSProp(w, g.Data, s[0].data, s[1].data, float32(rate), float32(o.Alpha), float32(o.Momentum), o.epsilon())
		case SGD:
			kernel.SGD(w, g.Data, s[0].data, float32(rate), float32(o.Momentum))
		case AdamW:
			if g.Param.Decayed() {
				kernel.Scale(w, float32(1-rate*o.WeightDecay))
			}
			fallthrough
		case Adam:
			kernel.Adam(w, g.Data, s[0].data, s[1].data, float32(rate), float32(o.Beta1), float32(o.Beta2), o.epsilon(), opt.updates)
		}
	}
}

// gradientDecay returns the weight decay that joins the gradients: AdamW's
// does not (Loshchilov and Hutter, arXiv 1711.05101).
func (o OptimizerOptions) gradientDecay() float64 {
	if o.Name == AdamW {
		return 0
	}
	return o.WeightDecay
}

// average is the running average of all parameters and batch-norm statistics.
type average struct {
	options EMAOptions
	weights *model.Weights
}

// decayAt returns the decay of update n, counted from 1: with warm-up that of
// tf.train.ExponentialMovingAverage with num_updates.
func (o EMAOptions) decayAt(n int) float64 {
	if !o.Warmup {
		return o.Decay
	}
	return math.Min(o.Decay, float64(1+n)/float64(10+n))
}

// update follows update n of the weights.
func (a *average) update(w *model.Weights, n int) {
	d := float32(a.options.decayAt(n))
	for i, p := range a.weights.Params {
		kernel.EMA(p.Data, w.Params[i].Data, d)
	}
}
