package train

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/weights"
)

// write appends lines to the metrics.
func (r *run) write(lines ...report.Line) error {
	for _, line := range lines {
		if err := r.metrics.Write(line); err != nil {
			return err
		}
		r.reporter.Metrics(line)
	}
	return nil
}

// saveWeights writes last, and best if these are it.
func (r *run) saveWeights(isBest bool) error {
	spec := r.weights.Spec
	metadata := weights.Metadata{
		Spec: spec, Labels: r.data.train.Classes(), Preprocess: r.data.preprocess,
		TTA: cmp.Or(r.job.Eval.TTA, evaluate.TTANone), Version: r.job.Version,
	}
	save := func(name string, w *model.Weights) error {
		if err := golden.Fill(w, &metadata, nil); err != nil && !errors.Is(err, model.ErrNotFinite) {
			r.reporter.Warn(fmt.Sprintf("%s: no golden pictures: %v; the training goes on", name, err))
		}
		return weights.Save(r.path(name), w, metadata)
	}
	if isBest {
		if err := save(rundir.Best, r.shown()); err != nil {
			return err
		}
		// Beside it under a name of its own: a resumed run may go another way.
		if err := atomicfile.Link(r.path(rundir.Best), r.path(rundir.BestOf(r.at.Best.Step))); err != nil {
			return err
		}
	}
	if r.average != nil {
		if err := save(rundir.LastRaw, r.weights); err != nil {
			return err
		}
	}
	return save(rundir.Last, r.shown())
}

// writeAnswers writes what the validation made of each image.
func (r *run) writeAnswers(result evaluate.Result) error {
	answers := report.NewAnswers(result, r.data.val.Len())
	answers.Step, answers.Images = r.at.Step, r.data.valPrint
	return answers.Write(r.path(rundir.Predictions))
}

// checkpoint saves all that resuming needs.
func (r *run) checkpoint() error {
	size, err := r.metrics.Sync()
	if err != nil {
		return err
	}
	r.at.Metrics, r.at.Elapsed = size, r.clock.elapsed()
	r.describeData()
	if err := r.save(r.job.Dir, r.at, r.recipe); err != nil {
		return err
	}
	r.bests = [2]int{r.bests[1], r.at.Best.Step}
	rundir.KeepBestOf(r.job.Dir, r.bests[:]...)
	r.clock.saved()
	return nil
}

// describeData notes the images that the run is trained on, which must be the same
// when it is resumed.
func (r *run) describeData() {
	r.at.Images, r.at.Fingerprint, r.at.Shards = r.data.train.Len(), r.data.fingerprint, r.shards
	r.at.Classes, r.at.HeldOut = r.data.train.Classes(), nil
	if r.data.valPart == dataset.HeldOut {
		r.at.HeldOut = &heldOut{Fraction: r.job.Data.ValFraction, Seed: r.job.Data.ValSeed, Cuts: r.data.opened.Cuts}
	}
}

// report shows the metrics so far.
func (r *run) report(state string) {
	if r.cluster.Rank() > 0 {
		return
	}
	r.show("report", func() error { return r.writeReport(state) })
	r.show("TensorBoard events", r.writeEvents)
	r.clock.reported()
}

// show writes what only people and other programs look at, so that a failure is no
// reason to end a training, and is said once.
func (r *run) show(what string, write func() error) {
	if r.cluster.Rank() > 0 {
		return
	}
	err := write()
	if err == nil || err.Error() == r.unshown[what] {
		return
	}
	if r.unshown == nil {
		r.unshown = map[string]string{}
	}
	r.unshown[what] = err.Error()
	r.reporter.Warn(fmt.Sprintf("no %s: %v; the training goes on", what, err))
}
