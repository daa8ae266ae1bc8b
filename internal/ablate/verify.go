package ablate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/train"
	"github.com/inception-go/inception/internal/weights"
)

// Check says which runs of an ablation to train again.
type Check struct {
	Rows    int    // how many rows to take a run of; 0 for all
	Epochs  int    // how many epochs of each to compare; 0 for all
	Seed    uint64 // of the choice
	Version string
	Emulate bool             // train.Job's
	Begin   func(run string) // hears which run begins
}

// Verified is what training a run again has shown.
type Verified struct {
	Run    string `json:"run"`
	Same   bool   `json:"same"`           // every bit that was compared
	Lines  int    `json:"lines"`          // of the metrics that were compared
	Values int    `json:"values"`         // of the final weights; 0 if only the first epochs were compared
	Detail string `json:"detail"`         // what differs, if anything does
	Note   string `json:"note,omitempty"` // what may explain it
}

// Verify trains some of the finished runs in dir again, in a folder that it
// removes, and compares them bit for bit: the metrics, the predictions and the
// weights. Before, it checks that the figures of table.json are those of the
// runs, all of them.
func Verify(ctx context.Context, dir string, c Check) ([]Verified, error) {
	runs, err := finished(dir)
	if err != nil {
		return nil, err
	}
	if err := checkTable(dir); err != nil {
		return nil, err
	}
	images := map[string]string{}
	var all []Verified
	for _, run := range sample(runs, c) {
		v, err := verify(ctx, dir, run, c, images)
		if err != nil {
			return all, fmt.Errorf("%s: %w", run, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// finished lists the finished runs below dir by row.
func finished(dir string) (rows [][]string, err error) {
	folders, err := filepath.Glob(filepath.Join(dir, "*", "seed-*"))
	if err != nil {
		return nil, err
	}
	slices.Sort(folders)
	row := ""
	for _, folder := range folders {
		if _, ended, err := train.Final(folder); err != nil || !ended {
			continue // diverged, stopped or at work
		}
		run, err := filepath.Rel(dir, folder)
		if err != nil {
			return nil, err
		}
		if of := filepath.Dir(run); of != row || len(rows) == 0 {
			rows, row = append(rows, nil), of
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], run)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("%s: holds no finished run of an ablation, ROW/seed-N", dir)
	}
	return rows, nil
}

// sample draws one run of so many rows.
func sample(rows [][]string, c Check) (runs []string) {
	rng := rand.New(rand.NewPCG(c.Seed, 0))
	order := rng.Perm(len(rows))
	if c.Rows > 0 {
		order = order[:min(c.Rows, len(order))]
	}
	for _, row := range order {
		runs = append(runs, rows[row][rng.IntN(len(rows[row]))])
	}
	return runs
}

// checkTable compares the figures of table.json with those of the runs.
func checkTable(dir string) error {
	path := filepath.Join(dir, "table.json")
	rows, ok, err := readJSON[[]RowResult](path)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%s: has no table.json; is it the folder of an ablation?", dir)
	}
	for _, row := range rows {
		for _, o := range row.Runs {
			if o.State != Done {
				continue
			}
			if !filepath.IsLocal(o.Run) {
				return fmt.Errorf("%s: run %q is not below the folder", path, o.Run)
			}
			is := Outcome{State: Pending}
			if err := is.read(filepath.Join(dir, o.Run)); err != nil {
				return err
			}
			if is.State != Done || is.Top1 != o.Top1 || is.Top5 != o.Top5 || is.Loss != o.Loss || is.Steps != o.Steps {
				return fmt.Errorf("%s: says of %s: top-1 %g, loss %g after %d steps; the run itself is %s: %g, %g, %d",
					path, o.Run, o.Top1, o.Loss, o.Steps, is.State, is.Top1, is.Loss, is.Steps)
			}
		}
	}
	return nil
}

// verify trains one run again.
func verify(ctx context.Context, dir, run string, c Check, images map[string]string) (v Verified, err error) {
	v.Run = filepath.ToSlash(run)
	was := filepath.Join(dir, run)
	then, err := config.Load(config.Sources{Path: filepath.Join(was, rundir.Config), Env: []string{}})
	if err != nil {
		return v, err
	}
	made, err := readIdentity(was)
	if err != nil {
		return v, err
	}
	now, err := identify(then.Config, images)
	if err != nil {
		return v, err
	}
	if err := made.differs(was, now); err != nil {
		v.Note = err.Error()
	}
	temp, err := os.MkdirTemp("", "inception-verify-")
	if err != nil {
		return v, err
	}
	defer os.RemoveAll(temp)
	again := filepath.Join(temp, "run")
	if c.Begin != nil {
		c.Begin(v.Run)
	}
	if err := retrain(ctx, train.Job{Config: then.Config, Dir: again, Version: c.Version, Emulate: c.Emulate},
		c.Epochs); err != nil {
		return v, err
	}
	return compareRuns(v, was, again, c.Epochs > 0 || then.Train.MaxTime > 0)
}

// errEnough ends a training of which no more is compared.
var errEnough = errors.New("enough epochs are done")

// retrain makes a run, or its first epochs.
func retrain(ctx context.Context, job train.Job, epochs int) error {
	if epochs > 0 {
		within, stop := context.WithCancelCause(ctx)
		defer stop(nil)
		ctx, job.Reporter = within, &upTo{epochs: epochs, stop: func() { stop(errEnough) }}
	}
	_, err := train.Run(ctx, job)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// upTo is a reporter that stops a training after some epochs.
type upTo struct {
	train.Silence
	epochs int
	stop   func()
}

func (u *upTo) Epoch(s train.EpochSummary) {
	if s.Epoch >= u.epochs {
		u.stop()
	}
}

// compareRuns compares what two trainings have left; partly if the second may
// have ended earlier.
func compareRuns(v Verified, was, again string, partly bool) (Verified, error) {
	before, err := report.ReadMetrics(filepath.Join(was, rundir.Metrics))
	if err != nil {
		return v, err
	}
	after, err := report.ReadMetrics(filepath.Join(again, rundir.Metrics))
	if err != nil {
		return v, err
	}
	if v.Lines = min(len(before), len(after)); v.Lines == 0 {
		v.Detail = "there is nothing to compare"
		return v, nil
	}
	for i, line := range before[:v.Lines] {
		if a, b := determined(line), determined(after[i]); a != b {
			v.Detail = fmt.Sprintf("line %d of the metrics (%s, epoch %d) has loss %v and top-1 %v, again %v and %v",
				i+1, line.Split, line.Epoch, line.Loss, line.Top1, after[i].Loss, after[i].Top1)
			return v, nil
		}
	}
	if partly {
		v.Same = true
		return v, nil
	}
	if len(before) != len(after) {
		v.Detail = fmt.Sprintf("there are %d lines of metrics, again %d", len(before), len(after))
		return v, nil
	}
	for _, name := range []string{rundir.Predictions, rundir.Last} {
		if v.Detail, err = sameFile(name, was, again, &v.Values); err != nil || v.Detail != "" {
			return v, err
		}
	}
	v.Same = true
	return v, nil
}

// determined are the parts of a line that a training determines.
func determined(l report.Line) report.Line {
	l.ImagesPerS, l.ElapsedS, l.WaitS = 0, 0, 0
	return l
}

// sameFile compares a file of two runs and says what differs.
func sameFile(name, was, again string, values *int) (string, error) {
	if name == rundir.Predictions {
		a, okA, errA := report.ReadAnswers(filepath.Join(was, name))
		b, okB, errB := report.ReadAnswers(filepath.Join(again, name))
		if err := errors.Join(errA, errB); err != nil {
			return "", err
		}
		if okA != okB || a.Images != b.Images || !slices.Equal(a.Predicted, b.Predicted) || !slices.Equal(a.Labels,
			b.Labels) {
			return "the predictions differ", nil
		}
		return "", nil
	}
	a, _, errA := weights.Load(filepath.Join(was, name))
	b, _, errB := weights.Load(filepath.Join(again, name))
	if err := errors.Join(errA, errB); err != nil {
		return "", err
	}
	for i, p := range a.Params {
		q := b.Params[i]
		same := func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }
		if p.Name != q.Name || !slices.EqualFunc(p.Data, q.Data, same) {
			return fmt.Sprintf("the weights of %s differ", p.Name), nil
		}
		*values += len(p.Data)
	}
	return "", nil
}
