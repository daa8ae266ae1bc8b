package ablate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"path"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/train"
)

//go:embed ablation.html
var pageText string

var page = report.Page(pageText)

// writeHTML writes the report, a self-contained page with links to the runs
// below its folder.
func (r *Result) writeHTML(w io.Writer, p *Plan) error {
	plots, more, err := r.plots()
	if err != nil {
		return err
	}
	view := struct {
		*Result
		Title, Headline, Base, Version string
		Cards                          []report.Card
		Plots, More                    []template.HTML
		Brief, Grids                   []grid
		Settings                       []settings.Differing
		Runs                           []runView
		Again                          string
		TellsTop5                      bool
	}{Result: r, Title: "Ablation: " + r.Suite + " on " + r.Config, Headline: p.headline(r), Cards: r.cards(),
		Base: string(p.Base.Absolute().YAML()), Version: p.like.Version,
		Plots: plots, More: more, Brief: []grid{r.brief()}, Grids: r.grids(), Settings: p.settings(), Runs: r.runs(),
		Again:     r.again(),
		TellsTop5: report.TellsTop5(r.Classes)}
	return page.Execute(w, view)
}

// headline says what is compared on what.
func (p *Plan) headline(r *Result) string {
	return fmt.Sprintf("%s of suite %s, changes of configuration %s, trained on images of %s.", count(len(r.Rows), "row"),
		r.Suite, r.Config, p.Base.Data.Train)
}

// plots are the page's: differences and validation curves, and more that shows the
// same errors otherwise: by row, by seed and over cost.
func (r *Result) plots() (first, more []template.HTML, err error) {
	add := func(to *[]template.HTML, svg string, plotErr error) {
		if err == nil {
			err = plotErr
		}
		*to = append(*to, template.HTML(svg))
	}
	if intervals := r.intervals(); len(intervals) > 0 {
		svg, plotErr := figure.ForestSVG(forestAxis, 100*r.Rule.Margin, intervals...)
		add(&first, svg, plotErr)
	}
	if curves := r.curves(); len(curves) > 0 {
		add(&first, figure.Chart(figure.Axes{Title: "Validation", X: "step", Y: "top-1 error, %"}, curves...), nil)
	}
	for _, panel := range r.panels() {
		svg, plotErr := figure.DotsSVG(panel)
		add(&more, svg, plotErr)
	}
	if pairs := r.pairs(); len(pairs.Names) > 1 {
		svg, plotErr := figure.PairsSVG(pairs)
		add(&more, svg, plotErr)
	}
	if spots := r.spots(); len(spots) > 1 {
		svg, plotErr := figure.SpotsSVG(figure.Axes{X: "multiply-adds of one image, millions", Y: "top-1 error, %"}, spots...)
		add(&more, svg, plotErr)
	}
	return first, more, err
}

const forestAxis = "difference of top-1 errors, points, with 95% intervals; left of 0 is better"

// intervals are the rows of the forest plot.
func (r *Result) intervals() (all []figure.Interval) {
	for _, c := range r.contrasts() {
		at := figure.Interval{Name: c.title}
		if d := c.to.Difference; d != nil && d.Mean != nil {
			at.Known, at.Label = true, c.to.Word()
			at.Mean, at.Low, at.High = 100**d.Mean, 100**d.Mean, 100**d.Mean
			if d.Low != nil {
				at.Low, at.High = 100**d.Low, 100**d.High
			}
			for _, v := range d.values {
				at.Values = append(at.Values, 100*v)
			}
		}
		all = append(all, at)
	}
	return all
}

// pairs are the errors of the rows, a series for each seed.
func (r *Result) pairs() figure.Pairs {
	pairs := figure.Pairs{Y: "top-1 error, %; a line for each seed"}
	seeds := 0
	for _, row := range r.Rows {
		pairs.Names = append(pairs.Names, row.Title)
		seeds = max(seeds, len(row.Runs))
	}
	for s := range seeds {
		var series []float64
		for _, row := range r.Rows {
			v := math.NaN()
			if s < len(row.Runs) && row.Runs[s].State == Done {
				v = 100 * row.Runs[s].error()
			}
			series = append(series, v)
		}
		pairs.Series = append(pairs.Series, series)
	}
	return pairs
}

// spots are the rows' errors over what they cost.
func (r *Result) spots() (all []figure.Spot) {
	for _, row := range r.Rows {
		if row.Top1.N > 0 {
			all = append(all, figure.Spot{Name: row.Title, X: float64(row.MACs) / 1e6, Y: 100 * row.Top1.Mean,
				D: 100 * row.Top1.Std})
		}
	}
	return all
}

// settings lists the keys in which the rows differ.
func (p *Plan) settings() []settings.Differing {
	var all []*train.Config
	for _, row := range p.rows {
		all = append(all, &row.config.Config)
	}
	return settings.Differences(all)
}

// runView is a line of the report's list of runs.
type runView struct {
	Row, Set, Top1, Top5, Loss, Time string
	Outcome
	Link string
}

// again is the command that makes the first finished run again, typed in the ablation's
// folder.
func (r *Result) again() string {
	for _, row := range r.Rows {
		for _, o := range row.Runs {
			if o.State == Done {
				return "inception train --config " + shell.Quote(path.Join(filepath.ToSlash(o.Run), rundir.Config)) + " --out again"
			}
		}
	}
	return ""
}

func (r *Result) runs() (all []runView) {
	for _, row := range r.Rows {
		for _, o := range row.Runs {
			folder := filepath.ToSlash(o.Run)
			v := runView{Row: row.Title, Set: strings.Join(row.Settings, "  "), Outcome: o,
				Link: path.Join(folder, rundir.Report)}
			if o.State == Done {
				v.Top1, v.Top5 = fmt.Sprintf("%.2f", 100*o.error()), fmt.Sprintf("%.2f", 100*o.top5Error())
				v.Loss, v.Time = fmt.Sprintf("%.4f", o.Loss), duration(o.Seconds)
			}
			all = append(all, v)
		}
	}
	return all
}

// curves are the validation errors of all finished runs that have several, a colour
// for each row.
func (r *Result) curves() (all []figure.Curve) {
	for _, row := range r.Rows {
		for _, o := range row.Runs {
			if o.State != Done || len(o.curve) < 2 {
				continue
			}
			c := figure.Curve{Name: row.Title}
			for _, line := range o.curve {
				c.X, c.Y = append(c.X, float64(line.Step)), append(c.Y, 100*(1-line.Top1))
			}
			all = append(all, c)
		}
	}
	return all
}
