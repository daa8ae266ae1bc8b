package train

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := DefaultRecipe().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestOptionsSurviveYAML(t *testing.T) {
	want := DefaultRecipe()
	want.Train.MaxTime = 90 * time.Minute
	text, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "max_time: 1h30m0s") {
		t.Errorf("a time is written as\n%s", text)
	}
	var got Recipe
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Train.MaxTime != want.Train.MaxTime || got.Optimizer != want.Optimizer || got.Schedule != want.Schedule {
		t.Errorf("came back as %+v", got)
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	for key, spoil := range map[string]func(*Recipe){
		"train.sizes":                 func(o *Recipe) { o.Train.Sizes = []int{32, 0} },
		"train.size_order":            func(o *Recipe) { o.Train.SizeOrder = "falling" },
		"train.batch_norm":            func(o *Recipe) { o.Train.BatchNorm = "thawed" },
		"train.head":                  func(o *Recipe) { o.Train.Head = "none" },
		"optimizer.layer_decay":       func(o *Recipe) { o.Optimizer.LayerDecay = 0 },
		"optimizer.bn_bias_lr_factor": func(o *Recipe) { o.Optimizer.BiasLRFactor = -1 },
		"optimizer.lookahead_steps":   func(o *Recipe) { o.Optimizer.LookaheadSteps = -1 },
		"optimizer.lookahead_alpha":   func(o *Recipe) { o.Optimizer.LookaheadAlpha = 2 },
		"train.epochs":                func(o *Recipe) { o.Train.Epochs = -1 },
		"train.batch_size":            func(o *Recipe) { o.Train.BatchSize = -4 },
		"train.precision":             func(o *Recipe) { o.Train.Precision = "fp8" },
		"train.max_time":              func(o *Recipe) { o.Train.MaxTime = -time.Second },
		"train.freeze":                func(o *Recipe) { o.Train.Freeze = []string{""} },
		"label_smoothing.epsilon":     func(o *Recipe) { o.LabelSmoothing.Epsilon = 1 },
		"label_smoothing.spread":      func(o *Recipe) { o.LabelSmoothing.Spread = "evenly" },
		"optimizer.name":              func(o *Recipe) { o.Optimizer.Name = "lion" },
		"optimizer.lr":                func(o *Recipe) { o.Optimizer.LRBase = 0 },
		"optimizer.lr_base_size":      func(o *Recipe) { o.Optimizer.LRBaseSize = 0 },
		"optimizer.eps":               func(o *Recipe) { o.Optimizer.Eps = 1e-60 },
		"schedule.name":               func(o *Recipe) { o.Schedule.Name = "" },
		"schedule.decay_epochs":       func(o *Recipe) { o.Schedule.DecayEpochs = 0 },
		"schedule.decay_rate":         func(o *Recipe) { o.Schedule.DecayRate = 2 },
		"ema.decay":                   func(o *Recipe) { o.EMA.Decay = 1 },
		"optimizer.head_lr_factor":    func(o *Recipe) { o.Optimizer.HeadLRFactor = -1 },
	} {
		o := DefaultRecipe()
		spoil(&o)
		err := o.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("a wrong %s is reported as %v", key, err)
		}
	}
}
