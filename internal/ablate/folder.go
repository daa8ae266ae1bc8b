package ablate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/statistics"
	"github.com/inception-go/inception/internal/train"
)

// collect reads those of the plan's runs that dir contains; with no dir there are
// none yet.
func (p *Plan) collect(dir string) (*Result, error) {
	if dir != "" && rundir.HoldsRun(dir) {
		return nil, fmt.Errorf("%s: is the run folder of a single training; choose another folder", dir)
	}
	if p.tune != nil && dir != "" {
		if _, err := p.choose(dir); err != nil {
			return nil, err
		}
	}
	looks, err := p.schedule(dir)
	if err != nil {
		return nil, err
	}
	if err := p.equalise(&looks); err != nil {
		return nil, err
	}
	r := p.empty(dir)
	r.schedule = looks
	r.Rule = statistics.Rule{Level: Level, Margin: p.margin, Looks: r.schedule.Looks}
	for i, row := range p.rows {
		for s, seed := range p.Seeds {
			if dir == "" {
				break
			}
			job := p.job(row, seed, dir)
			if p.budget > 0 && !rundir.HoldsRun(job.Dir) {
				break // further seeds are taken one by one
			}
			if err := p.sameRun(job); err != nil {
				return nil, err
			}
			r.reserve(p, turn{i, s})
			if err := r.read(&r.Rows[i].Runs[s], job.Dir); err != nil {
				return nil, err
			}
		}
	}
	return r, nil
}

// sameRun returns an error if the job's folder contains a run that was made of
// anything else.
func (p *Plan) sameRun(job train.Job) error {
	if !rundir.HoldsRun(job.Dir) {
		return nil
	}
	if err := sameConfig(job); err != nil {
		return err
	}
	then, err := readIdentity(job.Dir)
	if err != nil {
		return err
	}
	now, err := identify(job.Config, p.images)
	if err != nil {
		return err
	}
	return then.differs(job.Dir, now)
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
		return fmt.Errorf("%s: %s is %s there and would be %s now; use the earlier settings, or choose another --out",
			path, key, a, b)
	}
	return nil
}

// read fills in the state of the run in dir; where rows are tuned, it is not
// done before it has been tested.
func (r *Result) read(o *Outcome, dir string) error {
	err := o.read(dir)
	if r.Tune != "" && o.State == Done && o.Test == nil {
		o.State = Pending
	}
	return err
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
	identity, err := readIdentity(dir)
	if err != nil {
		return err
	}
	o.Identity = identity.Hash()
	t, err := readTest(dir)
	if t != nil {
		o.Test = &t.Figures
	}
	return err
}

// write summarises the runs and writes the files of the ablation folder.
func (r *Result) write(p *Plan, dir string) error {
	if err := r.refresh(dir); err != nil {
		return err
	}
	if err := r.summarise(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("ablation folder: %w", err)
	}
	if err := r.note(dir); err != nil {
		return err
	}
	panels := r.panels()
	for _, f := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"table.md", r.writeMarkdown},
		{"table.csv", r.writeCSV},
		{"table.json", r.writeJSON},
		{"table.tex", r.writeLaTeX},
		{"plot.svg", func(w io.Writer) error { return figure.WriteDots(w, "svg", panels...) }},
		{"plot.png", func(w io.Writer) error { return figure.WriteDots(w, "png", panels...) }},
		{"plot.pdf", func(w io.Writer) error { return figure.WriteDots(w, "pdf", panels...) }},
		{"forest.svg", func(w io.Writer) error { return r.writeForest(w, "svg") }},
		{"forest.png", func(w io.Writer) error { return r.writeForest(w, "png") }},
		{"forest.pdf", func(w io.Writer) error { return r.writeForest(w, "pdf") }},
		{"report.html", func(w io.Writer) error { return r.writeHTML(w, p) }},
	} {
		if err := atomicfile.Write(filepath.Join(dir, f.name), f.write); err != nil {
			return err
		}
	}
	return nil
}

// refresh rereads the runs that other processes may have finished.
func (r *Result) refresh(dir string) error {
	for _, row := range r.Rows {
		for s := range row.Runs {
			if o := &row.Runs[s]; o.State == Pending {
				if err := r.read(o, filepath.Join(dir, o.Run)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// writeForest draws the differences with their intervals.
func (r *Result) writeForest(w io.Writer, format string) error {
	return figure.WriteForest(w, format, forestAxis, 100*r.Rule.Margin, r.intervals()...)
}

// note records that the rows have been looked at, once a look's runs are all
// there.
func (r *Result) note(dir string) error {
	s := &r.schedule
	for s.Taken < len(s.Looks) && r.reached(s.Looks[s.Taken]) {
		s.Taken++
	}
	return s.write(dir)
}

// reached reports whether every row has the runs of a look.
func (r *Result) reached(look statistics.Look) bool {
	for _, row := range r.Rows {
		if len(row.Runs) < look.Pairs {
			return false
		}
		for _, o := range row.Runs[:look.Pairs] {
			if o.State == Pending {
				return false
			}
		}
	}
	return true
}

// panels are the parts of the plot: our errors and, next to them, the paper's.
func (r *Result) panels() []figure.DotPanel {
	ours := figure.DotPanel{X: fmt.Sprintf("top-1 error, %%, %s", r.Config)}
	paper := figure.DotPanel{X: "top-1 error, %, the paper (ILSVRC 2012)", Second: true}
	for _, row := range r.Rows {
		d := figure.Dot{Name: row.Title}
		if row.Top1.N > 0 {
			d.Mean, d.Std, d.Label = 100*row.Top1.Mean, 100*row.Top1.Std, row.percent(row.Top1)
		}
		for _, o := range row.Runs {
			if o.State == Done {
				d.Values = append(d.Values, 100*(1-o.Top1))
			}
		}
		ours.Rows = append(ours.Rows, d)
		theirs := figure.Dot{Name: row.Title}
		if row.Paper.Top1 != nil {
			theirs.Mean, theirs.Label = 100**row.Paper.Top1, plain(row.Paper.Top1, 100)
		}
		paper.Rows = append(paper.Rows, theirs)
	}
	if !r.paper() {
		return []figure.DotPanel{ours}
	}
	return []figure.DotPanel{ours, paper}
}

// readJSON reads a file of JSON; ok is false if there is none.
func readJSON[T any](path string) (v T, ok bool, err error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return v, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		return v, false, fmt.Errorf("%s: %w", path, err)
	}
	return v, true, nil
}

// writeJSON writes a file of JSON, completely or not at all.
func writeJSON(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(v) })
}
