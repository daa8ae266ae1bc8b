package train

import (
	"context"
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/report"
)

// endEpoch measures the epoch, saves, and returns the limit that is reached
// now.
func (r *run) endEpoch(ctx context.Context) (Exit, error) {
	last, err := r.ends(context.WithoutCancel(ctx), r.at.Epoch+1)
	if err != nil {
		return "", err
	}
	if err := r.measureEpoch(ctx, last != ""); err != nil {
		if r.interrupted(ctx) {
			return ExitInterrupted, nil
		}
		return "", err
	}
	r.at.Epoch++
	r.at.Batch = 0
	exit, err := r.ends(context.WithoutCancel(ctx), r.at.Epoch)
	if err != nil {
		return "", err
	}
	r.at.Exit = exit
	if err := r.first(r.checkpoint); err != nil {
		return exit, err
	}
	r.report("training")
	return exit, nil
}

// measureEpoch measures the epoch that has ended. A validation that is due
// only because the run ends is left to finish: when the run is resumed with a
// higher limit, it has not been.
func (r *run) measureEpoch(ctx context.Context, runEnds bool) error {
	if runEnds && r.data.val != nil && !r.due() {
		return r.writeTrain()
	}
	return r.measure(ctx, r.due())
}

// writeTrain writes the training line of what no line shows yet.
func (r *run) writeTrain() error {
	if r.at.Window.Images == 0 {
		return nil
	}
	line := r.trainLine(&r.at.Window)
	r.at.Window = r.at.Window.next()
	return r.first(func() error { return r.write(line) })
}

// measure writes the epoch's lines and weights, with a validation or without.
func (r *run) measure(ctx context.Context, validate bool) error {
	summary := EpochSummary{Epoch: r.at.epoch(), Epochs: r.recipe.Train.Epochs, Classes: r.weights.Spec.Classes}
	if r.at.SoFar.Images > 0 { // none in the first epochs of older checkpoints
		train := r.trainLine(&r.at.SoFar)
		summary.Train = &train
	}
	if validate {
		val, err := r.validate(ctx)
		if err != nil {
			return err
		}
		summary.Val = &val
		if r.at.Best.improves(val.Top1, val.Loss) {
			summary.Best = true
			r.page.keep(val.Epoch, true)
			r.at.Best = best{Epoch: val.Epoch, Step: val.Step, Top1: val.Top1, Loss: val.Loss}
			r.at.Waiting = 0
		} else {
			r.page.keep(val.Epoch, false)
			r.at.Waiting = val.Epoch - r.at.Best.Epoch
		}
	}
	if err := r.writeTrain(); err != nil {
		return err
	}
	if summary.Val != nil {
		if err := r.first(func() error { return r.write(*summary.Val) }); err != nil {
			return err
		}
	}
	if validate || r.data.val == nil {
		r.at.Validated = r.at.Step
	}
	summary.Left = r.left()
	r.reporter.Epoch(summary)
	if summary.Train != nil && summary.Val != nil {
		r.adviseLag(*summary.Train, *summary.Val)
	}
	return r.first(func() error { return r.saveWeights(summary.Best) })
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
		return report.Line{}, fmt.Errorf("validation: %w", r.data.valDamage.explain(err))
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

// trainLine returns the means of w as a line of the metrics.
func (r *run) trainLine(w *window) report.Line {
	return report.Line{
		Step: r.at.Step, Epoch: r.at.epoch(), Split: "train",
		Loss: w.mean(w.Loss), AuxLoss: w.mean(w.Aux), AuxEarlyLoss: w.mean(w.AuxEarly),
		Top1: w.mean(float64(w.Top1)), Top5: w.mean(float64(w.Top5)),
		LR: w.Rate, ImagesPerS: w.imagesPerSecond(), ElapsedS: r.clock.elapsed().Seconds(),
		WaitS: w.Wait.Seconds(),
	}
}
