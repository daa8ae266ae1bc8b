package train

import "math"

// LearningRate returns the unscheduled rate for an effective batch: lr as it
// is, else lr_base in proportion to the batch (Goyal et al., "Accurate, Large
// Minibatch SGD", arXiv 1706.02677).
func (o OptimizerOptions) LearningRate(effectiveBatch int) float64 {
	if o.LR > 0 {
		return o.LR
	}
	return o.LRBase * float64(effectiveBatch) / float64(o.LRBaseSize)
}

// At returns the learning rate of update step (from 0), in a training of
// total updates whose unscheduled rate is base.
func (o ScheduleOptions) At(base float64, step, total, stepsPerEpoch int) float64 {
	warmup := o.WarmupEpochs * float64(stepsPerEpoch)
	if at := float64(step) + 1; at < warmup {
		return base * at / warmup
	}
	epoch := float64(step) / float64(stepsPerEpoch)
	rate := base
	switch o.Name {
	case Staircase:
		// The tiny push keeps an epoch that is a decay's border from falling
		// short of it by rounding.
		rate = base * math.Pow(o.DecayRate, math.Floor(epoch/o.DecayEpochs+1e-9))
	case Exponential:
		rate = base * math.Pow(o.DecayRate, epoch/o.DecayEpochs)
	case Cosine:
		progress := (float64(step) - warmup) / math.Max(1, float64(total)-warmup)
		progress = math.Min(1, math.Max(0, progress))
		floor := math.Min(o.MinLR, base)
		return floor + (base-floor)*(1+math.Cos(math.Pi*progress))/2
	}
	return math.Max(rate, math.Min(o.MinLR, base))
}
