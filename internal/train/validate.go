package train

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Validate returns the first thing wrong with the options, as "KEY: message".
func (o Options) Validate() error {
	for _, validate := range []func() error{
		o.Train.Validate, o.LabelSmoothing.Validate, o.Optimizer.Validate,
		o.Schedule.Validate, o.EMA.Validate,
	} {
		if err := validate(); err != nil {
			return err
		}
	}
	return nil
}

// Validate returns the first thing wrong with the train.* keys.
func (o LoopOptions) Validate() error {
	if err := first(
		atLeast("train.epochs", o.Epochs, 1),
		atLeast("train.max_steps", o.MaxSteps, 0),
		atLeast("train.batch_size", o.BatchSize, 1),
		atLeast("train.grad_accum_steps", o.GradAccumSteps, 1),
		oneOf("train.precision", o.Precision, "fp32"),
		within("train.aux_weight", o.AuxWeight, 0, 100),
		within("train.clip_grad_norm", o.ClipGradNorm, 0, math.MaxFloat32),
		within("train.clip_grad_value", o.ClipGradValue, 0, math.MaxFloat32),
		atLeast("train.patience", o.Patience, 0),
		atLeast("train.checkpoint_every", o.CheckpointEvery, 0),
		atLeast("train.log_every", o.LogEvery, 0),
		atLeast("train.bn_recalibrate", o.BNRecalibrate, 0),
	); err != nil {
		return err
	}
	if o.MaxTime < 0 {
		return fmt.Errorf("train.max_time: must not be negative, is %s", o.MaxTime)
	}
	if slices.Contains(o.Freeze, "") {
		return fmt.Errorf("train.freeze: an empty name would freeze every layer; name the first layers' beginnings, such as Conv2d")
	}
	return nil
}

// Validate returns the first thing wrong with the label_smoothing.* keys.
func (o SmoothingOptions) Validate() error {
	return first(
		below("label_smoothing.epsilon", o.Epsilon, 1),
		oneOf("label_smoothing.spread", o.Spread, SpreadUniform, SpreadWrongOnly),
	)
}

// Validate returns the first thing wrong with the optimizer.* keys.
func (o OptimizerOptions) Validate() error {
	if err := first(
		oneOf("optimizer.name", o.Name, RMSProp, SGD, Adam, AdamW),
		within("optimizer.lr", o.LR, 0, 1000),
		within("optimizer.lr_base", o.LRBase, 0, 1000),
		below("optimizer.alpha", o.Alpha, 1),
		below("optimizer.momentum", o.Momentum, 1),
		below("optimizer.beta1", o.Beta1, 1),
		below("optimizer.beta2", o.Beta2, 1),
		within("optimizer.eps", o.Eps, 0, 1000),
		within("optimizer.weight_decay", o.WeightDecay, 0, 100),
		within("optimizer.head_lr_factor", o.HeadLRFactor, 0, 1e6),
	); err != nil {
		return err
	}
	if o.Eps != 0 && o.Eps < 1e-30 {
		return fmt.Errorf("optimizer.eps: vanishes in float32 arithmetic, is %g; use 0 for the usual one or at least 1e-30", o.Eps)
	}
	if o.LR == 0 && o.LRBase == 0 {
		return fmt.Errorf("optimizer.lr: must be positive, is 0; set it, or lr_base with lr_base_size")
	}
	if o.LR == 0 && o.LRBaseSize < 1 {
		return fmt.Errorf("optimizer.lr_base_size: must be at least 1, is %d", o.LRBaseSize)
	}
	return nil
}

// Validate returns the first thing wrong with the schedule.* keys.
func (o ScheduleOptions) Validate() error {
	if err := first(
		oneOf("schedule.name", o.Name, Staircase, Exponential, Cosine, Constant),
		within("schedule.warmup_epochs", o.WarmupEpochs, 0, 1e6),
		within("schedule.min_lr", o.MinLR, 0, 1000),
	); err != nil || (o.Name != Staircase && o.Name != Exponential) {
		return err
	}
	if !(o.DecayEpochs > 0 && o.DecayEpochs < 1e9) {
		return fmt.Errorf("schedule.decay_epochs: must be positive, is %g", o.DecayEpochs)
	}
	if !(o.DecayRate > 0 && o.DecayRate <= 1) {
		return fmt.Errorf("schedule.decay_rate: must be above 0 and at most 1, is %g", o.DecayRate)
	}
	return nil
}

// Validate returns the first thing wrong with the ema.* keys.
func (o EMAOptions) Validate() error { return below("ema.decay", o.Decay, 1) }

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func atLeast(key string, value, least int) error {
	if value < least {
		return fmt.Errorf("%s: must be at least %d, is %d", key, least, value)
	}
	return nil
}

// within also refuses NaN and the infinities.
func within(key string, value, low, high float64) error {
	if !(value >= low && value <= high) {
		return fmt.Errorf("%s: must be from %g to %g, is %g", key, low, high, value)
	}
	return nil
}

func below(key string, value, limit float64) error {
	if !(value >= 0 && value < limit) {
		return fmt.Errorf("%s: must be at least 0 and below %g, is %g", key, limit, value)
	}
	return nil
}

func oneOf(key, value string, values ...string) error {
	if !slices.Contains(values, value) {
		return fmt.Errorf("%s: %q is unknown; known: %s", key, value, strings.Join(values, ", "))
	}
	return nil
}
