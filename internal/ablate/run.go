package ablate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/statistics"
	"github.com/inception-go/inception/internal/train"
)

// Progress is told how an ablation proceeds.
type Progress struct {
	Begin func(Upcoming) train.Reporter // before a run; returns the run's reporter
	Done  func(*Result)                 // after a run
}

// Upcoming is the run that begins now.
type Upcoming struct {
	Number, Of int // counted from 1, including runs of earlier calls
	Title      string
	Seed       uint64
	Dir        string
	Left       time.Duration // of all runs, estimated from finished ones; 0 if unknown
}

// Run trains every row with every seed: first all rows with the first seed, so
// that the table is useful early. It does not repeat runs that dir already
// contains, and resumes a stopped one. A run whose loss becomes NaN or infinite
// counts as failed and the others continue; any other error ends the ablation.
// The results up to then are in dir and in the returned Result.
//
// Several processes may share dir, each doing the runs that no other has
// started; those that others are still doing stay Pending in the result.
func (p *Plan) Run(ctx context.Context, dir string, progress Progress) (*Result, error) {
	r, err := p.collect(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("ablation folder: %w", err)
	}
	if err := r.schedule.write(dir); err != nil {
		return nil, err
	}
	number := 0
	for s, seed := range p.Seeds {
		for i, row := range p.rows {
			number++
			run := &r.Rows[i].Runs[s]
			if run.State != Pending {
				continue
			}
			job := p.job(row, seed, dir)
			// Another process may have come here since dir was read.
			if err := run.read(job.Dir); err != nil {
				return r, err
			}
			if run.State != Pending || rundir.Busy(job.Dir) {
				continue
			}
			job.Resume = rundir.HoldsRun(job.Dir)
			job.Reporter = progress.Begin(Upcoming{number, len(p.Seeds) * len(p.rows), row.Title, seed, job.Dir, r.left()})
			err = p.train(ctx, job, run)
			if errors.Is(err, rundir.ErrBusy) {
				continue
			}
			if err != nil {
				return r, errors.Join(err, r.write(p, dir))
			}
			if err := r.write(p, dir); err != nil {
				return r, err
			}
			progress.Done(r)
		}
	}
	return r, r.write(p, dir)
}

// train makes a run and notes how it ended.
func (p *Plan) train(ctx context.Context, job train.Job, run *Outcome) error {
	_, err := train.Run(ctx, job)
	if errors.Is(err, train.ErrDiverged) {
		// Resuming would end the same way: the same seed gives the same bits.
		err = os.WriteFile(filepath.Join(job.Dir, failedFile), []byte(err.Error()+"\n"), 0o666)
	}
	if err != nil {
		return err
	}
	return run.read(job.Dir)
}

// failedFile is a file in the folder of a diverged run that says why.
const failedFile = "failed.txt"

// refresh rereads the runs that other processes may have finished.
func (r *Result) refresh(dir string) error {
	for _, row := range r.Rows {
		for s := range row.Runs {
			if o := &row.Runs[s]; o.State == Pending {
				if err := o.read(filepath.Join(dir, o.Run)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// collect reads those of the plan's runs that dir contains.
func (p *Plan) collect(dir string) (*Result, error) {
	if rundir.HoldsRun(dir) {
		return nil, fmt.Errorf("%s: is the run folder of a single training; choose another folder", dir)
	}
	r := p.empty(dir)
	var err error
	if r.schedule, err = p.schedule(dir); err != nil {
		return nil, err
	}
	r.Rule = statistics.Rule{Level: Level, Margin: p.margin, Looks: r.schedule.Looks}
	for i, row := range p.rows {
		for s, seed := range p.Seeds {
			job := p.job(row, seed, dir)
			if err := sameConfig(job); err != nil {
				return nil, err
			}
			if err := r.Rows[i].Runs[s].read(job.Dir); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// sameConfig returns an error if the job's folder contains a run with another
// configuration.
func sameConfig(job train.Job) error {
	path := filepath.Join(job.Dir, rundir.Config)
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	then, err := config.Load(config.Sources{Path: path, Env: []string{}})
	if err != nil {
		return err
	}
	if key, a, b := settings.Difference(&then.Config, &job.Config); key != "" {
		return fmt.Errorf("%s: %s is %v there and would be %v now; use the earlier settings, or choose another --out",
			path, key, a, b)
	}
	return nil
}

// read fills in the state of the run in dir.
func (o *Outcome) read(dir string) error {
	if text, err := os.ReadFile(filepath.Join(dir, failedFile)); err == nil {
		o.State, o.Error = Failed, strings.TrimSpace(string(text))
		return nil
	}
	lines, ended, err := train.Final(dir)
	if err != nil || !ended {
		return err
	}
	o.State = Done
	o.take(lines)
	return nil
}
