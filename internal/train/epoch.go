package train

import (
	"context"
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/report"
)

// epoch makes the updates that are left of the epoch.
func (r *run) epoch(ctx context.Context) (Exit, error) {
	if exit, err := r.ends(ctx, r.at.Epoch); exit != "" || err != nil {
		return exit, err
	}
	if r.at.Batch == r.data.batches {
		return "", nil // stopped before its validation
	}
	if r.at.Batch == 0 {
		r.at.SoFar = window{}
	}
	if err := r.cluster.Agree(r.resize()); err != nil {
		return "", err
	}
	// The images keep coming after ctx ends: the update under way is finished.
	batches := r.from(context.WithoutCancel(ctx), r.at.Epoch, r.at.Batch)
	defer batches.Close()
	for r.at.Batch < r.data.batches {
		if exit, err := r.ends(ctx, r.at.Epoch); exit != "" || err != nil {
			return exit, err
		}
		begin, waited := time.Now(), time.Duration(0)
		next := func() (*dataset.Batch, error) {
			asked := time.Now()
			defer func() { waited += time.Since(asked) }()
			return batches.Next()
		}
		rate := r.rate(&r.at)
		if err := r.update(next, rate, &r.at); err != nil {
			return "", r.advised(err)
		}
		took := time.Since(begin)
		r.at.Window.took(took, rate)
		r.at.SoFar.took(took, rate)
		r.at.Window.Wait += waited
		r.at.SoFar.Wait += waited
		r.clock.step(took)
		r.reportStep()
		if err := r.between(); err != nil {
			return "", err
		}
	}
	return "", nil
}

// advised adds what is left after training has diverged.
func (r *run) advised(err error) error {
	p, readErr := readProgress(r.job.Dir)
	if readErr != nil || p.Step == 0 {
		return err
	}
	return fmt.Errorf("%w; the checkpoint of step %d stays", err, p.Step)
}

// between does what is due between two updates of an epoch.
func (r *run) between() error {
	o := r.recipe.Train
	if r.at.Batch == r.data.batches {
		return nil // the end of the epoch does it
	}
	if o.LogEvery > 0 && r.at.Step%o.LogEvery == 0 {
		if err := r.writeTrain(); err != nil {
			return err
		}
	}
	return r.first(r.saveIfDue)
}

// saveIfDue writes the report and a checkpoint after so many updates or so much
// time.
func (r *run) saveIfDue() error {
	o := r.recipe.Train
	if r.clock.sinceReport() > 2*time.Minute {
		r.report("training")
	}
	due := o.CheckpointEvery > 0 && r.at.Step%o.CheckpointEvery == 0
	if due || o.CheckpointEvery == 0 && r.clock.sinceSave() > 30*time.Minute {
		return r.checkpoint()
	}
	return nil
}

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
