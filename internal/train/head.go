package train

import (
	"context"
	"fmt"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/probe"
)

// mostProbed bounds the images whose features a new classifier is fitted to.
const mostProbed = 20_000

// fitsHead reports whether a new run begins by fitting its classifier: random
// weights below it would make its features worthless.
func (r *run) fitsHead() bool { return r.recipe.Train.Head == HeadProbe && r.headless }

// fitHead replaces the new classifier above given weights by the logistic
// regression on their features, if the recipe says so. Weights that are good for
// other images are then not shaken by what a random one makes of these (Kumar et
// al., "Fine-Tuning can Distort Pretrained Features and Underperform
// Out-of-Distribution", arXiv 2202.10054).
func (r *run) fitHead(ctx context.Context) error {
	if !r.fitsHead() {
		return nil
	}
	set := dataset.Sample(r.data.train, mostProbed)
	r.reporter.Note(fmt.Sprintf("fitting the classifier to the features of %d training images (train.head probe)",
		set.Len()))
	seen, unread, err := probe.Features(ctx, r.weights, set, evaluate.RunOptions{
		Options: r.job.Eval, Preprocess: r.data.preprocess, Workers: r.job.Data.Workers, SkipUnreadable: true,
	}, func(int) {})
	if err != nil {
		return fmt.Errorf("train.head probe: %w", r.data.damage.advised(err))
	}
	if err := r.data.damage.add(unread, nil); err != nil {
		return err
	}
	fit, err := probe.FitBest(seen)
	if err == nil {
		err = fit.Into(r.weights)
	}
	if err != nil {
		return fmt.Errorf("train.head probe: %w", err)
	}
	if r.average != nil {
		r.average.Weights.CopyFrom(r.weights)
	}
	chosen := fit.Chosen()
	r.reporter.Note(fmt.Sprintf("the fitted classifier knows %.1f%% of images that it was not fitted to (strength %.3g)",
		100*chosen.Top1, chosen.Strength))
	return nil
}
