package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/spf13/cobra"
)

// keyFlag is a flag that sets a key of the configuration.
type keyFlag struct {
	name, short, key, help string
	add                    func(c *cobra.Command, f keyFlag) func() any // returns what reads its value
}

// The keys that people set more often than others.
var (
	keyEpochs = keyFlag{"epochs", "", "train.epochs", "passes over the training images", wholeNumber}
	keyBatch  = keyFlag{"batch", "b", "train.batch_size", "images per step, also --batch-size", wholeNumber}
	keyRate   = keyFlag{"lr", "", "optimizer.lr", "learning rate", number}
	keySize   = keyFlag{"input-size", "", "model.input_size", "side of the network's input in pixels, also --size",
		wholeNumber}
	keySeed    = keyFlag{"seed", "", "train.seed", "seed; the same one gives the same bits", wholeNumber}
	keyWorkers = keyFlag{"workers", "", "data.workers", "goroutines that read images", wholeNumber}
)

// flagNames are all flags that set keys, by key.
var flagNames = map[string]string{
	keyEpochs.key: "--epochs", keyBatch.key: "--batch", keyRate.key: "--lr", keySize.key: "--input-size",
	keySeed.key: "--seed", keyWorkers.key: "--workers", "data.train": "--data", "data.val": "--val",
	"data.interpolation": "--interpolation", "eval.batch_size": "--batch", "eval.crop_pct": "--crop-pct",
	"eval.tta": "--tta", "model.variant": "--variant", "train.max_steps": "--max-steps",
	"train.precision": "--precision",
}

func wholeNumber(c *cobra.Command, f keyFlag) func() any {
	value := c.Flags().IntP(f.name, f.short, 0, f.help+" (the key "+f.key+")")
	return func() any { return *value }
}

func number(c *cobra.Command, f keyFlag) func() any {
	value := c.Flags().Float64P(f.name, f.short, 0, f.help+" (the key "+f.key+")")
	return func() any { return *value }
}

// keyFlags are flags of one command, each with what reads its value.
type keyFlags map[keyFlagName]func() any

type keyFlagName struct{ flag, key string }

// addKeyFlags adds flags to a command.
func addKeyFlags(c *cobra.Command, flags ...keyFlag) keyFlags {
	added := keyFlags{}
	for _, f := range flags {
		added[keyFlagName{f.name, f.key}] = f.add(c, f)
	}
	return added
}

// into adds the values of the flags that are given to those of other flags.
func (k keyFlags) into(c *cobra.Command, values map[string]any) map[string]any {
	for name, value := range k {
		if c.Flags().Changed(name.flag) {
			values[name.key] = value()
		}
	}
	return values
}

// dataFlags returns the keys that --data and --val set. --data brings its own
// validation images, unless --set names others.
func (s *session) dataFlags(c *cobra.Command, data, val string) map[string]any {
	values := map[string]any{}
	if c.Flags().Changed("data") {
		values["data.train"] = data
		if !slices.ContainsFunc(s.set, func(a string) bool { return assigns(a, "data.val") }) {
			values["data.val"] = ""
		}
	}
	if c.Flags().Changed("val") {
		values["data.val"] = val
	}
	return values
}

// assigns reports whether an assignment of --set is of a key.
func assigns(assignment string, keys ...string) bool {
	return slices.Contains(keys, keyOf(assignment))
}

// keyOf returns the key of an assignment of --set.
func keyOf(assignment string) string {
	key, _, _ := strings.Cut(assignment, "=")
	return strings.TrimSpace(key)
}

// moved explains an error about data that no flag named, but the configuration
// of a run. val is its data.val where a flag can name that too: --data alone would
// take the validation images from the training data.
func moved(err error, val string) error {
	var missing *dataset.MissingError
	if !errors.As(err, &missing) {
		return err
	}
	where := "--data says"
	switch {
	case val == "" || val == dataset.ValHoldOut:
	case strings.HasSuffix(val, missing.Path):
		where = "--val says"
	default:
		where = "--data and --val together say"
	}
	return fmt.Errorf("dataset %s: there is no such folder; the run's configuration names it: "+
		"if the data has moved, %s where it is now", missing.Path, where)
}
