package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// wrongSources are by what is wrong with them.
var wrongSources = map[string]struct {
	file    string
	sources Sources
	want    string // {} stands for the file's path
}{
	"unknown key": {
		file: "model:\n\n  num_classes: 5\n",
		want: `config {}:3: unknown key "model.num_classes"; did you mean model.classes?`,
	},
	"unknown section": {
		file: "optimiser:\n  lr: 0.1\n",
		want: `config {}:1: unknown key "optimiser"; did you mean optimizer`,
	},
	"unknown key of --set": {
		sources: Sources{Set: []string{"train.epoch=5"}},
		want:    `--set: unknown key "train.epoch"; did you mean train.epochs?`,
	},
	"unknown flag": {
		sources: Sources{Flags: map[string]any{"data.trian": "x"}},
		want:    `flag: unknown key "data.trian"; did you mean data.train?`,
	},
	"another case": {
		file: "Model: {variant: v3}\n",
		want: `config {}:1: unknown key "Model"; did you mean model.`,
	},
	"no key at all": {
		file: "[a, b]: 3\n",
		want: `config {}:1: unknown key ""`,
	},
	"key twice": {
		file: "train:\n  epochs: 3\n  epochs: 4\n",
		want: `config {}:3: key "train.epochs" appears twice; remove one`,
	},
	"section twice": {
		file: "train: {epochs: 3}\nmodel: {width: 1}\ntrain: {seed: 4}\n",
		want: `config {}:3: key "train" appears twice; remove one`,
	},
	"key with dots": {
		file: "optimizer: {lr: 0.1}\noptimizer.lr: 0.2\n",
		want: `config {}:2: key "optimizer.lr": write its parts as sections, ` +
			`each on its own line, or use --set optimizer.lr`,
	},
	"text for a number": {
		file: "optimizer:\n  lr: fast\n",
		want: `config {}:2: optimizer.lr: must be a number, is "fast"`,
	},
	"fraction for a whole number": {
		sources: Sources{Set: []string{"train.epochs=1.5"}},
		want:    `--set: train.epochs: must be a whole number, is "1.5"`,
	},
	"negative seed": {
		sources: Sources{Env: []string{"INCEPTION_TRAIN_SEED=-1"}},
		want:    `INCEPTION_TRAIN_SEED: train.seed: must be a whole number, is "-1"`,
	},
	"number for a switch": {
		sources: Sources{Set: []string{"ema.warmup=2"}},
		want:    `--set: ema.warmup: must be true or false, is "2"`,
	},
	"time without a unit": {
		file: "train: {max_time: 5}",
		want: `config {}:1: train.max_time: must be a duration such as 90m or 8h, is "5"`,
	},
	"three numbers for two": {
		sources: Sources{Set: []string{"data.augment.scale=[0.1, 0.5, 1]"}},
		want:    `--set: data.augment.scale: must be two numbers, is [0.1, 0.5, 1]`,
	},
	"one number for two": {
		file: "data: {augment: {scale: 0.5}}",
		want: `config {}:1: data.augment.scale: must be two numbers, is "0.5"`,
	},
	"text for a list": {
		file: "train: {freeze: Conv2d}",
		want: `config {}:1: train.freeze: must be a list of texts, is "Conv2d"`,
	},
	"text that YAML reads as keys": {
		file: "data: {train: {shapes: }}",
		want: `config {}:1: data.train: must be text, is {shapes: ''}; put it in quotes`,
	},
	"value for a section": {
		file: "optimizer: adam\n",
		want: `config {}:1: optimizer must contain keys, such as name, lr,`,
	},
	"list for a configuration": {
		file: "- model\n",
		want: `config {}:1: a configuration must contain keys, such as model, data,`,
	},
	"text for label smoothing": {
		file: "label_smoothing: soft\n",
		want: `config {}:1: label_smoothing.epsilon: must be a number, is "soft"`,
	},
	"impossible value in a file": {
		file: "train:\n  seed: 4\n  batch_size: 0\n",
		want: `config {}:3: train.batch_size: must be at least 1, is 0`,
	},
	"impossible value of a variable": {
		sources: Sources{Env: []string{"INCEPTION_EVAL_CROP_PCT=2"}},
		want:    `INCEPTION_EVAL_CROP_PCT: eval.crop_pct: must be from 0 to 1, is 2`,
	},
	"impossible value of --set": {
		sources: Sources{Set: []string{"data.val_fraction=1"}},
		want:    `--set: data.val_fraction: must be at least 0 and below 1, is 1`,
	},
	"not a number": {
		sources: Sources{Set: []string{"optimizer.lr=.nan"}},
		want:    `--set: optimizer.lr: must be from 0 to 1000, is NaN`,
	},
	"unknown network": {
		file: "model:\n  variant: v4\n",
		want: `config {}:2: model.variant: must be one of v2, v3`,
	},
	"image too small": {
		sources: Sources{Set: []string{"model.input_size=20"}},
		want:    `--set: model.input_size: `,
	},
	"broken YAML": {
		file: "train:\n  epochs: 3\n bad\n",
		want: `config {}:2: did not find expected key`,
	},
	"broken YAML of --set": {
		sources: Sources{Set: []string{"train.freeze=[a"}},
		want:    `--set train.freeze: "[a" is not a YAML value: did not find expected`,
	},
	"broken YAML of a variable": {
		sources: Sources{Env: []string{"INCEPTION_TRAIN_FREEZE=[a"}},
		want:    `INCEPTION_TRAIN_FREEZE: "[a" is not a YAML value: did not find expected`,
	},
	"two documents": {
		file: "train: {epochs: 3}\n---\ntrain: {epochs: 4}\n",
		want: `config {}: contains more than one document; keep one`,
	},
	"anchor inside itself": {
		file: "train: {freeze: &a [*a]}\n",
		want: `config {}:1: train.freeze: must be a list of texts`,
	},
	"--set without a value": {
		sources: Sources{Set: []string{"optimizer.lr"}},
		want:    `--set optimizer.lr: needs key=value, such as optimizer.lr=0.01`,
	},
	"--set without a key": {
		sources: Sources{Set: []string{"=3"}},
		want:    `--set =3: needs key=value, such as optimizer.lr=0.01`,
	},
	"no such file": {
		sources: Sources{Path: "missing.yaml"},
		want: `config missing.yaml: is neither a file nor an embedded configuration; ` +
			`the embedded configurations are bn-inception, `,
	},
	"huge file": {
		file: "# " + strings.Repeat("x", 1<<20),
		want: `config {}: is larger than 1048576 bytes, so it cannot be a configuration`,
	},
}

func TestErrorsNameTheKeyThePlaceAndTheRemedy(t *testing.T) {
	for name, c := range wrongSources {
		t.Run(name, func(t *testing.T) {
			s := c.sources
			if c.file != "" {
				s.Path = file(t, c.file)
			}
			if s.Env == nil {
				s.Env = []string{}
			}
			want := strings.ReplaceAll(c.want, "{}", s.Path)
			if _, err := Load(s); err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error is\n%v\nwant\n%s", err, want)
			}
		})
	}
}

func TestEveryErrorIsOneLine(t *testing.T) {
	_, err := Load(Sources{Path: file(t, "train: |\n  a\n  b\n"), Env: []string{}})
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is %q", err)
	}
}

func TestKeysOfOtherTools(t *testing.T) {
	for key, want := range map[string]string{
		"num_classes": "model.classes", "imgsz": "model.input_size", "lr": "optimizer.lr", "lr0": "optimizer.lr",
		"workers": "data.workers", "smoothing": "label_smoothing.epsilon", "opt": "optimizer.name",
		"patience": "train.patience", "epochs": "train.epochs", "batch": "train.batch_size",
		"batch-size": "train.batch_size",
		"train.lr":   "optimizer.lr", "weight-decay": "optimizer.weight_decay", "schedule.decay": "schedule.decay_rate",
		"eval.batch": "eval.batch_size", "ema_decay": "ema.decay", "seed": "train.seed", "model.Width": "model.width",
		"optimizer.weigth_decay": "optimizer.weight_decay", "data.augment.flip": "data.augment.hflip",
		"model.stem.strides": "model.stem.stride",
	} {
		if got := nearestKey(key); got != want {
			t.Errorf("%s is taken for %s, want %s", key, got, want)
		}
	}
	for name, key := range aliases() {
		if knownKeys().types[key] == nil {
			t.Errorf("%s stands for %s, which is no key", name, key)
		}
		if knownKeys().types[name] != nil {
			t.Errorf("%s is a key itself", name)
		}
	}
}

func FuzzWhatLoadsSurvivesYAML(f *testing.F) {
	names, err := filepath.Glob("../../configs/*.yaml")
	if err != nil || len(names) == 0 {
		f.Fatal("no configurations to begin with", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("model: &m {stem: *m}"))
	f.Add([]byte("data: {train: !!binary gIA=, val: \"\\0\\x7f\\uFFFE\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := file(t, string(text))
		first, err := Load(Sources{Path: path, Env: []string{}})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		survivesYAML(t, first.Config)
	})
}
