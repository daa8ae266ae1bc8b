package train

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/report"
)

// paperBatch is the effective batch of the paper's learning rate of 0.045.
const paperBatch, paperRate = 1600, 0.045

// advise says what in the options is known to go wrong.
func (r *run) advise() {
	o := r.recipe
	batch := r.effectiveBatch()
	if rate := o.Optimizer.LR; o.Optimizer.Name == optimize.RMSProp && rate >= paperRate && batch < paperBatch/4 {
		r.reporter.Warn(fmt.Sprintf("optimizer.lr %g is high for a batch of %d: the paper's %g belongs to %d images, "+
			"which makes %.2g here; optimizer.lr_base scales with the batch by itself",
			rate, batch, paperRate, paperBatch, paperRate*float64(batch)/paperBatch))
	}
	// Accuracy that is high in training and low in validation has this cause
	// more often than any other.
	horizon := 1 / (1 - r.weights.Spec.BNDecay)
	if o.Train.BNRecalibrate == 0 && float64(r.updates()) < 2*horizon && r.movesStatistics() {
		lags, other := "validation", " or set train.bn_recalibrate: 20"
		if r.data.val == nil { // before which they would be measured anew
			lags, other = "evaluation", ""
		}
		r.reporter.Warn(fmt.Sprintf("batch norm's statistics average over some %.0f updates (model.bn_decay %g) "+
			"and the run has %d, so %s will lag behind; lower model.bn_decay%s",
			horizon, r.weights.Spec.BNDecay, r.updates(), lags, other))
	}
	if d := o.EMA.Decay; d > 0 && !o.EMA.Warmup && float64(r.updates()) < 2/(1-d) {
		r.reporter.Warn(fmt.Sprintf("the running average (ema.decay %g, no warm-up) reaches back over some %.0f updates "+
			"and the run has %d, so it still holds initial weights; set ema.warmup: true",
			d, 1/(1-d), r.updates()))
	}
	r.adviseRate()
	if o.Train.Patience > 0 && (r.data.val == nil || r.job.Eval.Every == 0) {
		r.reporter.Warn(fmt.Sprintf("train.patience %d ends nothing: it waits for a better validation, and there is none "+
			"before the end; set eval.every: 1, and data.val or data.val_fraction", o.Train.Patience))
	}
	if r.data.val == nil {
		r.reporter.Note("training without validation, so no best weights are kept")
	}
}

// adviseRate says if the rate's schedule does not fit the length of the run.
func (r *run) adviseRate() {
	s, epochs := r.recipe.Schedule, float64(r.updates())/float64(r.data.updates(r.shards))
	if s.WarmupEpochs > 0 && s.WarmupEpochs >= epochs {
		r.reporter.Warn(fmt.Sprintf("schedule.warmup_epochs %g is all of the run (%.3g epochs), so the rate never falls and "+
			"may never reach optimizer.lr; lower it", s.WarmupEpochs, epochs))
	}
	if rate := r.recipe.Optimizer.LearningRate(r.effectiveBatch()); s.MinLR >= rate {
		r.reporter.Warn(fmt.Sprintf("schedule.min_lr %g is not below the rate of %.3g, which so stays what it is; lower it",
			s.MinLR, rate))
	}
}

// adviseLag says once when validation is far below training, which nothing
// explains so often as batch norm's running statistics.
func (r *run) adviseLag(train, val report.Line) {
	far := train.Loss > 0 && val.Loss >= 2*train.Loss && val.Top1 <= train.Top1/2
	if !far || r.lagging || r.recipe.Train.BNRecalibrate > 0 || !r.movesStatistics() {
		return
	}
	r.lagging = true
	r.reporter.Note(fmt.Sprintf("validation (top-1 %.1f%%) is far below training (%.1f%%), "+
		"most likely because batch norm's running statistics lag behind weights that move fast; "+
		"that passes as the learning rate falls; "+
		"train.bn_recalibrate: 20 measures them anew, and a lower model.bn_decay (%g) follows faster",
		100*val.Top1, 100*train.Top1, r.weights.Spec.BNDecay))
}

// adviseBeginning says once, when a run begins, what the batch size does to the
// images, and warns about its first weights.
func (r *run) adviseBeginning() {
	r.adviseInit()
	if o := r.recipe.Train; r.job.Train.Epochs == 0 || r.job.Train.BatchNorm == BatchNormAuto {
		r.reporter.Note(fmt.Sprintf("for %d training images: train.epochs %d, train.batch_norm %s, train.bn_recalibrate %d",
			r.data.train.Len(), o.Epochs, o.BatchNorm, o.BNRecalibrate))
	}
	images, batch := r.data.train.Len(), r.recipe.Train.BatchSize
	switch rest := images % batch; {
	case images < batch:
		r.reporter.Note(fmt.Sprintf("a batch of %d is more than the %d training images: each epoch is one batch, "+
			"in which images repeat up to %d times; train.batch_size %d avoids that",
			batch, images, (batch+images-1)/images, images))
	case rest > 0:
		r.reporter.Note(fmt.Sprintf("an epoch has only full batches: of the %d training images it leaves out %d, "+
			"different ones each time", images, rest))
	}
}

// adviseInit warns if random weights are trained as pretrained ones are.
func (r *run) adviseInit() {
	if r.job.Init.Weights != "" {
		return
	}
	var meant []string
	if factor := r.recipe.Optimizer.HeadLRFactor; factor != 1 {
		meant = append(meant, fmt.Sprintf("optimizer.head_lr_factor %g", factor))
	}
	if decay := r.recipe.Optimizer.LayerDecay; decay != 1 {
		meant = append(meant, fmt.Sprintf("optimizer.layer_decay %g", decay))
	}
	if r.recipe.Train.Head == HeadProbe {
		meant = append(meant, "train.head probe")
	}
	if r.recipe.Train.BatchNorm == BatchNormFrozen {
		meant = append(meant, "train.batch_norm frozen")
	}
	if names := r.job.Train.Freeze; len(names) > 0 {
		meant = append(meant, fmt.Sprintf("train.freeze [%s]", strings.Join(names, ", ")))
	}
	if len(meant) > 0 {
		are := "is"
		if len(meant) > 1 {
			are = "are"
		}
		r.reporter.Warn(fmt.Sprintf("training starts from random weights, but %s %s meant for pretrained ones; "+
			"give --init WEIGHTS", strings.Join(meant, ", "), are))
	}
}

// adviseSpeed says at the start what plain Go would take, which on machines without
// kernels in assembly may be days, and where bf16 is slow.
func (r *run) adviseSpeed() {
	if r.recipe.Train.Precision == model.BF16.String() && kernel.HasBF16() {
		if text := slowBF16(kernel.BF16Cost()); text != "" {
			r.reporter.Warn(text)
		}
	}
	layers, err := model.Layers(r.weights.Spec)
	if err != nil || kernel.ISA() != kernel.PlainGo {
		return
	}
	cause := fmt.Sprintf("no fast kernels exist for %s/%s", runtime.GOOS, runtime.GOARCH)
	if best := kernel.ISAs()[0]; best != kernel.PlainGo {
		cause = fmt.Sprintf("INCEPTION_ISA chooses plain Go although this machine can run %s", best)
	}
	updates, batch := max(0, r.updates()-r.at.Step), r.effectiveBatch()
	took := plainGoTime(model.TrainingMACs(layers), updates*batch/r.cluster.Size(), kernel.PeakGFLOPS(parallel.Threads()))
	r.reporter.Warn(fmt.Sprintf("%s: training runs in plain Go, and its %d updates of %d images will take about %s "+
		"without validations; a smaller model.width or model.input_size is faster", cause, updates, batch, Brief(took)))
}

// slowBF16 is what to say of bf16 whose products take so many times as long as float32's,
// as on Intel's processors without AMX, if anything.
func slowBF16(cost float64) string {
	if cost < 1.3 {
		return ""
	}
	return fmt.Sprintf("bf16 saves memory on this processor, not time: its products take about %.1f times as long as "+
		"those of fp32; train.precision fp32 is faster", cost)
}

// stepsBeforePromise are the updates after which the end can be foretold.
const stepsBeforePromise = 20

// reportStep tells the reporter about an update.
func (r *run) reportStep() {
	w, o := &r.at.SoFar, r.recipe.Train
	r.reporter.Step(Status{
		Epoch: r.at.Epoch + 1, Epochs: o.Epochs,
		Step: (r.at.Batch + r.shards - 1) / r.shards, Steps: r.data.updates(r.shards),
		Loss: w.mean(w.Loss), Top1: w.mean(float64(w.Top1)), LR: w.Rate,
		ImagesPerSecond: w.imagesPerSecond(), Left: r.left(),
	})
	if r.clock.steps == stepsBeforePromise {
		r.adviseTime()
		if left := r.left(); left > 0 {
			r.reporter.Note(fmt.Sprintf("%.2g s a step: training will end at %s, in about %s",
				r.clock.pace.Seconds(), endTime(time.Now(), left), Brief(left)))
		}
	}
}

// adviseTime says when the time will not suffice for a schedule that has to
// reach its end.
func (r *run) adviseTime() {
	limit := r.recipe.Train.MaxTime
	if took := r.validationTime(); limit > 0 && took > limit/2 {
		r.reporter.Warn(fmt.Sprintf("a validation takes about %s, more than half of train.max_time %s, "+
			"so the run will take longer; set eval.max_images below %d or allow more time",
			Brief(took), Brief(limit), r.data.val.Len()))
	}
	if limit == 0 || !r.recipe.Schedule.Ends() {
		return
	}
	elapsed, ahead := r.clock.elapsed(), r.ahead()
	if ahead == 0 || elapsed+ahead <= limit {
		return
	}
	updates := r.at.Step + int(float64(r.updates()-r.at.Step)*float64(max(0, limit-elapsed))/float64(ahead))
	fits := fmt.Sprintf("train.max_steps: %d", updates)
	if perEpoch := r.data.updates(r.shards); updates >= perEpoch {
		fits = fmt.Sprintf("train.epochs: %d", updates/perEpoch)
	}
	r.reporter.Warn(fmt.Sprintf("train.max_time %s will end the run while the %s schedule "+
		"still holds the rate high; %s would let it fall in about that time",
		Brief(limit), r.recipe.Schedule.Name, fits))
}
