package train

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/shell"
)

// run is one training with its folder.
type run struct {
	*learner
	job       Job
	at        progress
	metrics   *report.Metrics
	evaluator *evaluate.Evaluator
	reporter  Reporter
	clock     clock
	headless  bool   // the classifier above the weights of Job.Init is a new one
	lagging   bool   // the reporter knows that validation is far below training
	failed    error  // of rank 0, which the others do not know of yet
	release   func() // the folder's lock

	bests   [2]int            // the steps of the best validations that the checkpoint before and the newest know of
	page    page              // what the report shows besides the metrics
	unshown map[string]string // what could not be written, and why, said already
}

// Run trains as job says, until a limit of its options is reached or ctx
// ends. In that case the update under way is finished and saved, and the
// result comes with ctx's cause as the error.
func Run(ctx context.Context, job Job) (Result, error) {
	r, err := open(ctx, job)
	if err != nil {
		return Result{}, err
	}
	defer r.close()
	exit, err := r.loop(ctx)
	if err == nil {
		exit, err = r.finish(ctx, exit)
	}
	if err == nil {
		for _, text := range r.data.harm() {
			r.reporter.Note(text)
		}
		if r.cluster.Rank() == 0 {
			r.page.explain(ctx, r)
		}
		r.report("ended by " + string(exit))
		err = r.cluster.Agree(r.failed)
	}
	result := Result{Run: job.Dir, BestTop1: r.at.Best.Top1, BestEpoch: r.at.Best.Epoch, Steps: r.at.Step, Exit: exit,
		ValPart: r.data.valPart}
	if err == nil && exit == ExitInterrupted {
		if err = context.Cause(ctx); err == nil {
			err = errStopped
		}
	}
	return result, err
}

// prepare opens the data and builds the network: whatever may be wrong with a
// job is found here, before anything is written.
func prepare(job Job) (*run, error) {
	r := &run{job: job, reporter: job.Reporter}
	if r.reporter == nil {
		r.reporter = Silence{}
	}
	if err := job.Recipe.Validate(); err != nil {
		return nil, err
	}
	// The copy here learns its classes; what r.job says is saved as it came.
	data, err := openData(&job.Config, r.reporter)
	if err != nil {
		return nil, err
	}
	job.Train = job.Train.For(data.train.Len())
	if err := job.whitenFirst(); err != nil {
		return nil, err
	}
	if err := foresee(job.Config, job.Cluster.Size(), data.val != nil, job.memory()); err != nil {
		return nil, err
	}
	w, headless, err := job.Init.weights(job.Model, job.Train.Seed, data, r.reporter)
	if err != nil {
		return nil, err
	}
	r.headless = headless
	r.learner, err = newLearner(job, data, w)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// open prepares a run and its folder, which rank 0 alone reads and writes. What
// goes wrong on one rank is an error of all.
func open(ctx context.Context, job Job) (_ *run, err error) {
	c := job.Cluster
	c.SetTimeout(job.Config.Cluster.Timeout)
	if c.Rank() == 0 {
		err = rundir.Refuse(job.Dir, job.Resume)
	}
	if err := c.Agree(err); err != nil {
		return nil, err
	}
	r, err := prepare(job)
	defer func() {
		if err != nil && r != nil {
			r.close()
		}
	}()
	if err = c.Agree(err); err != nil {
		return nil, err
	}
	if err = r.alike(); err != nil {
		return nil, err
	}
	fresh := false
	if c.Rank() == 0 {
		fresh, err = r.openFolder(ctx)
	}
	if r.fitsHead() {
		c.SetTimeout(0) // thousands of images take rank 0 longer than a step
	}
	err = c.Agree(err)
	c.SetTimeout(job.Config.Cluster.Timeout)
	if err != nil {
		return nil, err
	}
	if err = r.share(fresh); err != nil {
		return nil, err
	}
	if c.Rank() == 0 {
		r.adviseSpeed()
	}
	if r.data.val != nil {
		r.evaluator, err = evaluate.NewEvaluator(r.shown(), evaluate.RunOptions{
			Options: job.Eval, Preprocess: r.data.preprocess, Workers: job.Data.Workers,
			SkipUnreadable: job.Data.Skips(), Cluster: c,
		})
	}
	err = c.Agree(err)
	return r, err
}

// openFolder begins the run in its folder, or goes back to where it was.
func (r *run) openFolder(ctx context.Context) (fresh bool, err error) {
	r.advise()
	if err := r.data.check(); err != nil {
		return false, err
	}
	fresh, r.release, err = rundir.Open(r.job.Dir, r.job.Resume)
	if err != nil {
		return false, err
	}
	r.reporter.Note("run folder " + shell.Quote(r.job.Dir))
	if fresh {
		r.adviseBeginning()
		if r.job.Resume {
			r.reporter.Note(fmt.Sprintf("%s holds no run yet: beginning one", r.job.Dir))
		}
		err = r.begin(ctx)
	} else {
		err = r.resume()
	}
	if err != nil {
		return false, err
	}
	r.metrics, err = report.OpenMetrics(r.path(rundir.Metrics))
	return fresh, err
}

// begin makes the folder that of a run. The checkpoint comes first: whoever
// resumes the run does not name its initial weights again.
func (r *run) begin(ctx context.Context) error {
	if err := r.whiten(ctx); err != nil {
		return err
	}
	if err := r.fitHead(ctx); err != nil {
		return err
	}
	r.describeData()
	if err := r.save(r.job.Dir, r.at, r.recipe); err != nil {
		return err
	}
	return r.saveConfig()
}

// saveConfig writes the configuration that the run uses, in words that mean
// the same in every folder.
func (r *run) saveConfig() error {
	return atomicfile.Write(r.path(rundir.Config), func(w io.Writer) error {
		_, err := w.Write(r.job.Absolute().YAML())
		return err
	})
}

func (r *run) close() {
	if r.metrics != nil {
		_ = r.metrics.Close()
	}
	if r.evaluator != nil {
		_ = r.evaluator.Close()
	}
	_ = r.net.Close()
	if r.release != nil {
		r.release()
	}
}

func (r *run) path(name string) string { return filepath.Join(r.job.Dir, name) }

// loop trains epoch by epoch and returns why it ended.
func (r *run) loop(ctx context.Context) (Exit, error) {
	r.clock.start(r.at.Elapsed)
	if exit := r.limit(ctx, r.at.Epoch); r.at.Step > 0 && exit.Finished() {
		r.reporter.Note(fmt.Sprintf("nothing is left to train: train.%s is reached; with a larger one the run goes on", exit))
	}
	for r.at.Epoch < r.recipe.Train.Epochs {
		if exit, err := r.epoch(ctx); exit != "" || err != nil {
			return exit, err
		}
		if exit, err := r.endEpoch(ctx); exit != "" || err != nil {
			return exit, err
		}
	}
	return ExitEpochs, nil
}

// limit returns which limit of the run is reached after so many epochs, if any.
func (r *run) limit(ctx context.Context, epochs int) Exit {
	o := r.recipe.Train
	switch {
	case ctx.Err() != nil:
		return ExitInterrupted
	case o.MaxSteps > 0 && r.at.Step >= o.MaxSteps:
		return ExitMaxSteps
	case r.outOfTime():
		return ExitMaxTime
	case epochs >= o.Epochs:
		return ExitEpochs
	case o.Patience > 0 && r.at.Waiting >= o.Patience:
		return ExitPatience
	}
	return ""
}

// finish saves what the end of the loop has not yet.
func (r *run) finish(ctx context.Context, exit Exit) (Exit, error) {
	if r.at.Exit != exit {
		r.at.Exit = exit
		if err := r.first(r.checkpoint); err != nil {
			return exit, err
		}
	}
	if exit == ExitInterrupted {
		if err := r.first(func() error { return r.saveWeights(false) }); err != nil {
			return exit, err
		}
		r.reporter.Note(fmt.Sprintf("stopped after step %d (epoch %d), saved in %s", r.at.Step, r.at.Epoch+1, r.job.Dir))
		return exit, nil
	}
	// Stopped inside an epoch: the checkpoint is of before this validation, so
	// that a run resumed with a higher limit goes on as if it had not been.
	if r.at.Validated == r.at.Step && r.at.Step > 0 {
		return exit, nil
	}
	err := r.measure(ctx, r.data.val != nil)
	if err != nil && r.interrupted(ctx) {
		return r.finish(ctx, ExitInterrupted)
	}
	return exit, err
}
