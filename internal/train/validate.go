package train

import (
	"context"
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/report"
)

// Validations counts those of a training that goes from one number of epochs
// done to another and ends there.
func Validations(from, to, every int) int {
	if to <= from {
		return 0
	}
	if every < 1 {
		return 1
	}
	n := to/every - from/every
	if to%every > 0 {
		n++ // at the end
	}
	return n
}

// due reports whether the end of the epoch under way is validated, whether or
// not the run ends there.
func (r *run) due() bool {
	every := r.job.Eval.Every
	return r.data.val != nil && every > 0 && r.at.epoch()%every == 0
}

// validate returns the validation's line.
func (r *run) validate(ctx context.Context) (report.Line, error) {
	begin := time.Now()
	shown := r.shown()
	if n := r.recipe.Train.BNRecalibrate; n > 0 && r.movesStatistics() {
		turns := r.data.loader.Of(func(batch int) bool { return batch%r.cluster.Size() == r.cluster.Rank() })
		batches := turns.Epoch(ctx, r.at.epoch()-1, 0)
		err := r.recalibrate(shown, min(n, r.data.batches), batches.Next)
		batches.Close()
		if err != nil {
			return report.Line{}, err
		}
	}
	result, err := r.evaluator.Evaluate(ctx, r.data.val, r.reporter.Validation)
	if err != nil {
		return report.Line{}, fmt.Errorf("validation: %w", r.data.valDamage.advised(err))
	}
	if err := r.data.valDamage.add(result.Skipped, result.Damaged); err != nil {
		return report.Line{}, err
	}
	if !finite(result.Loss) {
		return report.Line{}, fmt.Errorf(
			"%w: the validation loss after step %d is %v; lower optimizer.lr; the checkpoint before stays",
			ErrDiverged, r.at.Step, result.Loss)
	}
	r.clock.validated(time.Since(begin))
	r.page.validated = &result
	r.show("predictions", func() error { return r.writeAnswers(result) })
	return report.Line{
		Step: r.at.Step, Epoch: r.at.epoch(), Split: "val", Loss: result.Loss, Top1: result.Top1, Top5: result.Top5,
		Balanced: result.BalancedAccuracy(), LR: r.at.Window.Rate, ImagesPerS: result.ImagesPerS,
		ElapsedS: r.clock.elapsed().Seconds(),
	}, nil
}
