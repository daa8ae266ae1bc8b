package ablate

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/statistics"
)

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
