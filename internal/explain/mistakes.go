package explain

import (
	"context"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/weights"
)

// MistakesBatch is how many rows Mistakes runs at most in one pass, two for each image.
const MistakesBatch = 8

// Mistakes explains images of an evaluation that were taken for another class, by
// Grad-CAM of the first of its networks: what it saw of that class, and what that
// and the true class differ by. The results are in the order of wrong; images that
// cannot be read any more have an error there.
func Mistakes(ctx context.Context, o *evaluate.Outcome, wrong []evaluate.Prediction) ([]Result, error) {
	if len(wrong) == 0 {
		return nil, nil
	}
	first := o.Members[0]
	w, _, err := weights.Load(first.Path)
	if err != nil {
		return nil, err
	}
	preprocess := first.Metadata.Preprocess
	e, err := New(w, Options{Method: GradCAM, Apart: true, Size: preprocess.Size, Batch: min(MistakesBatch, 2*len(wrong))})
	if err != nil {
		return nil, err
	}
	defer e.Close() //nolint:errcheck // nothing is written through it
	var all []Result
	for len(wrong) > 0 {
		part := wrong[:min(e.Together(), len(wrong))]
		wrong = wrong[len(part):]
		indices := make([]int, len(part))
		for i, p := range part {
			indices[i] = p.Index
		}
		ask := func(i int) Question { return Question{part[i].Top[0].Index, part[i].Label} }
		found, err := e.Pictures(ctx, dataset.Subset(o.Set, indices), preprocess, ask)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}
