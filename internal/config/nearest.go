package config

import (
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/spelling"
)

// aliases are the names of our keys in other tools, in any section or in one.
func aliases() map[string]string {
	return map[string]string{
		"schedule.decay": "schedule.decay_rate", "schedule.rate": "schedule.decay_rate",
		"schedule.epochs": "schedule.decay_epochs", "eval.batch": "eval.batch_size",
		"eval.bs": "eval.batch_size", "ema.rate": "ema.decay", "ema.momentum": "ema.decay",
		"model.name": "model.variant", "model": "model.variant", "data.path": "data.train", "data.test": "data.val",

		"num_classes": "model.classes", "nc": "model.classes", "n_classes": "model.classes",
		"imgsz": "model.input_size", "img_size": "model.input_size", "image_size": "model.input_size",
		"resolution": "model.input_size", "arch": "model.variant", "model_name": "model.variant",
		"width_mult": "model.width", "depth_multiplier": "model.width", "drop": "model.dropout",
		"drop_rate": "model.dropout", "dropout_rate": "model.dropout", "aux_logits": "model.aux",
		"bn_momentum": "model.bn_decay",

		"data_dir": "data.train", "dataset": "data.train", "path": "data.train", "train_dir": "data.train",
		"val_dir": "data.val", "val_split": "data.val_fraction", "workers": "data.workers",
		"num_workers": "data.workers", "fliplr": "data.augment.hflip", "color_jitter": "data.augment.color",
		"mean": "data.preprocess", "std": "data.preprocess",

		"crop_pct": "eval.crop_pct", "val_batch_size": "eval.batch_size",
		"val_interval": "eval.every", "eval_interval": "eval.every", "check_val_every_n_epoch": "eval.every",
		"limit_val_batches": "eval.max_images", "max_eval_samples": "eval.max_images",

		"batch": "train.batch_size", "batch_size": "train.batch_size", "bs": "train.batch_size",
		"accumulate": "train.grad_accum_steps", "grad_accumulation": "train.grad_accum_steps",
		"accumulate_grad_batches": "train.grad_accum_steps", "clip_grad": "train.clip_grad_norm",
		"max_grad_norm": "train.clip_grad_norm", "gradient_clip": "train.clip_grad_norm",
		"gradient_clip_val": "train.clip_grad_norm", "amp": "train.precision", "fp16": "train.precision",
		"dtype": "train.precision", "mixed_precision": "train.precision", "random_seed": "train.seed",
		"early_stopping": "train.patience", "max_epochs": "train.epochs", "num_epochs": "train.epochs",
		"time": "train.max_time", "save_period": "train.checkpoint_every", "log_interval": "train.log_every",

		"smoothing": "label_smoothing.epsilon", "label_smoothing": "label_smoothing.epsilon",
		"label_smooth": "label_smoothing.epsilon",

		"opt": "optimizer.name", "optimizer": "optimizer.name", "lr0": "optimizer.lr", "learning_rate": "optimizer.lr",
		"base_lr": "optimizer.lr_base", "decay": "optimizer.alpha", "rho": "optimizer.alpha",
		"opt_eps": "optimizer.eps", "wd": "optimizer.weight_decay", "l2": "optimizer.weight_decay",

		"sched": "schedule.name", "scheduler": "schedule.name", "lr_scheduler": "schedule.name",
		"step_size": "schedule.decay_epochs", "gamma": "schedule.decay_rate",
		"decay_steps": "schedule.decay_epochs", "warmup": "schedule.warmup_epochs", "lrf": "schedule.min_lr",

		"model_ema_decay": "ema.decay", "ema_decay": "ema.decay",
	}
}

// unknownKey returns an error that suggests the key that was probably meant.
func unknownKey(place Origin, key string) error {
	return fmt.Errorf("%s: unknown key %q; did you mean %s?", place, key, nearestKey(key))
}

// KeyOf returns the key that a name without its section means, here or in other
// tools: epochs, learning_rate.
func KeyOf(name string) (key string, ok bool) {
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	if key = aliases()[name]; key != "" {
		return key, true
	}
	for _, k := range Keys() {
		if _, last, _ := strings.Cut(k.Name, "."); k.Name == name || last == name {
			if key != "" {
				return "", false // of two sections, and nobody knows which
			}
			key = k.Name
		}
	}
	return key, key != ""
}

// nearestKey returns the key that another tool's name means, or the one that
// takes the fewest edits, with extra weight on the last part.
func nearestKey(key string) string {
	key = strings.ToLower(strings.ReplaceAll(key, "-", "_"))
	last := key[strings.LastIndexByte(key, '.')+1:]
	others := aliases()
	for _, name := range []string{key, last} {
		if ours := others[name]; ours != "" {
			return ours
		}
	}
	best, least := "", 0.0
	for _, k := range Keys() {
		name := k.Name[strings.LastIndexByte(k.Name, '.')+1:]
		cost := 0.3*float64(spelling.Edits(key, k.Name)) + float64(spelling.Edits(last, name))
		if best == "" || cost < least {
			best, least = k.Name, cost
		}
	}
	return best
}
