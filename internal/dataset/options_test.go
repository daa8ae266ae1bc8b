package dataset

import (
	"math"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

func TestOptionsValidateNamesTheKey(t *testing.T) {
	if err := DefaultOptions().Validate(); err != nil {
		t.Fatal(err)
	}
	for key, changes := range map[string][]func(*Options){
		"data.val_fraction:":  {func(o *Options) { o.ValFraction = 1 }, func(o *Options) { o.ValFraction = -0.1 }, func(o *Options) { o.ValFraction = math.NaN() }},
		"data.workers:":       {func(o *Options) { o.Workers = -1 }, func(o *Options) { o.Workers = 1025 }},
		"data.preprocess:":    {func(o *Options) { o.Preprocess = "caffe" }},
		"data.interpolation:": {func(o *Options) { o.Interpolation = "" }},
		"data.augment.scale:": {func(o *Options) { o.Augment.Scale = [2]float64{0.5, 0.2} }, func(o *Options) { o.Augment.Scale = [2]float64{0, 1} }, func(o *Options) { o.Augment.Scale[1] = 1.1 }},
		"data.augment.ratio:": {func(o *Options) { o.Augment.Ratio = [2]float64{2, 1} }, func(o *Options) { o.Augment.Ratio[0] = math.NaN() }},
		"data.augment.hflip:": {func(o *Options) { o.Augment.HFlip = 1.5 }},
		"data.augment.color:": {func(o *Options) { o.Augment.Color = -1 }, func(o *Options) { o.Augment.Color = 3 }},
		"data.augment.pad:":   {func(o *Options) { o.Augment.Pad = -1 }, func(o *Options) { o.Augment.Pad = 5000 }},
		"data.augment.mixup:": {func(o *Options) { o.Augment.Mixup = -0.1 }, func(o *Options) { o.Augment.Mixup = 1.1 }},
		"data.augment.cutmix:": {
			func(o *Options) { o.Augment.Cutmix = math.NaN() }, func(o *Options) { o.Augment.Mixup, o.Augment.Cutmix = 0.6, 0.5 },
		},
		"data.augment.erase:": {func(o *Options) { o.Augment.Erase = -0.1 }, func(o *Options) { o.Augment.Erase = math.NaN() }},
	} {
		for i, change := range changes {
			o := DefaultOptions()
			change(&o)
			if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), key) {
				t.Errorf("%s %d: error is %v", key, i, err)
			}
		}
	}
	o := DefaultOptions()
	o.Preprocess, o.Interpolation = "imagenet", picture.Bicubic
	if p, err := o.EvalPreprocess(64); err != nil || p.Name != "imagenet" || p.Interpolation != picture.Bicubic || p.Size != 64 || p.Validate() != nil {
		t.Errorf("evaluation preprocesses by %+v, %v", p, err)
	}
	o.Preprocess = "caffe"
	if p, err := o.EvalPreprocess(64); err == nil || !strings.HasPrefix(err.Error(), "data.preprocess: must be one of torchvision") {
		t.Errorf("an unknown name gives %+v, %v", p, err)
	}
}

// hold-out holds training images out even where there is a part for validation.
func TestHoldOutLeavesTheDatasPartsAlone(t *testing.T) {
	o := DefaultOptions()
	o.Train, o.Val, o.ValFraction = "shapes:?train=100&val=40&size=16", ValHoldOut, 0.2
	opened, err := OpenTraining(o)
	if err != nil {
		t.Fatal(err)
	}
	if opened.ValPart != HeldOut || opened.Train.Len()+opened.Val.Len() != 100 || opened.Val.Len() < 15 || opened.Val.Len() > 25 {
		t.Errorf("%d images for training, %d of part %q for validation", opened.Train.Len(), opened.Val.Len(), opened.ValPart)
	}
	if got := Absolute(ValHoldOut); got != ValHoldOut {
		t.Errorf("in another folder it becomes %s", got)
	}
	o.Val = ""
	if opened, err = OpenTraining(o); err != nil || opened.Val.Len() != 40 {
		t.Errorf("without it: %v", err)
	}
}
