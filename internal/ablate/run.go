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
	"github.com/inception-go/inception/internal/train"
)

// Progress hears how an ablation goes.
type Progress struct {
	Begin func(Upcoming) train.Reporter // before a run; what it returns hears of the run
	Done  func(*Result)                 // after a run
}

// Upcoming is the run that begins now.
type Upcoming struct {
	Number, Of int // counted from 1, those of earlier sessions too
	Title      string
	Seed       uint64
	Dir        string
	Left       time.Duration // of all runs, as far as finished ones tell; 0 if unknown
}

// Run trains every row with every seed: first all rows with the first one, so
// that the table is of use early. Runs that dir holds already are not
// repeated, a stopped one goes on where it stopped. A run whose loss is no
// longer a number counts as failed and the others go on; any other error ends
// the ablation. What is known by then is in dir and in the result.
//
// Several processes may share dir, each taking the runs that no other has
// begun; those that others are still at stay Pending in the result.
func (p *Plan) Run(ctx context.Context, dir string, progress Progress) (*Result, error) {
	r, err := p.collect(dir)
	if err != nil {
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
		// Going on would end the same: the same seed gives the same bits.
		err = os.WriteFile(filepath.Join(job.Dir, failedFile), []byte(err.Error()+"\n"), 0o666)
	}
	if err != nil {
		return err
	}
	return run.read(job.Dir)
}

// failedFile is in the folder of a run that has diverged and says why.
const failedFile = "failed.txt"

// refresh reads anew the runs that other processes may have ended.
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

// collect reads what dir holds of the plan's runs.
func (p *Plan) collect(dir string) (*Result, error) {
	if rundir.HoldsRun(dir) {
		return nil, fmt.Errorf("%s: holds the run of a training; choose another folder", dir)
	}
	r := p.empty(dir)
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

// sameConfig returns an error if the job's folder holds a run of another
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
		return fmt.Errorf("%s: %s is %v there and would be %v now; "+
			"go on with the settings of before, or choose another --out",
			path, key, a, b)
	}
	return nil
}

// read fills in how far the run in dir has come.
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
