package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/figure"
)

// Run is what a training's report shows.
type Run struct {
	Title   string
	State   string // running, or why it ended
	Model   string // one line
	Data    string // one line
	Lines   []Line
	Config  string // the resolved YAML
	Version string
}

//go:embed run.html
var runBody string

var runPage = Page(runBody)

// WriteHTML writes the report of a run to path, one page that needs no other
// file. A page that was there stays whole until the new one is.
func WriteHTML(path string, run Run) error {
	plots, err := plotsOf(run.Lines)
	if err != nil {
		return fmt.Errorf("report %s: %w", path, err)
	}
	page := struct {
		Run
		Facts []Fact
		Plots []template.HTML
		Val   []Line
		Best  *Line
	}{Run: run, Plots: plots, Val: split(run.Lines, "val")}
	for i := range page.Val {
		v := &page.Val[i]
		if b := page.Best; b == nil || v.Top1 > b.Top1 || v.Top1 == b.Top1 && v.Loss < b.Loss {
			page.Best = v
		}
	}
	page.Facts = run.facts(page.Best)
	return atomicfile.Write(path, func(w io.Writer) error { return runPage.Execute(w, page) })
}

// facts say how far the run has come; best is its best validation, if any.
func (r Run) facts(best *Line) []Fact {
	facts := []Fact{{"state", r.State}, {"network", r.Model}, {"data", r.Data}}
	if n := len(r.Lines); n > 0 {
		last := r.Lines[n-1]
		trained := time.Duration(last.ElapsedS * float64(time.Second)).Round(time.Second)
		facts = append(facts, Fact{"steps", fmt.Sprintf("%d, epoch %d, %s of training", last.Step, last.Epoch, trained)})
	}
	if best != nil {
		facts = append(facts, Fact{"best", fmt.Sprintf("top-1 %.2f%%, top-5 %.2f%%, loss %.4f, after epoch %d",
			100*best.Top1, 100*best.Top5, best.Loss, best.Epoch)})
	}
	return append(facts, Fact{"program", "inception " + r.Version})
}

// plotsOf draws loss, accuracy, learning rate and speed over the steps.
func plotsOf(lines []Line) ([]template.HTML, error) {
	train, val := split(lines, "train"), split(lines, "val")
	hasAux, hasEarly := false, false
	for _, line := range train {
		hasAux = hasAux || line.AuxLoss != 0
		hasEarly = hasEarly || line.AuxEarlyLoss != 0
	}
	loss := []figure.Curve{
		curve("train (smoothed labels)", train, func(l Line) float64 { return l.Loss }),
		curve("validation", val, func(l Line) float64 { return l.Loss }),
	}
	if hasAux {
		loss = append(loss, curve("auxiliary head", train, func(l Line) float64 { return l.AuxLoss }))
	}
	if hasEarly {
		loss = append(loss, curve("early auxiliary head", train, func(l Line) float64 { return l.AuxEarlyLoss }))
	}
	var plots []template.HTML
	for _, d := range []struct {
		axes   figure.Axes
		curves []figure.Curve
	}{
		{figure.Axes{Title: "Loss", X: "step", Y: "cross-entropy, nats"}, loss},
		{figure.Axes{Title: "Accuracy", X: "step", Y: "%"}, []figure.Curve{
			curve("train top-1", train, func(l Line) float64 { return 100 * l.Top1 }),
			curve("validation top-1", val, func(l Line) float64 { return 100 * l.Top1 }),
			curve("validation top-5", val, func(l Line) float64 { return 100 * l.Top5 }),
		}},
		{figure.Axes{Title: "Learning rate", X: "step", Y: "rate"}, []figure.Curve{
			curve("rate", train, func(l Line) float64 { return l.LR }),
		}},
		{figure.Axes{Title: "Speed", X: "step", Y: "images/s"}, []figure.Curve{
			curve("training", train, func(l Line) float64 { return l.ImagesPerS }),
			curve("validation", val, func(l Line) float64 { return l.ImagesPerS }),
		}},
	} {
		svg, err := figure.CurvesSVG(d.axes, d.curves...)
		if err != nil {
			return nil, err
		}
		plots = append(plots, template.HTML(svg))
	}
	return plots, nil
}

func split(lines []Line, name string) []Line {
	var of []Line
	for _, line := range lines {
		if line.Split == name {
			of = append(of, line)
		}
	}
	return of
}

func curve(name string, lines []Line, value func(Line) float64) figure.Curve {
	c := figure.Curve{Name: name, Dots: len(lines) < 40}
	for _, line := range lines {
		c.X = append(c.X, float64(line.Step))
		c.Y = append(c.Y, value(line))
	}
	return c
}
