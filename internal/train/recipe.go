package train

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/settings"
)

// Recipe says how a network is trained, whatever its structure and on
// whatever images: the keys train.*, label_smoothing.*, optimizer.*, schedule.*
// and ema.* of a configuration.
type Recipe struct {
	Train          LoopOptions               `yaml:"train" json:"train"`
	LabelSmoothing SmoothingOptions          `yaml:"label_smoothing" json:"label_smoothing"`
	Optimizer      optimize.OptimizerOptions `yaml:"optimizer" json:"optimizer"`
	Schedule       optimize.ScheduleOptions  `yaml:"schedule" json:"schedule"`
	EMA            optimize.EMAOptions       `yaml:"ema" json:"ema"`
}

// LoopOptions are the train.* keys: how long and on what a training steps.
type LoopOptions struct {
	Seed            uint64        `yaml:"seed" json:"seed" help:"of the initial weights, the order of the images, augmentation and dropout; the same seed gives the same bits"`
	Epochs          int           `yaml:"epochs" json:"epochs" help:"passes over the training images; 0 for as many as suit a fine-tuning: 600 divided by the square root of the number of images, from 3 to 50"`
	Sizes           []int         `yaml:"sizes" json:"sizes" help:"input sizes of the training images in pixels: epochs as equally divided as possible, in this order; empty for model.input_size in all, which validation has in any case"`
	SizeOrder       string        `yaml:"size_order" json:"size_order" help:"which of train.sizes an epoch has: listed (the first for the first epochs, and so on) or random (one by chance)"`
	MaxSteps        int           `yaml:"max_steps" json:"max_steps" help:"stop after that many updates of the weights; 0 for no limit"`
	MaxTime         time.Duration `yaml:"max_time" json:"max_time" help:"be done after that long, the last validation included, such as 90m or 8h; 0 for no limit"`
	BatchSize       int           `yaml:"batch_size" json:"batch_size" help:"images in one pass through the network"`
	GradAccumSteps  int           `yaml:"grad_accum_steps" json:"grad_accum_steps" help:"batches whose gradients are averaged into one update; the effective batch is batch_size times this"`
	Precision       string        `yaml:"precision" json:"precision" help:"arithmetic of activations and convolutions: fp32 or bf16; weights, their averages and the optimizer are float32 in both"`
	AuxWeight       float64       `yaml:"aux_weight" json:"aux_weight" help:"weight of an auxiliary head's loss beside the main one"`
	ClassWeights    ClassWeights  `yaml:"class_weights" json:"class_weights" help:"weights of the classes in the losses: none (all alike), balanced (in inverse proportion to their training images, 1 on average over those) or a list with a number for each class, in the order that dataset info lists them"`
	ClipGradNorm    float64       `yaml:"clip_grad_norm" json:"clip_grad_norm" help:"largest norm of all gradients together; 0 for no limit"`
	ClipGradValue   float64       `yaml:"clip_grad_value" json:"clip_grad_value" help:"largest absolute value of one gradient, applied before clip_grad_norm; 0 for no limit"`
	Patience        int           `yaml:"patience" json:"patience" help:"stop when the best validation top-1 is that many epochs old; 0 for never"`
	CheckpointEvery int           `yaml:"checkpoint_every" json:"checkpoint_every" help:"updates between checkpoints; 0 for one at each epoch's end and at least one in 30 minutes"`
	LogEvery        int           `yaml:"log_every" json:"log_every" help:"updates between training lines in metrics.jsonl, besides the one at each epoch's end; 0 for that alone"`
	SyncBatchNorm   bool          `yaml:"sync_batch_norm" json:"sync_batch_norm" help:"of several ranks: batch norm normalises the batches of all of them as one, which waits for the slowest in every layer; false: each batch by itself, as in the paper"`
	Freeze          []string      `yaml:"freeze" json:"freeze" help:"layers that stay as they are, by the beginnings of their names, such as Conv2d or Mixed_5; batch-norm statistics included"`
	BatchNorm       string        `yaml:"batch_norm" json:"batch_norm" help:"statistics that batch norm uses in training: batch (each batch's own), frozen (the running ones, which stay; for fine-tuning) or auto (frozen for fewer than 2000 training images; else batch, and bn_recalibrate is 50 unless it is set)"`
	Head            string        `yaml:"head" json:"head" help:"a new classifier above the weights of --init: random, or probe (logistic regression on the features of at most 20000 training images, as inception probe fits it)"`
	Whiten          bool          `yaml:"whiten" json:"whiten" help:"the first convolution's filters whiten patches of the training images and stay so (Jordan 2024)"`
	BNRecalibrate   int           `yaml:"bn_recalibrate" json:"bn_recalibrate" help:"before a validation, measure the batch-norm statistics of the validated weights anew on that many training batches; 0 keeps the running ones"`
}

// The settings of LoopOptions.BatchNorm, SizeOrder and Head.
const (
	BatchNormBatch  = "batch"
	BatchNormFrozen = "frozen"
	BatchNormAuto   = "auto"

	SizesListed = "listed"
	SizesRandom = "random"

	HeadRandom = "random"
	HeadProbe  = "probe"
)

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

// DefaultRecipe returns the paper's recipe (section 8) with what its
// released code adds: RMSProp as TensorFlow defines it, 0.045 for a batch of
// 1600 falling by 0.94 every two epochs, clipping at 2, averages of 0.9999.
func DefaultRecipe() Recipe {
	return Recipe{
		Train: LoopOptions{
			Seed: 1, Epochs: 100, BatchSize: 32, GradAccumSteps: 1, Precision: model.FP32.String(),
			AuxWeight: 0.4, ClassWeights: ClassWeightsNone, ClipGradNorm: 2, LogEvery: 50, Freeze: []string{},
			BatchNorm: BatchNormBatch, Head: HeadRandom, Sizes: []int{}, SizeOrder: SizesListed,
		},
		LabelSmoothing: SmoothingOptions{Epsilon: 0.1, Spread: SpreadUniform},
		Optimizer: optimize.OptimizerOptions{
			Name: optimize.RMSProp, LRBase: 0.045, LRBaseSize: 1600,
			Alpha: 0.9, Momentum: 0.9, Beta1: 0.9, Beta2: 0.999,
			WeightDecay: 4e-5, HeadLRFactor: 1, BiasLRFactor: 1, LayerDecay: 1, LookaheadAlpha: 0.5,
		},
		Schedule: optimize.ScheduleOptions{Name: optimize.Staircase, DecayEpochs: 2, DecayRate: 0.94},
		EMA:      optimize.EMAOptions{Decay: 0.9999, Warmup: true},
	}
}

// Validate returns the first thing wrong with the recipe.
func (r Recipe) Validate() error {
	for _, validate := range []func() error{
		r.Train.Validate, r.LabelSmoothing.Validate, r.Optimizer.Validate,
		r.Schedule.Validate, r.EMA.Validate,
	} {
		if err := validate(); err != nil {
			return err
		}
	}
	return nil
}

// Validate returns the first thing wrong with the train.* keys.
func (o LoopOptions) Validate() error {
	if err := settings.First(
		settings.AtLeast("train.epochs", o.Epochs, 0),
		settings.AtLeast("train.max_steps", o.MaxSteps, 0),
		settings.AtLeast("train.batch_size", o.BatchSize, 1),
		settings.AtLeast("train.grad_accum_steps", o.GradAccumSteps, 1),
		settings.OneOf("train.precision", o.Precision,
			[]settings.Choice{{Name: model.FP32.String()}, {Name: model.BF16.String()}}),
		settings.Within("train.aux_weight", o.AuxWeight, 0, 100),
		o.ClassWeights.validate(),
		settings.Within("train.clip_grad_norm", o.ClipGradNorm, 0, math.MaxFloat32),
		settings.Within("train.clip_grad_value", o.ClipGradValue, 0, math.MaxFloat32),
		settings.AtLeast("train.patience", o.Patience, 0),
		settings.AtLeast("train.checkpoint_every", o.CheckpointEvery, 0),
		settings.AtLeast("train.log_every", o.LogEvery, 0),
		settings.AtLeast("train.bn_recalibrate", o.BNRecalibrate, 0),
		settings.OneOf("train.batch_norm", o.BatchNorm,
			[]settings.Choice{{Name: BatchNormBatch}, {Name: BatchNormFrozen}, {Name: BatchNormAuto}}),
		settings.OneOf("train.size_order", o.SizeOrder, []settings.Choice{{Name: SizesListed}, {Name: SizesRandom}}),
		settings.OneOf("train.head", o.Head, []settings.Choice{{Name: HeadRandom}, {Name: HeadProbe}}),
	); err != nil {
		return err
	}
	for _, size := range o.Sizes {
		if size < 1 || size > model.MaxInputSize {
			return settings.Errorf("train.sizes", "must be from 1 to %d, are %v", model.MaxInputSize, o.Sizes)
		}
	}
	if o.MaxTime < 0 {
		return settings.Errorf("train.max_time", "must not be negative, is %s", o.MaxTime)
	}
	if slices.Contains(o.Freeze, "") {
		return settings.Errorf("train.freeze",
			"an empty name would freeze every layer; name the first layers' beginnings, such as Conv2d")
	}
	return nil
}

// For returns the options with what they leave to the number of training images.
func (o LoopOptions) For(images int) LoopOptions {
	if o.Epochs == 0 {
		o.Epochs = min(50, max(3, int(math.Round(600/math.Sqrt(float64(images))))))
	}
	if o.BatchNorm != BatchNormAuto {
		return o
	}
	// Statistics of few images say less about new ones than those that the weights
	// were trained with.
	if o.BatchNorm = BatchNormFrozen; images >= 2000 {
		o.BatchNorm, o.BNRecalibrate = BatchNormBatch, cmp.Or(o.BNRecalibrate, 50)
	}
	return o
}

// Validate returns the first thing wrong with the label_smoothing.* keys.
func (o SmoothingOptions) Validate() error {
	return settings.First(
		settings.Below("label_smoothing.epsilon", o.Epsilon, 1),
		settings.OneOf("label_smoothing.spread", o.Spread,
			[]settings.Choice{{Name: SpreadUniform}, {Name: SpreadWrongOnly}}),
	)
}
