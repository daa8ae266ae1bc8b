package ablate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/train"
)

// Progress is told how an ablation proceeds, one thing at a time.
type Progress struct {
	Begin func(Upcoming) train.Reporter // before a run; returns the run's reporter
	Done  func(*Result, string)         // after a run; the string says in a line which, and what is left
}

// Upcoming is the run that begins now.
type Upcoming struct {
	Number, Of int // counted from 1, including runs of earlier calls
	Title      string
	Seed       uint64
	Dir        string
	Left       time.Duration // of all runs, estimated from finished ones; 0 if unknown
	Where      string        // the rank that makes it; empty for this one, whose reporter alone is heard
}

// Run trains every row with every seed: first all rows with the first seed,
// so that the table is useful early. With a budget it then adds seeds where
// verdicts are open, and stops when the budget is spent. It does not repeat runs
// that dir already contains, and resumes a stopped one. A run whose loss becomes
// NaN or infinite counts as failed and the others continue; any other error ends
// the ablation. The results up to then are in dir and in the returned Result.
//
// Several processes may share dir, each doing the runs that no other has
// started; those that others are still doing stay Pending in the result. Under
// MPI rank 0 runs the plan, and the others Crew.Work.
func (p *Plan) Run(ctx context.Context, dir string, progress Progress) (r *Result, err error) {
	t, err := p.assemble()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.disband(err)) }()
	within, end := p.within(ctx)
	defer end()
	if p.tune != nil && !rundir.HoldsRun(dir) {
		if err := p.tuneRows(within, t, dir, progress); err != nil && !errors.Is(err, errBudget) {
			return nil, err
		} else if err != nil {
			return p.empty(dir), nil
		}
	}
	if r, err = p.collect(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("ablation folder: %w", err)
	}
	sweep(dir)
	if err := r.schedule.write(dir); err != nil {
		return nil, err
	}
	taken := map[turn]bool{} // runs that are under way, here or elsewhere
	err = t.work(within, func() (*task, error) { return p.task(within, t, r, taken, dir, progress) })
	if errors.Is(err, errBudget) {
		err = nil
	}
	return r, errors.Join(err, r.write(p, dir))
}

// sweep removes what killed processes were writing long ago: another one may be
// writing now.
func sweep(dir string) {
	for _, path := range atomicfile.Leftovers(dir) {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.Remove(path) // costs room and nothing else
		}
	}
}

// errBudget stops the run that is under way when the budget is spent.
var errBudget = errors.New("the budget is spent")

// within returns a context that ends when the budget is spent.
func (p *Plan) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if p.budget == 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, p.budget, errBudget)
}

// next returns the run to make now; ok is false if there is none, or the budget
// is spent.
func (p *Plan) next(ctx context.Context, r *Result, taken map[turn]bool) (t turn, ok bool) {
	left := unlimited
	if end, limited := ctx.Deadline(); limited && p.budget > 0 {
		if left = time.Until(end).Seconds(); left <= 0 {
			return t, false
		}
	}
	r.average()
	r.decide()
	return p.ledger(r, taken).next(left)
}

// task returns what is to be done now; nil if there is nothing for the time
// being.
func (p *Plan) task(ctx context.Context, crews *team, r *Result, taken map[turn]bool, dir string, progress Progress) (
	*task, error) {
	for {
		t, ok := p.next(ctx, r, taken)
		if !ok {
			return nil, nil
		}
		taken[t] = true
		r.reserve(p, t)
		run := func() *Outcome { return &r.Rows[t.row].Runs[t.seed] }
		job := p.job(p.rows[t.row], run().Seed, dir)
		o, busy, err := p.order(job, run(), p.tune != nil)
		switch {
		case err != nil:
			return nil, err
		case busy:
			continue // it stays taken
		case o == nil: // another process has made it
			delete(taken, t)
			continue
		}
		return &task{order: *o,
			begin: func(where string) train.Reporter {
				number := r.begun(taken)
				left := r.left() / time.Duration(len(crews.all))
				return progress.Begin(Upcoming{number, r.Planned(), p.rows[t.row].Title, run().Seed, job.Dir, left, where})
			},
			end: func() error {
				delete(taken, t)
				if err := crews.await(r, run(), job.Dir); err != nil {
					return err
				}
				if err := r.write(p, dir); err != nil {
					return err
				}
				crews.talking.Lock()
				defer crews.talking.Unlock()
				progress.Done(r, r.line(p.rows[t.row].Title, run(), len(crews.all)))
				return nil
			},
		}, nil
	}
}

// line says how a run has ended and what is left for so many crews.
func (r *Result) line(title string, o *Outcome, crews int) string {
	ended := "not done"
	switch o.State {
	case Done:
		ended = fmt.Sprintf("top-1 error %.2f%%", 100*o.error())
	case Failed:
		ended = "diverged"
	}
	text := fmt.Sprintf("%s, seed %d: %s; %d of %d runs done",
		title, o.Seed, ended, r.Count(Done)+r.Count(Failed), r.Planned())
	if left := r.left() / time.Duration(crews); left > 0 {
		text += ", about " + train.Brief(left) + " left"
	}
	return text
}

// begun counts the runs that are over or taken.
func (r *Result) begun(taken map[turn]bool) (n int) {
	for i, row := range r.Rows {
		for s, o := range row.Runs {
			if o.State != Pending || taken[turn{i, s}] {
				n++
			}
		}
	}
	return n
}

// order returns what is left to do of a job and, if tested says so, of its test;
// nil if nothing is, or another process is at it. What dir shows of it is read
// into run.
func (p *Plan) order(job train.Job, run *Outcome, tested bool) (o *order, busy bool, err error) {
	// Another process may have come here since dir was read.
	if err := run.read(job.Dir); err != nil {
		return nil, false, err
	}
	made := run.State != Pending
	if run.State == Failed || made && (!tested || run.Test != nil) {
		return nil, false, nil
	}
	if run.State = Pending; !made && rundir.Busy(job.Dir) {
		return nil, true, nil
	}
	identity, err := identify(job.Config, p.images)
	return &order{Config: job.Config, Dir: job.Dir, Version: job.Version, Emulate: job.Emulate,
		Resume: rundir.HoldsRun(job.Dir), Train: !made, Test: tested, Made: identity}, false, err
}

// await reads how a run has ended. What another machine has written may be seen
// late.
func (t *team) await(r *Result, run *Outcome, dir string) error {
	const patience = time.Minute
	for begin := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		err := r.read(run, dir)
		if err == nil && run.State != Pending {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("%s: shows no end of the run here; do all ranks share the folder?", dir)
		}
		if len(t.all) == 1 || time.Since(begin) > patience {
			return err
		}
	}
}

// reserve makes room for a run in the result.
func (r *Result) reserve(p *Plan, t turn) {
	row := &r.Rows[t.row]
	for len(row.Runs) <= t.seed {
		seed := p.Seeds[len(row.Runs)]
		row.Runs = append(row.Runs, Outcome{Seed: seed, Run: folder(row.Name, seed), State: Pending})
	}
}

// makeRun makes a run. If it diverges, a file says so and there is no error:
// resuming would end the same way, for the same seed gives the same bits.
func makeRun(ctx context.Context, job train.Job) error {
	_, err := train.Run(ctx, job)
	if !errors.Is(err, train.ErrDiverged) {
		return err
	}
	return atomicfile.Write(filepath.Join(job.Dir, failedFile), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, err)
		return err
	})
}

// failedFile is a file in the folder of a diverged run that says why.
const failedFile = "failed.txt"
