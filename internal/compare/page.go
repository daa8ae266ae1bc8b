package compare

import (
	_ "embed"
	"fmt"
	"html"
	"html/template"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/inception-go/inception/internal/figure"
	"github.com/inception-go/inception/internal/report"
)

// shownImages is the most images of a kind on a page, shownClasses the most
// classes of a plot.
const shownImages, shownClasses = 24, 60

//go:embed compare.html
var pageBody string

var page = report.Page(pageBody)

// disagreement lists images that one run alone classifies correctly.
type disagreement struct {
	Right, Wrong string // runs
	Count        int
	Shown        []picture
}

// picture is an image with what was made of it.
type picture struct {
	Picture         template.URL
	Name            string
	Class, TakenFor string
}

// WritePage writes one page of HTML that needs no other file.
func (c *Comparison) WritePage(w io.Writer, version string) error {
	plots, err := c.plots()
	if err != nil {
		return err
	}
	view := struct {
		*Comparison
		Title, Version string
		Rows           [][]string
		Plots          []template.HTML
		Images         []disagreement
	}{Comparison: c, Title: "Comparison of " + strings.Join(c.Runs, ", "), Version: version, Plots: plots}
	for _, f := range c.Figures {
		view.Rows = append(view.Rows, c.cells(f))
	}
	for k := range c.runs[1:] {
		view.Images = append(view.Images, c.disagreements(k+1)...)
	}
	return page.Execute(w, view)
}

// plots are curves over each other, and the differences by class.
func (c *Comparison) plots() (all []template.HTML, err error) {
	add := func(svg string, plotErr error) {
		if err == nil {
			err = plotErr
		}
		all = append(all, template.HTML(svg))
	}
	step := func(l report.Line) float64 { return float64(l.Step) }
	minutes := func(l report.Line) float64 { return l.ElapsedS / 60 }
	top1 := func(l report.Line) float64 { return 100 * l.Top1 }
	loss := func(l report.Line) float64 { return l.Loss }
	for _, d := range []struct {
		axes  figure.Axes
		split string
		x, y  func(report.Line) float64
	}{
		{figure.Axes{Title: "Validation", X: "step", Y: "top-1, %"}, "val", step, top1},
		{figure.Axes{Title: "Validation", X: "minutes", Y: "top-1, %"}, "val", minutes, top1},
		{figure.Axes{Title: "Validation", X: "step", Y: "cross-entropy, nats"}, "val", step, loss},
		{figure.Axes{Title: "Training", X: "step", Y: "cross-entropy, nats"}, "train", step, loss},
	} {
		var curves []figure.Curve
		for _, r := range c.runs {
			curve := figure.Curve{Name: r.name}
			for _, line := range r.lines {
				if line.Split == d.split {
					curve.X, curve.Y = append(curve.X, d.x(line)), append(curve.Y, d.y(line))
				}
			}
			if len(curve.X) > 1 { // a single validation is in the table
				curves = append(curves, curve)
			}
		}
		if chart := figure.Chart(d.axes, curves...); chart != "" {
			add(chart, nil)
		}
	}
	for k := range c.runs[1:] {
		var rows []figure.Interval
		for _, f := range c.Figures {
			if f.run == k+1 && f.Low != nil {
				rows = append(rows, figure.Interval{Name: strings.TrimPrefix(f.Name, "top1 of "), Known: true,
					Mean: 100 * *f.Difference,
					Low:  100 * *f.Low, High: 100 * *f.High, Label: fmt.Sprintf("%+.1f", 100**f.Difference)})
			}
		}
		if len(rows) > 0 && len(rows) <= shownClasses {
			svg, plotErr := figure.ForestSVG("difference of top-1, points, with 95% intervals", 0, rows...)
			caption := fmt.Sprintf("<b>Top-1 by class</b> of %s less that of %s", html.EscapeString(c.Runs[k+1]),
				html.EscapeString(c.Runs[0]))
			add(`<div class="path">`+caption+"</div>"+svg, plotErr)
		}
	}
	return all, err
}

// disagreements are the images that either of the first run and another
// classifies correctly alone.
func (c *Comparison) disagreements(k int) (both []disagreement) {
	if c.runs[k].unpaired != nil {
		return nil
	}
	for _, pair := range [][2]int{{0, k}, {k, 0}} {
		right, wrong := c.runs[pair[0]].answers, c.runs[pair[1]].answers
		d := disagreement{Right: c.Runs[pair[0]], Wrong: c.Runs[pair[1]]}
		for i, label := range right.Labels {
			if !right.Right(i) || !wrong.Read(i) || wrong.Right(i) {
				continue
			}
			if d.Count++; c.val == nil || len(d.Shown) >= shownImages {
				continue
			}
			d.Shown = append(d.Shown, picture{report.Thumbnail(c.val, i), c.val.Name(i), right.Classes[label],
				right.Classes[wrong.Predicted[i]]})
		}
		both = append(both, d)
	}
	return both
}

// cells are a figure in words: name, what the difference is of, values, difference,
// interval, p.
func (c *Comparison) cells(f Figure) []string {
	value := func(v *float64) string {
		switch {
		case v == nil:
			return "-"
		case f.Name == "loss":
			return fmt.Sprintf("%.4f", *v)
		}
		return fmt.Sprintf("%.2f%%", 100**v)
	}
	cells := []string{f.Name, f.Run + " - " + c.Runs[0]}
	for _, v := range f.Values {
		cells = append(cells, value(v))
	}
	difference, interval, p := "-", "-", "-"
	if d := f.Difference; d != nil && f.Name == "loss" {
		difference = fmt.Sprintf("%+.4f", *d)
	} else if d != nil {
		difference = fmt.Sprintf("%+.2f", 100**d)
	}
	if f.Low != nil {
		interval = fmt.Sprintf("%+.2f to %+.2f", 100**f.Low, 100**f.High)
	}
	if f.P != nil {
		p = fmt.Sprintf("%.2g", *f.P)
	}
	return append(cells, difference, interval, p)
}

// WriteText writes the comparison for a terminal.
func (c *Comparison) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "setting\t%s\n", strings.Join(c.Runs, "\t"))
	for _, s := range c.Settings {
		fmt.Fprintf(t, "%s\t%s\n", s.Key, strings.Join(s.Values, "\t"))
	}
	if len(c.Settings) == 0 {
		fmt.Fprintln(t, "all are the same")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "figure\tdifference of\t%s\tdifference\t95%% interval\tMcNemar's p\n", strings.Join(c.Runs, "\t"))
	for _, f := range c.Figures {
		fmt.Fprintln(t, strings.Join(c.cells(f), "\t"))
	}
	return t.Flush()
}
