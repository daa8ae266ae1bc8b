package train

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func TestDefaultsAreValid(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestOptionsSurviveYAML(t *testing.T) {
	want := DefaultOptions()
	want.Train.MaxTime = 90 * time.Minute
	text, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "max_time: 1h30m0s") {
		t.Errorf("a time is written as\n%s", text)
	}
	var got Options
	if err := yaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if got.Train.MaxTime != want.Train.MaxTime || got.Optimizer != want.Optimizer || got.Schedule != want.Schedule {
		t.Errorf("came back as %+v", got)
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	for key, spoil := range map[string]func(*Options){
		"train.epochs":             func(o *Options) { o.Train.Epochs = 0 },
		"train.batch_size":         func(o *Options) { o.Train.BatchSize = -4 },
		"train.precision":          func(o *Options) { o.Train.Precision = "fp8" },
		"train.max_time":           func(o *Options) { o.Train.MaxTime = -time.Second },
		"train.freeze":             func(o *Options) { o.Train.Freeze = []string{""} },
		"label_smoothing.epsilon":  func(o *Options) { o.LabelSmoothing.Epsilon = 1 },
		"label_smoothing.spread":   func(o *Options) { o.LabelSmoothing.Spread = "evenly" },
		"optimizer.name":           func(o *Options) { o.Optimizer.Name = "lion" },
		"optimizer.lr":             func(o *Options) { o.Optimizer.LRBase = 0 },
		"optimizer.lr_base_size":   func(o *Options) { o.Optimizer.LRBaseSize = 0 },
		"optimizer.eps":            func(o *Options) { o.Optimizer.Eps = 1e-60 },
		"schedule.name":            func(o *Options) { o.Schedule.Name = "" },
		"schedule.decay_epochs":    func(o *Options) { o.Schedule.DecayEpochs = 0 },
		"schedule.decay_rate":      func(o *Options) { o.Schedule.DecayRate = 2 },
		"ema.decay":                func(o *Options) { o.EMA.Decay = 1 },
		"optimizer.head_lr_factor": func(o *Options) { o.Optimizer.HeadLRFactor = -1 },
	} {
		o := DefaultOptions()
		spoil(&o)
		err := o.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("a wrong %s is reported as %v", key, err)
		}
	}
}
