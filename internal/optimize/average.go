package optimize

import (
	"math"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
)

// EMAOptions are the ema.* keys: the running average of the weights and of
// the batch-norm statistics that validation and saved weights use.
type EMAOptions struct {
	Decay  float64 `yaml:"decay" json:"decay" help:"decay of the running average of the weights per update; 0 for no average"`
	Warmup bool    `yaml:"warmup" json:"warmup" help:"start with a decay of (1+n)/(10+n) after n updates while that is smaller"`
}

// Validate returns the first thing wrong with the ema.* keys.
func (o EMAOptions) Validate() error { return settings.Below("ema.decay", o.Decay, 1) }

// Average is the running average of all parameters and batch-norm statistics.
type Average struct {
	Options EMAOptions
	Weights *model.Weights
}

// Update must follow update n of the weights, counted from 1.
func (a *Average) Update(w *model.Weights, n int) {
	d := float32(a.Options.decayAt(n))
	var all [][]float32
	for _, p := range a.Weights.Params {
		all = append(all, p.Data)
	}
	kernel.Pieces(all, func(i, from, to int) { kernel.EMA(all[i][from:to], w.Params[i].Data[from:to], d) })
}

// decayAt returns the decay of update n: with warm-up that of
// tf.train.ExponentialMovingAverage with num_updates.
func (o EMAOptions) decayAt(n int) float64 {
	if !o.Warmup {
		return o.Decay
	}
	return math.Min(o.Decay, float64(1+n)/float64(10+n))
}
