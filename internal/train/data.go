package train

import (
	"context"
	"fmt"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

// trainingData is what a training reads: the images, cut into batches.
type trainingData struct {
	train, val dataset.Set // val may be nil
	loader     *dataset.Loader
	batches    int // an epoch has
	preprocess picture.Preprocess
}

// openData opens the images of a job, and settles the number of classes in
// its model.
func openData(o dataset.Options, eval evaluate.Options, t LoopOptions, spec *model.Spec, note func(string)) (trainingData, error) {
	if o.Augment.Mixup+o.Augment.Cutmix > 0 && t.BatchSize < 2 {
		return trainingData{}, fmt.Errorf("train.batch_size: is %d, but data.augment.mixup and cutmix mix the images of a batch; use at least 2", t.BatchSize)
	}
	train, val, notes, err := dataset.OpenTraining(o, t.Seed)
	if err != nil {
		return trainingData{}, err
	}
	for _, text := range notes {
		note(text)
	}
	classes := train.Classes()
	switch {
	case spec.Classes == 0:
		spec.Classes = len(classes)
	case spec.Classes != len(classes):
		return trainingData{}, fmt.Errorf("model.classes: is %d, but %s has %d classes; leave it out or set it to 0 to take it from the data", spec.Classes, o.Train, len(classes))
	}
	preprocess, err := o.EvalPreprocess(spec.InputSize)
	if err != nil {
		return trainingData{}, err
	}
	d := trainingData{train: train, val: val, preprocess: eval.Preprocess(preprocess)}
	d.loader = dataset.NewLoader(train, dataset.LoaderOptions{
		Batch: t.BatchSize, Train: true, Seed: t.Seed,
		Workers: o.Workers, Preprocess: d.preprocess, Augment: o.Augment,
	})
	d.batches = d.loader.BatchesPerEpoch()
	return d, nil
}

// updates returns the updates of an epoch; the last may be made of fewer
// batches than the others.
func (d trainingData) updates(accumulate int) int {
	return (d.batches + accumulate - 1) / accumulate
}

// from returns the batches of an epoch behind the first skip.
func (d trainingData) from(ctx context.Context, epoch, skip int) *dataset.Batches {
	return d.loader.Epoch(ctx, epoch, skip)
}
