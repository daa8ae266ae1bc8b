// Package optimize updates weights by their gradients: optimizers, the
// schedule of the learning rate, the running average, and what happens to
// gradients first, such as clipping. Gradients are packed as in memory, and
// weights change in place. The state kept from one update to the next can be
// read and set, for checkpoints.
package optimize

import (
	"cmp"
	"slices"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/settings"
)

// OptimizerOptions are the optimizer.* keys.
type OptimizerOptions struct {
	Name         string  `yaml:"name" json:"name"` // its help lists the methods
	LR           float64 `yaml:"lr" json:"lr" help:"learning rate, never scaled; 0 means that lr_base sets it"`
	LRBase       float64 `yaml:"lr_base" json:"lr_base" help:"learning rate for an effective batch of lr_base_size images, scaled in proportion to the effective batch in use"`
	LRBaseSize   int     `yaml:"lr_base_size" json:"lr_base_size" help:"effective batch size that lr_base is for; the paper's 0.045 is for 1600 (32 images on each of 50 replicas)"`
	Alpha        float64 `yaml:"alpha" json:"alpha" help:"decay of rmsprop's mean square (TensorFlow calls it decay)"`
	Momentum     float64 `yaml:"momentum" json:"momentum" help:"momentum of rmsprop and sgd"`
	Beta1        float64 `yaml:"beta1" json:"beta1" help:"decay of adam's mean gradient"`
	Beta2        float64 `yaml:"beta2" json:"beta2" help:"decay of adam's mean square"`
	Eps          float64 `yaml:"eps" json:"eps" help:"added to the divisor: inside rmsprop's square root, outside those of adam and its kin; 0 means the usual value, 1.0 for rmsprop and 1e-8 for the others"`
	WeightDecay  float64 `yaml:"weight_decay" json:"weight_decay" help:"weight decay of convolutions and classifiers: half of it times the squared weights is added to the loss (adamw: the weights themselves shrink)"`
	HeadLRFactor float64 `yaml:"head_lr_factor" json:"head_lr_factor" help:"multiplies the learning rate of the classifiers, for fine-tuning"`
	BiasLRFactor float64 `yaml:"bn_bias_lr_factor" json:"bn_bias_lr_factor" help:"multiplies the learning rate of batch norm's shifts"`
	LayerDecay   float64 `yaml:"layer_decay" json:"layer_decay" help:"multiplies the learning rate once more for each module or stem convolution that lies nearer to the image, beginning below the classifier, for fine-tuning; 1 for the same rate everywhere"`

	LookaheadSteps int     `yaml:"lookahead_steps" json:"lookahead_steps" help:"updates after which the weights go back to a point between where they were that many updates ago and where they are (Lookahead, Zhang et al. 2019); 0 for never"`
	LookaheadAlpha float64 `yaml:"lookahead_alpha" json:"lookahead_alpha" help:"how far along that way the point lies, from 0 to 1"`
}

// The settings of OptimizerOptions.Name.
const (
	RMSProp = "rmsprop"
	SGD     = "sgd"
	Adam    = "adam"
	AdamW   = "adamw"
	NAdam   = "nadam"
	NAdamW  = "nadamw"
)

// method is a way to update a parameter by its gradient.
type method struct {
	settings.Choice
	slots     []slotKind // the state it keeps for each parameter
	eps       float64    // its usual OptimizerOptions.Eps
	decoupled bool       // weight decay shrinks the weight instead of being part of the gradient
	step      func(o OptimizerOptions, u update)
}

// slotKind names one kind of state, a value for each value of a parameter, and
// says how it starts.
type slotKind struct {
	name  string
	begin float32
}

// update is one update of one parameter.
type update struct {
	w, g   []float32
	slots  [][]float32
	rate   float64
	eps    float32
	number int // counted from 1
}

// methods lists the optimizers. Whatever depends on the optimizer reads it here.
func methods() []method {
	return []method{
		{
			Choice: settings.Choice{Name: RMSProp, About: "TensorFlow's definition, the paper's choice"},
			// TensorFlow's mean square starts at 1, so that the first updates
			// are small.
			slots: []slotKind{{"mean_square", 1}, {"momentum", 0}}, eps: 1,
			step: func(o OptimizerOptions, u update) {
				kernel.RMSProp(u.w, u.g, u.slots[0], u.slots[1], float32(u.rate), float32(o.Alpha), float32(o.Momentum), u.eps)
			},
		},
		{
			Choice: settings.Choice{Name: SGD},
			slots:  []slotKind{{"momentum", 0}},
			step: func(o OptimizerOptions, u update) {
				kernel.SGD(u.w, u.g, u.slots[0], float32(u.rate), float32(o.Momentum))
			},
		},
		{Choice: settings.Choice{Name: Adam}, slots: adamSlots(), eps: 1e-8, step: adam},
		// Loshchilov and Hutter, arXiv 1711.05101.
		{Choice: settings.Choice{Name: AdamW}, slots: adamSlots(), eps: 1e-8, step: adam, decoupled: true},
		{Choice: settings.Choice{Name: NAdam, About: "adam with Nesterov's momentum"}, slots: adamSlots(), eps: 1e-8, step: nadam},
		{Choice: settings.Choice{Name: NAdamW, About: "the same with adamw's weight decay"}, slots: adamSlots(), eps: 1e-8,
			step: nadam, decoupled: true},
	}
}

func adamSlots() []slotKind { return []slotKind{{"mean", 0}, {"mean_square", 0}} }

func adam(o OptimizerOptions, u update) {
	kernel.Adam(u.w, u.g, u.slots[0], u.slots[1], float32(u.rate), float32(o.Beta1), float32(o.Beta2), u.eps, u.number)
}

func nadam(o OptimizerOptions, u update) {
	kernel.NAdam(u.w, u.g, u.slots[0], u.slots[1], float32(u.rate), float32(o.Beta1), float32(o.Beta2), u.eps, u.number)
}

// lookahead is the state that a method keeps besides its own with
// lookahead_steps: where the weights were. The first update begins it.
var lookahead = slotKind{"lookahead", 0}

// optimizers are the choices of optimizer.name.
func optimizers() (all []settings.Choice) {
	for _, m := range methods() {
		all = append(all, m.Choice)
	}
	return all
}

// Help implements settings.Explainer.
func (OptimizerOptions) Help(name string) string {
	if name == "name" {
		return settings.Choices(optimizers())
	}
	return ""
}

// Validate returns the first thing wrong with the optimizer.* keys.
func (o OptimizerOptions) Validate() error {
	if err := settings.First(
		settings.OneOf("optimizer.name", o.Name, optimizers()),
		settings.Within("optimizer.lr", o.LR, 0, 1000),
		settings.Within("optimizer.lr_base", o.LRBase, 0, 1000),
		settings.Below("optimizer.alpha", o.Alpha, 1),
		settings.Below("optimizer.momentum", o.Momentum, 1),
		settings.Below("optimizer.beta1", o.Beta1, 1),
		settings.Below("optimizer.beta2", o.Beta2, 1),
		settings.Within("optimizer.eps", o.Eps, 0, 1000),
		settings.Within("optimizer.weight_decay", o.WeightDecay, 0, 100),
		settings.Within("optimizer.head_lr_factor", o.HeadLRFactor, 0, 1e6),
		settings.Within("optimizer.bn_bias_lr_factor", o.BiasLRFactor, 0, 1e6),
		settings.Within("optimizer.layer_decay", o.LayerDecay, 0.01, 1),
		settings.AtLeast("optimizer.lookahead_steps", o.LookaheadSteps, 0),
		settings.Within("optimizer.lookahead_alpha", o.LookaheadAlpha, 0, 1),
	); err != nil {
		return err
	}
	if o.Eps != 0 && o.Eps < 1e-30 {
		return settings.Errorf("optimizer.eps",
			"vanishes in float32 arithmetic, is %g; use 0 for the usual one or at least 1e-30", o.Eps)
	}
	if o.LR == 0 && o.LRBase == 0 {
		return settings.Errorf("optimizer.lr", "must be positive, is 0; set it, or lr_base with lr_base_size")
	}
	if o.LR == 0 {
		return settings.AtLeast("optimizer.lr_base_size", o.LRBaseSize, 1)
	}
	return nil
}

// LearningRate returns the unscheduled rate for an effective batch: lr
// unchanged, else lr_base scaled in proportion to the batch (Goyal et al.,
// "Accurate, Large Minibatch SGD", arXiv 1706.02677).
func (o OptimizerOptions) LearningRate(effectiveBatch int) float64 {
	if o.LR > 0 {
		return o.LR
	}
	return o.LRBase * float64(effectiveBatch) / float64(o.LRBaseSize)
}

// Optimizer updates weights by their gradients.
type Optimizer struct {
	method
	options OptimizerOptions
	slots   map[*ops.Param][]Slot
	factors map[*ops.Param]float64 // of the learning rate
}

// Slot is a kind of state that an optimizer keeps for a parameter, packed like it.
type Slot struct {
	Name string
	Data []float32
}

// Slots returns how many values the optimizer remembers of every weight.
func (o OptimizerOptions) Slots() int {
	return len(o.method().slots)
}

// method returns the method of that name, with the state that it keeps.
func (o OptimizerOptions) method() (m method) {
	for _, m = range methods() {
		if m.Name == o.Name {
			break
		}
	}
	if o.LookaheadSteps > 0 {
		m.slots = append(m.slots, lookahead)
	}
	return m
}

// NewOptimizer prepares the updates of params, which are all of a network in its
// order, except those of frozen layers, of which nil is none; the options must be
// valid.
func NewOptimizer(o OptimizerOptions, params []*ops.Param, frozen func(layer string) bool) *Optimizer {
	opt := &Optimizer{method: o.method(), options: o, slots: map[*ops.Param][]Slot{}, factors: o.factors(params)}
	for _, p := range params {
		if !p.Trainable() || frozen != nil && frozen(p.Layer) {
			continue
		}
		for _, kind := range opt.method.slots {
			s := Slot{kind.name, make([]float32, len(p.Data))}
			for i := range s.Data {
				s.Data[i] = kind.begin
			}
			opt.slots[p] = append(opt.slots[p], s)
		}
	}
	return opt
}

// factors returns what the learning rate of each parameter is multiplied by. Frozen
// layers count among those that lie nearer to the classifier.
func (o OptimizerOptions) factors(params []*ops.Param) map[*ops.Param]float64 {
	all := map[*ops.Param]float64{}
	depth, above := 1.0, ""
	for _, p := range slices.Backward(params) {
		factor := 1.0
		if p.Head {
			factor = o.HeadLRFactor
		}
		if p.Kind == ops.Beta {
			factor *= o.BiasLRFactor
		}
		if !p.Head && !p.Aux {
			if module := cmp.Or(p.Module, p.Whole, p.Layer); module != above {
				depth, above = depth*o.LayerDecay, module
			}
			factor *= depth
		}
		all[p] = factor
	}
	return all
}

// Slots returns the state kept for a parameter; none for one that is not
// trained.
func (opt *Optimizer) Slots(p *ops.Param) []Slot { return opt.slots[p] }

// Decay adds the gradient of weight_decay/2*w^2 to that of every decayed
// weight, unless the optimizer applies the decay to the weights themselves. It
// comes before clipping, as in TensorFlow, where the term is part of the loss.
func (opt *Optimizer) Decay(gradients []model.Gradient) {
	rate := opt.options.WeightDecay
	if rate == 0 || opt.decoupled {
		return
	}
	kernel.Pieces(values(gradients), func(i, from, to int) {
		if g := gradients[i]; g.Param.Decayed() {
			kernel.Axpy(g.Data[from:to], g.Param.Data[from:to], float32(rate))
		}
	})
}

// Update makes the update of that number, counted from 1, at learning rate lr.
func (opt *Optimizer) Update(gradients []model.Gradient, lr float64, number int) {
	kernel.Pieces(values(gradients), func(i, from, to int) {
		g := gradients[i]
		u := update{w: g.Param.Data[from:to], g: g.Data[from:to], rate: lr, eps: opt.epsilon(), number: number}
		for _, s := range opt.slots[g.Param] {
			u.slots = append(u.slots, s.Data[from:to])
		}
		if opt.options.LookaheadSteps > 0 && number == 1 {
			copy(u.slots[len(u.slots)-1], u.w)
		}
		if factor, ok := opt.factors[g.Param]; ok {
			u.rate *= factor
		}
		if opt.decoupled && g.Param.Decayed() {
			kernel.Scale(u.w, float32(1-u.rate*opt.options.WeightDecay))
		}
		opt.step(opt.options, u)
		if opt.options.LookaheadSteps > 0 {
			opt.lookBack(u)
		}
	})
}

// lookBack takes the weights back to between where they were before the last
// lookahead_steps updates and where they are (Zhang et al., "Lookahead Optimizer:
// k steps forward, 1 step back", arXiv 1907.08610, algorithm 1).
func (opt *Optimizer) lookBack(u update) {
	if u.number%opt.options.LookaheadSteps != 0 {
		return
	}
	slow := u.slots[len(u.slots)-1]
	kernel.EMA(slow, u.w, float32(1-opt.options.LookaheadAlpha))
	copy(u.w, slow)
}

func (opt *Optimizer) epsilon() float32 {
	if opt.options.Eps > 0 {
		return float32(opt.options.Eps)
	}
	return float32(opt.eps)
}
