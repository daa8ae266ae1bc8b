package ablate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
)

//go:embed ablation.html
var pageText string

var page = report.Page(pageText)

// writeHTML writes the report, a self-contained page with links to the runs
// below its folder.
func (r *Result) writeHTML(w io.Writer, p *Plan) error {
	dots, err := figure.DotsSVG(r.panels()...)
	if err != nil {
		return err
	}
	curves, err := figure.CurvesSVG(figure.Axes{Title: "Validation", X: "step", Y: "top-1 error, %"}, r.curves()...)
	if err != nil {
		return err
	}
	view := struct {
		*Result
		Title, State, Base, Version string
		Plots                       []template.HTML
		Grids                       []grid
		Runs                        []runView
	}{Result: r, Title: "Ablation: " + r.Suite + " on " + r.Config, State: r.state(),
		Base: string(p.Base.Absolute().YAML()), Version: p.version,
		Plots: []template.HTML{template.HTML(dots), template.HTML(curves)}, Grids: r.grids(), Runs: r.runs()}
	return page.Execute(w, view)
}

// state says how many of the runs are done.
func (r *Result) state() string {
	text := fmt.Sprintf("%d of %d runs done", r.Count(Done), r.Planned())
	if n := r.Count(Failed); n > 0 {
		text += fmt.Sprintf(", %d diverged", n)
	}
	return text
}

// runView is a line of the report's list of runs.
type runView struct {
	Row, Set, Top1, Top5, Loss, Time string
	Outcome
	Link string
}

func (r *Result) runs() (all []runView) {
	for _, row := range r.Rows {
		for _, o := range row.Runs {
			v := runView{Row: row.Title, Set: strings.Join(row.Settings, "  "), Outcome: o,
				Link: path.Join(filepath.ToSlash(o.Run), rundir.Report)}
			if o.State == Done {
				v.Top1, v.Top5 = fmt.Sprintf("%.2f", 100*(1-o.Top1)), fmt.Sprintf("%.2f", 100*(1-o.Top5))
				v.Loss, v.Time = fmt.Sprintf("%.4f", o.Loss), brief(o.Seconds)
			}
			all = append(all, v)
		}
	}
	return all
}

// curves are the validation errors of each row's first finished run.
func (r *Result) curves() (all []figure.Curve) {
	for _, row := range r.Rows {
		for _, o := range row.Runs {
			if o.State != Done {
				continue
			}
			c := figure.Curve{Name: fmt.Sprintf("%s, seed %d", row.Title, o.Seed)}
			for _, line := range o.curve {
				c.X, c.Y = append(c.X, float64(line.Step)), append(c.Y, 100*(1-line.Top1))
			}
			all = append(all, c)
			break
		}
	}
	return all
}
