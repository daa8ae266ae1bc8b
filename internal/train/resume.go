package train

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/weights"
)

// resume goes back to the newest whole checkpoint in the folder.
func (r *run) resume() error {
	file, damage, err := openCheckpoint(r.job.Dir, (*weights.Tensors).Verify)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: holds a run without its %s, from which alone it can go on; "+
			"train --init %s begins a new one with its weights", r.job.Dir, rundir.Checkpoint, shell.Quote(r.job.Dir))
	}
	if err != nil {
		return fmt.Errorf("%w; no checkpoint of %s is whole: train --init %s begins a new run with its weights",
			err, r.job.Dir, shell.Quote(r.job.Dir))
	}
	err = r.load(file, r.sameCourse)
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	r.at = file.at
	r.at.Exit = ""
	r.followImages()
	if damage != nil {
		// What comes next is kept beside this one, not beside the damaged.
		if err := os.Rename(file.path, r.path(rundir.Checkpoint)); err != nil {
			return fmt.Errorf("resume: %w", err)
		}
		r.reporter.Warn(fmt.Sprintf("%v; going on with the checkpoint before it, of step %d", damage, r.at.Step))
	}
	r.reporter.Note(fmt.Sprintf("resuming %s at step %d, epoch %d", shell.Quote(r.job.Dir), r.at.Step, r.at.Epoch+1))
	if err := r.takeBackBest(); err != nil {
		return err
	}
	if err := r.cutMetrics(); err != nil {
		return err
	}
	return r.saveConfig() // with what was changed
}

// sameCourse refuses settings with which a checkpoint means something else:
// the order of the images, the place in an epoch and in the schedule, and what
// its tensors are.
func (r *run) sameCourse(at progress, before Recipe) error {
	now, then := r.recipe, before
	shards := cmp.Or(at.Shards, then.Train.GradAccumSteps)
	switch {
	case now.Optimizer.Name != then.Optimizer.Name:
		return began("optimizer.name", "%s", now.Optimizer.Name, then.Optimizer.Name)
	case (now.Optimizer.LookaheadSteps > 0) != (then.Optimizer.LookaheadSteps > 0):
		return began("optimizer.lookahead_steps", "%d", now.Optimizer.LookaheadSteps, then.Optimizer.LookaheadSteps)
	case (now.EMA.Decay > 0) != (then.EMA.Decay > 0):
		return began("ema.decay", "%g", now.EMA.Decay, then.EMA.Decay)
	case !slices.Equal(now.Train.Freeze, then.Train.Freeze):
		return began("train.freeze", "%q", now.Train.Freeze, then.Train.Freeze)
	case now.Train.BatchNorm != cmp.Or(then.Train.BatchNorm, BatchNormBatch):
		return began("train.batch_norm", "%s", now.Train.BatchNorm, cmp.Or(then.Train.BatchNorm, BatchNormBatch))
	case now.Train.SyncBatchNorm != then.Train.SyncBatchNorm:
		return began("train.sync_batch_norm", "%t", now.Train.SyncBatchNorm, then.Train.SyncBatchNorm)
	case now.Train.Seed != then.Train.Seed:
		return began("train.seed", "%d", now.Train.Seed, then.Train.Seed)
	case now.Train.BatchSize != then.Train.BatchSize,
		now.Train.GradAccumSteps != then.Train.GradAccumSteps && r.shards != shards:
		return settings.Errorf("train.batch_size",
			"is %d (with grad_accum_steps %d), but the run began with %d (and %d); resume with those",
			now.Train.BatchSize, now.Train.GradAccumSteps, then.Train.BatchSize, then.Train.GradAccumSteps)
	}
	if err := r.sameShards(shards); err != nil {
		return err
	}
	if err := r.sameClasses(at); err != nil {
		return err
	}
	if err := r.sameHeldOut(at); err != nil {
		return err
	}
	if err := r.sameImages(at); err != nil {
		return err
	}
	if now.Train.Precision != then.Train.Precision {
		r.reporter.Warn(fmt.Sprintf("train.precision is %s, the run had %s: it goes on in the former from the same "+
			"float32 weights", now.Train.Precision, then.Train.Precision))
	}
	return nil
}

// began is the error of a setting that must be what it was.
func began(key, format string, is, was any) error {
	return settings.Errorf(key, "is "+format+", but the run began with "+format+"; resume with that", is, was)
}

// sameShards divides the shards of the run's updates among the ranks that there
// are now.
func (r *run) sameShards(shards int) error {
	ranks, before := r.cluster.Size(), r.each
	if possible := RankCounts(shards); !slices.Contains(possible, ranks) {
		nearest := slices.MinFunc(possible, func(a, b int) int { return max(a-ranks, ranks-a) - max(b-ranks, ranks-b) })
		return settings.Errorf("train.grad_accum_steps", "the run's updates are of %d batches, which %d ranks cannot share; "+
			"resume on %d", shards, ranks, nearest)
	}
	if err := r.divide(shards); err != nil {
		return err
	}
	if r.each != before {
		r.reporter.Note(fmt.Sprintf("%d ranks with %d batches each: updates of %d batches, as before",
			ranks, r.each, shards))
	}
	return nil
}

// sameClasses refuses classes that would give the network's outputs other names.
func (r *run) sameClasses(at progress) error {
	now := r.data.train.Classes()
	if at.Classes == nil || slices.Equal(now, at.Classes) {
		return nil
	}
	i := 0
	for now[i] == at.Classes[i] { // as many, since the network is the same
		i++
	}
	return settings.Errorf("data.train", "has %q as class %d of %d, but the run began with %q; resume with the same "+
		"class folders, or begin a new run by train --init %s, which finds the classes by name",
		now[i], i+1, len(now), at.Classes[i], shell.Quote(r.job.Dir))
}

// sameHeldOut refuses a choice of validation images by which some would be held out
// that the network was trained on.
func (r *run) sameHeldOut(at progress) error {
	before, now := at.HeldOut, r.job.Data
	switch {
	case before == nil || r.data.valPart != dataset.HeldOut:
		return nil
	case now.ValSeed != before.Seed:
		return began("data.val_seed", "%d", now.ValSeed, before.Seed)
	case now.ValFraction != before.Fraction:
		return began("data.val_fraction", "%g", now.ValFraction, before.Fraction)
	}
	return nil
}

// sameImages refuses other training images than those that a checkpoint was
// made with. A few more or less are not other data: damaged files are mended,
// removed and replaced.
func (r *run) sameImages(at progress) error {
	is, was := r.data.train.Len(), at.Images
	if was == 0 { // older checkpoints have no count
		return nil
	}
	few := max(1, r.job.Data.Skippable(was))
	if is < was-few || is > was+few {
		return settings.Errorf("data.train", "has %d training images, but the run began with %d; "+
			"resume with the same images, data.val, data.val_fraction and data.val_seed; "+
			"a data.max_errors of %.2g lets that many be others", is, was, float64(max(is-was, was-is))/float64(was)+0.005)
	}
	return nil
}

// followImages goes on with the training images that there are now.
func (r *run) followImages() {
	is, was := r.data.train.Len(), r.at.Images
	switch {
	case was != 0 && is != was:
		r.reporter.Warn(fmt.Sprintf("%d training images, the run had %d: it goes on in another order of the images, "+
			"so it will not end with the bits of a run that was not stopped", is, was))
	case r.at.Fingerprint != "" && r.at.Fingerprint != r.data.fingerprint:
		r.reporter.Warn(fmt.Sprintf("%d training images as before, but some have other names or classes", is))
	}
	if before := r.at.HeldOut; before != nil && r.data.valPart == dataset.HeldOut {
		r.warnOfCrossed(before)
	}
	r.at.Batch = min(r.at.Batch, r.data.batches)
}

// warnOfCrossed says which images are no longer on the side of training or of
// validation where they were: the share of a class is of the images that it has now.
func (r *run) warnOfCrossed(before *heldOut) {
	warn := func(images []string, what string) {
		if len(images) > 0 {
			r.reporter.Warn(fmt.Sprintf("other images are in %s than when the run began, so that %d %s, such as %s; "+
				"the same images as then keep them apart",
				shell.Quote(r.job.Data.Train), len(images), what, shell.Quote(images[0])))
		}
	}
	trained, held := r.data.opened.Crossed(before.Cuts, before.Seed)
	warn(trained, "would have been held out for validation and are trained on from here")
	warn(held, "are held out now and may have been trained on before")
}

// cutMetrics takes back the lines written after the checkpoint.
func (r *run) cutMetrics() error {
	path := r.path(rundir.Metrics)
	if info, err := os.Stat(path); err != nil || info.Size() <= r.at.Metrics {
		return nil
	}
	if err := os.Truncate(path, r.at.Metrics); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}

// takeBackBest makes the best weights those of the checkpoint: what came after
// it is not part of a run that goes another way.
func (r *run) takeBackBest() error {
	best, step := r.path(rundir.Best), r.at.Best.Step
	if r.at.Best.Epoch == 0 {
		rundir.KeepBestOf(r.job.Dir)
		return r.discard(best)
	}
	kept := r.path(rundir.BestOf(step))
	err := atomicfile.Link(kept, best)
	if errors.Is(err, fs.ErrNotExist) { // the run of an older version
		if err = os.Rename(r.path(rundir.KeptBest), best); err == nil || errors.Is(err, fs.ErrNotExist) {
			err = atomicfile.Link(best, kept)
		}
	}
	if err == nil {
		if _, _, damage := weights.Load(best); damage != nil {
			return r.dropBest(damage)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("resume: best weights: %w", err)
	}
	r.bests = [2]int{step, step}
	if before, err := weights.ReadTensors(r.path(rundir.Previous)); err == nil {
		if p, err := readCheckpoint(before, r.path(rundir.Previous), (*weights.Tensors).VerifyMetadata); err == nil {
			r.bests[0] = p.Best.Step
		}
		before.Close()
	}
	rundir.KeepBestOf(r.job.Dir, r.bests[:]...)
	return nil
}

// dropBest goes on without the best weights, which are damaged: the next
// validation has the best ones.
func (r *run) dropBest(damage error) error {
	r.reporter.Warn(fmt.Sprintf("the best weights, of epoch %d, are lost: %v; those of the next validation are "+
		"kept as best",
		r.at.Best.Epoch, damage))
	r.at.Best, r.at.Waiting = best{}, 0
	rundir.KeepBestOf(r.job.Dir)
	return r.discard(r.path(rundir.Best))
}

func (r *run) discard(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("resume: %w", err)
	}
	return nil
}
