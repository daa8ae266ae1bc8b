package train

import (
	"context"
	"fmt"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/settings"
)

// trainingData is what a training reads: the images, cut into batches.
type trainingData struct {
	opened     *dataset.Training
	train, val dataset.Set // val may be nil, and is no more than eval.max_images
	loader     *dataset.Loader
	options    dataset.LoaderOptions // of loader
	batches    int                   // an epoch has
	preprocess picture.Preprocess
	damage     *damage // of train; nil for images that come from no set
	valDamage  *damage
	valPart    string // as dataset.Training has it

	classWeights []float32 // in the losses; nil for all alike
	fingerprint  string    // of train
	valPrint     string    // the same of val
}

// openData opens the images of a configuration, and settles the number of
// classes in its model.
func openData(c *Config, reporter Reporter) (trainingData, error) {
	if c.Data.Augment.Mixup+c.Data.Augment.Cutmix > 0 && c.Train.BatchSize < 2 {
		return trainingData{}, settings.Errorf("train.batch_size",
			"is %d, but data.augment.mixup and cutmix mix the images of a batch; use at least 2", c.Train.BatchSize)
	}
	opened, err := dataset.OpenTraining(c.Data)
	if err != nil {
		return trainingData{}, err
	}
	for _, text := range append(opened.LeftOut, opened.Notes...) {
		reporter.Note(text)
	}
	for _, text := range opened.Warnings {
		reporter.Warn(text)
	}
	train, val := opened.Train, opened.Val
	if most := c.Eval.MaxImages; val != nil && most > 0 && val.Len() > most {
		reporter.Note(fmt.Sprintf("validating on %d of the %d validation images (eval.max_images)", most, val.Len()))
		val = dataset.Sample(val, most)
	}
	classes := train.Classes()
	switch {
	case c.Model.Classes == 0:
		c.Model.Classes = len(classes)
	case c.Model.Classes != len(classes):
		return trainingData{}, settings.Errorf("model.classes",
			"is %d, but %s has %d classes; leave it out or set it to 0 to take it from the data",
			c.Model.Classes, c.Data.Train, len(classes))
	}
	preprocess, err := c.Data.EvalPreprocess(c.Model.InputSize)
	if err != nil {
		return trainingData{}, err
	}
	d := trainingData{
		opened: opened, train: train, val: val, valPart: opened.ValPart, fingerprint: dataset.Fingerprint(train),
		preprocess: c.Eval.Preprocess(preprocess),
		damage:     newDamage("training images", c.Data.Train, train.Len(), c.Data, reporter),
	}
	if val != nil {
		d.valPrint = dataset.Fingerprint(val)
		spec := c.Data.Val
		if spec == "" || spec == dataset.ValHoldOut {
			spec = c.Data.Train
		}
		d.valDamage = newDamage("validation images", spec, val.Len(), c.Data, reporter)
	}
	if d.classWeights, err = c.Train.ClassWeights.of(dataset.ClassSizes(train)); err != nil {
		return trainingData{}, err
	}
	adviseUnequal(c, d, reporter)
	d.options = dataset.LoaderOptions{
		Batch: c.Train.BatchSize, Train: true, Seed: c.Train.Seed,
		Workers: c.Data.Workers, Preprocess: d.preprocess, Augment: c.Data.Augment,
		Balance: c.Data.Balance == dataset.BalanceClasses, SkipUnreadable: c.Data.Skips(),
	}
	d.loader = dataset.NewLoader(train, d.options)
	d.batches = d.loader.BatchesPerEpoch()
	return d, nil
}

// check looks for images that cannot be read before the first of them is
// needed.
func (d trainingData) check() error {
	if err := d.damage.check(d.train); err != nil || d.val == nil {
		return err
	}
	return d.valDamage.check(d.val)
}

// harm counts the images of each part that were skipped or are damaged, so far.
func (d trainingData) harm() (all []string) {
	for _, of := range []*damage{d.damage, d.valDamage} {
		if text := of.String(); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// updates returns the updates of an epoch; the last may be made of fewer
// batches than the others.
func (d trainingData) updates(shards int) int {
	return (d.batches + shards - 1) / shards
}

// sized returns a loader of the training images for inputs of another size.
func (d trainingData) sized(size int) *dataset.Loader {
	o := d.options
	o.Preprocess.Size = size
	return dataset.NewLoader(d.train, o)
}

// from returns those batches of an epoch behind the first skip that are this
// rank's.
func (l *learner) from(ctx context.Context, epoch, skip int) *dataset.Batches {
	return l.data.sized(l.sizeOf(epoch)).Of(l.mine).Epoch(ctx, epoch, skip)
}
