package ablate

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/train"
)

// tuning chooses a setting for each row by short runs, an equal number and
// length for each, on the validation images; the final figures are then those
// of test images, which are looked at once.
type tuning struct {
	key    string
	values []string
	epochs int // of a short run
}

// Tuned is what a row's short run with a value has shown.
type Tuned struct {
	Value  string  `json:"value"`
	Top1   float64 `json:"top1"` // on the validation images
	Loss   float64 `json:"loss"`
	State  State   `json:"state"`
	Chosen bool    `json:"chosen"`
}

// Figures are what a run's final weights reach on the test images.
type Figures struct {
	Images int     `json:"images"`
	Top1   float64 `json:"top1"`
	Top5   float64 `json:"top5"`
	Loss   float64 `json:"loss"`
}

// testFile is a file in a run's folder: its figures on the test images.
const testFile = "test.json"

// tested is what testFile holds.
type tested struct {
	Figures
	Answers report.Answers `json:"answers"`
}

// parseTuning reads KEY=a,b,c.
func parseTuning(text string) (*tuning, error) {
	key, list, ok := strings.Cut(text, "=")
	t := &tuning{key: strings.TrimSpace(key)}
	if !ok || t.key == "" {
		return nil, fmt.Errorf("--tune %s: must be KEY=a,b,c, such as optimizer.lr=0.02,0.05", text)
	}
	for value := range strings.SplitSeq(list, ",") {
		value = strings.TrimSpace(value)
		if value == "" || strings.ContainsAny(value, `/\`) {
			return nil, fmt.Errorf("--tune %s: %q cannot be a value", text, value)
		}
		t.values = append(t.values, value)
	}
	if len(t.values) < 2 {
		return nil, fmt.Errorf("--tune %s: takes two values or more to choose from", text)
	}
	if strings.HasPrefix(t.key, "data.") || strings.HasPrefix(t.key, "train.seed") || t.key == "train.epochs" {
		return nil, fmt.Errorf("--tune %s: rows are compared on the same images, seeds and epochs; tune another key", text)
	}
	return t, nil
}

// prepare settles the length of the short runs, 0 epochs being a quarter of a row's,
// and checks that the first row can have each value.
func (t *tuning) prepare(rows []planned, epochs int, like train.Job) error {
	whole := rows[0].config.Train.Epochs
	for _, row := range rows {
		whole = min(whole, row.config.Train.Epochs)
	}
	if epochs < 0 || epochs > whole {
		return fmt.Errorf("--tune-epochs: must be from 1 to train.epochs, %d, is %d", whole, epochs)
	}
	t.epochs = cmp.Or(epochs, max(1, whole/4))
	for _, value := range t.values {
		if _, err := t.with(rows[0], value, like); err != nil {
			return fmt.Errorf("row %s: %w", rows[0].Name, err)
		}
	}
	return nil
}

// tuningData returns the settings that keep the test images of the data apart
// from validation; an error if there are none.
func tuningData(c train.Config) ([]config.Setting, error) {
	src, err := c.Data.Open(c.Data.Train)
	if err != nil {
		return nil, err
	}
	if src.Test == nil {
		return nil, fmt.Errorf("--tune: dataset %s has no part test, on which the final figures are measured", c.Data.Train)
	}
	if c.Data.Val != "" || src.Val != nil {
		opened, err := dataset.OpenTraining(c.Data)
		if err == nil && opened.Val != nil && dataset.Shared(opened.Val, src.Test) > 0 {
			err = fmt.Errorf("--tune: data.val %s shows images of the part test, on which the final figures are measured; "+
				"leave it out or set it to %s", c.Data.Val, dataset.ValHoldOut)
		}
		return nil, err
	}
	from := config.Origin{Kind: config.FromSet, Place: "--tune"}
	return []config.Setting{{Text: "data.val=" + dataset.ValHoldOut, From: from}}, nil
}

// with returns the row with a value of the tuned key.
func (t *tuning) with(row planned, value string, like train.Job) (planned, error) {
	c := *row.change
	c.own = append(c.own[:len(c.own):len(c.own)], config.Setting{Text: t.key + "=" + value,
		From: config.Origin{Kind: config.FromSet, Place: "--tune " + row.Name}})
	return plan(&c, row.sources, like)
}

// tuningJob is the short run of a row with a value.
func (p *Plan) tuningJob(row planned, value, dir string) (train.Job, error) {
	tuned, err := p.tune.with(row, value, p.like)
	if err != nil {
		return train.Job{}, fmt.Errorf("row %s: %w", row.Name, err)
	}
	job := p.job(tuned, p.Seeds[0], dir)
	job.Train.Epochs = p.tune.epochs
	job.Dir = filepath.Join(dir, row.Name, "tune-"+value)
	return job, nil
}

// tuneRows makes the short runs that are missing.
func (p *Plan) tuneRows(ctx context.Context, crews *team, dir string, progress Progress) error {
	var all []shortRun
	for _, row := range p.rows {
		for _, value := range p.tune.values {
			job, err := p.tuningJob(row, value, dir)
			if err == nil {
				err = p.sameRun(job)
			}
			if err != nil {
				return err
			}
			all = append(all, shortRun{job, Upcoming{Number: len(all) + 1, Of: len(p.rows) * len(p.tune.values),
				Title: row.Title + ", " + p.tune.key + " " + value, Seed: p.Seeds[0], Dir: job.Dir}})
		}
	}
	for {
		left := all
		busy := all[:0:0] // what other processes are at
		err := crews.work(ctx, func() (*task, error) {
			for len(left) > 0 {
				short := left[0]
				left = left[1:]
				o, elsewhere, err := p.order(short.job, &Outcome{State: Pending}, false)
				if err != nil {
					return nil, err
				}
				if elsewhere {
					busy = append(busy, short)
				}
				if o != nil {
					return short.task(*o, crews, progress), nil
				}
			}
			return nil, nil
		})
		if err != nil || len(busy) == 0 {
			return err
		}
		// The rows need all of them.
		all = busy
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(time.Second):
		}
	}
}

// shortRun is a run that tries a value.
type shortRun struct {
	job train.Job
	Upcoming
}

func (s shortRun) task(o order, crews *team, progress Progress) *task {
	return &task{order: o,
		begin: func(where string) train.Reporter {
			s.Where = where
			return progress.Begin(s.Upcoming)
		},
		end: func() error { return crews.await(&Result{}, &Outcome{State: Pending}, s.job.Dir) },
	}
}

// choose gives each row the value whose short run was the best in validation:
// a higher top-1, at a tie a lower loss, then the first. It reports false if
// short runs are missing.
func (p *Plan) choose(dir string) (bool, error) {
	for i := range p.rows {
		row := &p.rows[i]
		row.tuned = nil
		best := -1
		for k, value := range p.tune.values {
			job, err := p.tuningJob(*row, value, dir)
			if err != nil {
				return false, err
			}
			o := Outcome{State: Pending}
			if err := p.sameRun(job); err != nil {
				return false, err
			}
			if err := o.read(job.Dir); err != nil || o.State == Pending {
				return false, err
			}
			row.tuned = append(row.tuned, Tuned{Value: value, Top1: o.Top1, Loss: o.Loss, State: o.State})
			if o.State == Done && (best < 0 || better(row.tuned[k], row.tuned[best])) {
				best = k
			}
		}
		row.tuned[max(0, best)].Chosen = true // if all diverge, the row does
	}
	for i, row := range p.rows {
		for _, t := range row.tuned {
			if !t.Chosen {
				continue
			}
			chosen, err := p.tune.with(row, t.Value, p.like)
			if err != nil {
				return false, err
			}
			chosen.tuned, chosen.change = row.tuned, row.change
			p.rows[i] = chosen
		}
	}
	return true, nil
}

func better(a, b Tuned) bool { return evaluate.Better(a.Top1, a.Loss, b.Top1, b.Loss) }

// test measures a finished run on the test images, if it was not yet.
func test(ctx context.Context, job train.Job) error {
	path := filepath.Join(job.Dir, testFile)
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	o := job.Eval
	o.MaxImages = 0
	outcome, err := evaluate.Job{
		Weights: []string{filepath.Join(job.Dir, rundir.Last)}, Options: o, Data: job.Data, Given: true,
		Split: "test", Agrees: func(int, model.Spec) error { return nil }, Note: func(string) {}, Warn: func(string) {},
	}.Run(ctx)
	if err != nil {
		return fmt.Errorf("%s: test: %w", job.Dir, err)
	}
	t := tested{Figures{outcome.Images, outcome.Top1, outcome.Top5, outcome.Loss}, report.NewAnswers(outcome.Result,
		outcome.Set.Len())}
	t.Answers.Images = dataset.Fingerprint(outcome.Set)
	return writeJSON(path, t)
}

// readTest returns a run's figures on the test images; nil if there are none.
func readTest(dir string) (*tested, error) {
	path := filepath.Join(dir, testFile)
	t, ok, err := readJSON[tested](path)
	if !ok {
		return nil, err
	}
	if err := t.Answers.Validate(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &t, nil
}
