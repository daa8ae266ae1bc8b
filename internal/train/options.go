package train

import "time"

// Options are the settings of a training: the keys train.*,
// label_smoothing.*, optimizer.*, schedule.* and ema.* of a configuration.
type Options struct {
	Train          LoopOptions      `yaml:"train" json:"train"`
	LabelSmoothing SmoothingOptions `yaml:"label_smoothing" json:"label_smoothing"`
	Optimizer      OptimizerOptions `yaml:"optimizer" json:"optimizer"`
	Schedule       ScheduleOptions  `yaml:"schedule" json:"schedule"`
	EMA            EMAOptions       `yaml:"ema" json:"ema"`
}

// LoopOptions are the train.* keys: how long and on what a training steps.
type LoopOptions struct {
	Seed            uint64        `yaml:"seed" json:"seed" help:"of the initial weights, the order of the images, augmentation and dropout; the same seed gives the same bits"`
	Epochs          int           `yaml:"epochs" json:"epochs" help:"passes over the training images"`
	MaxSteps        int           `yaml:"max_steps" json:"max_steps" help:"stop after that many updates of the weights; 0 for no limit"`
	MaxTime         time.Duration `yaml:"max_time" json:"max_time" help:"stop after that much training, such as 90m or 8h; 0 for no limit"`
	BatchSize       int           `yaml:"batch_size" json:"batch_size" help:"images in one pass through the network"`
	GradAccumSteps  int           `yaml:"grad_accum_steps" json:"grad_accum_steps" help:"batches whose gradients are averaged into one update; the effective batch is batch_size times this"`
	Precision       string        `yaml:"precision" json:"precision" help:"arithmetic: fp32"`
	AuxWeight       float64       `yaml:"aux_weight" json:"aux_weight" help:"weight of an auxiliary head's loss beside the main one"`
	ClipGradNorm    float64       `yaml:"clip_grad_norm" json:"clip_grad_norm" help:"largest norm of all gradients together; 0 for no limit"`
	ClipGradValue   float64       `yaml:"clip_grad_value" json:"clip_grad_value" help:"largest absolute value of one gradient, applied before clip_grad_norm; 0 for no limit"`
	Patience        int           `yaml:"patience" json:"patience" help:"stop after that many epochs without a better validation top-1; 0 for never"`
	CheckpointEvery int           `yaml:"checkpoint_every" json:"checkpoint_every" help:"updates between checkpoints; 0 for one at each epoch's end and at least one in 30 minutes"`
	LogEvery        int           `yaml:"log_every" json:"log_every" help:"updates between training lines in metrics.jsonl; 0 for one an epoch"`
	Freeze          []string      `yaml:"freeze" json:"freeze" help:"layers that stay as they are, by the beginnings of their names, such as Conv2d or Mixed_5; batch-norm statistics included"`
	BNRecalibrate   int           `yaml:"bn_recalibrate" json:"bn_recalibrate" help:"before a validation, measure the batch-norm statistics of the validated weights anew on that many training batches; 0 keeps the running ones"`
}

// SmoothingOptions are the label_smoothing.* keys.
type SmoothingOptions struct {
	Epsilon float64 `yaml:"epsilon" json:"epsilon" help:"probability taken from the true class (section 7 of the paper); 0 for hard labels"`
	Spread  string  `yaml:"spread" json:"spread" help:"who gets it: uniform (all classes, the true one too, as in the paper) or wrong_only"`
}

// The settings of SmoothingOptions.Spread.
const (
	SpreadUniform   = "uniform"
	SpreadWrongOnly = "wrong_only"
)

// OptimizerOptions are the optimizer.* keys.
type OptimizerOptions struct {
	Name         string  `yaml:"name" json:"name" help:"rmsprop (TensorFlow's definition, the paper's choice), sgd, adam or adamw"`
	LR           float64 `yaml:"lr" json:"lr" help:"learning rate, never scaled; 0 takes lr_base"`
	LRBase       float64 `yaml:"lr_base" json:"lr_base" help:"learning rate for an effective batch of lr_base_size images, scaled in proportion to the effective batch in use"`
	LRBaseSize   int     `yaml:"lr_base_size" json:"lr_base_size" help:"effective batch that lr_base is for; the paper's 0.045 is for 1600 (32 images on each of 50 replicas)"`
	Alpha        float64 `yaml:"alpha" json:"alpha" help:"decay of rmsprop's mean square (TensorFlow calls it decay)"`
	Momentum     float64 `yaml:"momentum" json:"momentum" help:"of rmsprop and sgd"`
	Beta1        float64 `yaml:"beta1" json:"beta1" help:"decay of adam's mean gradient"`
	Beta2        float64 `yaml:"beta2" json:"beta2" help:"decay of adam's mean square"`
	Eps          float64 `yaml:"eps" json:"eps" help:"added to the divisor: inside rmsprop's square root, outside adam's; 0 takes the usual one, 1.0 for rmsprop and 1e-8 for adam"`
	WeightDecay  float64 `yaml:"weight_decay" json:"weight_decay" help:"of convolution and classifier weights: half of it times the square joins the loss (adamw: subtracted from the weight itself)"`
	HeadLRFactor float64 `yaml:"head_lr_factor" json:"head_lr_factor" help:"multiplies the learning rate of the classifiers, for fine-tuning"`
}

// The settings of OptimizerOptions.Name.
const (
	RMSProp = "rmsprop"
	SGD     = "sgd"
	Adam    = "adam"
	AdamW   = "adamw"
)

// ScheduleOptions are the schedule.* keys: how the learning rate changes.
type ScheduleOptions struct {
	Name         string  `yaml:"name" json:"name" help:"staircase (times decay_rate at once after every decay_epochs), exponential (the same, smoothly), cosine (down to min_lr at the end) or constant"`
	DecayEpochs  float64 `yaml:"decay_epochs" json:"decay_epochs" help:"epochs between two decays"`
	DecayRate    float64 `yaml:"decay_rate" json:"decay_rate" help:"factor of one decay"`
	WarmupEpochs float64 `yaml:"warmup_epochs" json:"warmup_epochs" help:"epochs in which the learning rate climbs from near 0"`
	MinLR        float64 `yaml:"min_lr" json:"min_lr" help:"the learning rate never falls below it, save in the warm-up"`
}

// The settings of ScheduleOptions.Name.
const (
	Staircase   = "staircase"
	Exponential = "exponential"
	Cosine      = "cosine"
	Constant    = "constant"
)

// EMAOptions are the ema.* keys: the running average of the weights and of
// the batch-norm statistics that validation and saved weights use.
type EMAOptions struct {
	Decay  float64 `yaml:"decay" json:"decay" help:"decay of the running average per update; 0 for no average"`
	Warmup bool    `yaml:"warmup" json:"warmup" help:"begin with a decay of (1+n)/(10+n) after n updates while that is smaller"`
}

// DefaultOptions returns the paper's recipe (section 8) with what its
// released code adds: RMSProp as TensorFlow defines it, 0.045 for a batch of
// 1600 falling by 0.94 every two epochs, clipping at 2, averages of 0.9999.
func DefaultOptions() Options {
	return Options{
		Train: LoopOptions{
			Seed: 1, Epochs: 100, BatchSize: 32, GradAccumSteps: 1, Precision: "fp32",
			AuxWeight: 0.4, ClipGradNorm: 2, Freeze: []string{},
		},
		LabelSmoothing: SmoothingOptions{Epsilon: 0.1, Spread: SpreadUniform},
		Optimizer: OptimizerOptions{
			Name: RMSProp, LRBase: 0.045, LRBaseSize: 1600,
			Alpha: 0.9, Momentum: 0.9, Beta1: 0.9, Beta2: 0.999,
			WeightDecay: 4e-5, HeadLRFactor: 1,
		},
		Schedule: ScheduleOptions{Name: Staircase, DecayEpochs: 2, DecayRate: 0.94},
		EMA:      EMAOptions{Decay: 0.9999, Warmup: true},
	}
}
