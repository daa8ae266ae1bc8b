package config

import (
	"fmt"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

// Evaluation completes an evaluation, whose weights, images, crops and input size
// the call says, by the configuration. own says that this is the one that the first
// weights' run was trained by: what is from its file, the weights know better, and
// what was for its training is not meant here.
func (r *Resolved) Evaluation(call evaluate.Job, own bool) (evaluate.Job, error) {
	j := call
	j.Options, j.Data = r.Eval, r.Data
	ownFile := func(key string) bool { return own && r.Origin[key].Kind == FromFile }
	if ownFile("eval.crop_pct") {
		j.CropPct = 0
	}
	j.ShownAlike = r.Origin["eval.tta"].Kind != FromDefault && !ownFile("eval.tta")
	validation := !j.Given && (j.Split == "" || j.Split == "val")
	if ownFile("eval.max_images") && !validation {
		j.MaxImages = 0 // the run says that of its own validation
	}
	// The input size of a configuration file is of a training, that of --set is not.
	if j.InputSize == 0 && r.Origin["model.input_size"].Kind == FromSet {
		j.InputSize = r.Model.InputSize
	}
	if r.Origin["data.interpolation"].Typed() {
		j.Interpolation = r.Data.Interpolation
	}
	if r.Origin["data.geometry"].Typed() {
		j.Geometry = r.Data.Geometry
	}
	j.Agrees = func(member int, spec model.Spec) error {
		if own && member > 0 { // the first member's run says nothing of the others' structure
			return nil
		}
		return r.AgreesWith(spec)
	}
	return j, r.suits(j.Crops)
}

// suits returns an error if the user asks for several crops, and for something that
// says how a single one is taken.
func (r *Resolved) suits(crops picture.Crops) error {
	for _, single := range []struct {
		key   string
		asked bool
	}{
		{"eval.tta", r.Eval.TTA == evaluate.TTAFlip}, {"eval.crop_pct", r.Eval.CropPct > 0},
		{"data.geometry", r.Data.Geometry != ""},
	} {
		if from := r.Origin[single.key]; crops > picture.SingleCrop && single.asked && from.Typed() {
			return fmt.Errorf("%s: %s is for a single crop; where %d crops lie and which are mirrored is fixed",
				from, single.key, crops)
		}
	}
	return nil
}
