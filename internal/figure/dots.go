package figure

import (
	"fmt"
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// DotPanel is a dot plot: a row a name, from top to bottom, with its mean,
// its standard deviation as a bar, and its single values.
type DotPanel struct {
	X      string
	Rows   []Dot
	Second bool // in the second colour
}

// Dot is one row.
type Dot struct {
	Name      string
	Mean, Std float64
	Label     string    // the mean in words; empty if there is none
	Values    []float64 // behind the mean
}

// WriteDots draws panels side by side as svg, png or pdf; those after the first
// share its names.
func WriteDots(w io.Writer, format string, panels ...DotPanel) error {
	const names, across = 2.1 * vg.Inch, 3.4 * vg.Inch
	width := names + across*vg.Length(len(panels))
	height := vg.Inch*0.9 + vg.Inch*0.34*vg.Length(len(panels[0].Rows))
	canvas, err := draw.NewFormattedCanvas(width, height, format)
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	whole := draw.New(canvas)
	left := whole.Min.X
	for i, panel := range panels {
		p, err := panel.plot(i == 0)
		if err != nil {
			return err
		}
		right := left + across
		if i == 0 {
			right += names
		}
		part := draw.Crop(whole, left-whole.Min.X+6, right-whole.Max.X-6, 6, -6)
		p.Draw(part)
		left = right
	}
	return writeCanvas(w, canvas)
}

// DotsSVG returns the drawing of WriteDots without the XML prologue, to stand
// in HTML.
func DotsSVG(panels ...DotPanel) (string, error) {
	return inHTML(func(w io.Writer) error { return WriteDots(w, "svg", panels...) })
}

// plot draws one panel.
func (d DotPanel) plot(named bool) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text = d.X
	p.X.Min, p.X.Max = d.extent()
	rowTicks(p, len(d.Rows), func(i int) string {
		if named {
			return d.Rows[i].Name
		}
		return ""
	})
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{225}, color.Gray{225}
	p.Add(grid)
	marks, err := d.marks()
	if err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	p.Add(marks...)
	return p, d.label(p)
}

// marks are the single values, the bars and the means; no plotter takes an empty
// list.
func (d DotPanel) marks() (marks []plot.Plotter, err error) {
	ink := palette[0]
	if d.Second {
		ink = palette[1]
	}
	means, bars, _, values := d.points()
	if len(values) > 0 {
		dots, err := plotter.NewScatter(values)
		if err != nil {
			return nil, err
		}
		dots.GlyphStyle = draw.GlyphStyle{Color: ink, Radius: vg.Points(1.5), Shape: draw.RingGlyph{}}
		marks = append(marks, dots)
	}
	if len(means) == 0 {
		return marks, nil
	}
	bar, err := plotter.NewXErrorBars(struct {
		plotter.XYs
		plotter.XErrors
	}{means, bars})
	if err != nil {
		return nil, err
	}
	bar.LineStyle = draw.LineStyle{Color: ink, Width: vg.Points(1.5)}
	dots, err := plotter.NewScatter(means)
	if err != nil {
		return nil, err
	}
	dots.GlyphStyle = draw.GlyphStyle{Color: ink, Radius: vg.Points(4), Shape: draw.CircleGlyph{}}
	return append(marks, bar, dots), nil
}

// label writes the labels above the means.
func (d DotPanel) label(p *plot.Plot) error {
	means, _, texts, _ := d.points()
	if len(means) == 0 {
		return nil
	}
	labels, err := plotter.NewLabels(plotter.XYLabels{XYs: means, Labels: texts})
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	for i := range labels.TextStyle {
		labels.TextStyle[i].XAlign = draw.XCenter
		labels.TextStyle[i].Font.Size = vg.Points(8)
	}
	labels.Offset = vg.Point{Y: vg.Points(5)}
	p.Add(labels)
	return nil
}

// points returns the known means, half their bars' lengths, their labels, and
// all values.
func (d DotPanel) points() (means plotter.XYs, bars plotter.XErrors, labels []string, values plotter.XYs) {
	for i, row := range d.Rows {
		y := float64(-i)
		if row.Label != "" {
			means = append(means, plotter.XY{X: row.Mean, Y: y})
			bars = append(bars, struct{ Low, High float64 }{-row.Std, row.Std})
			labels = append(labels, row.Label)
		}
		if len(row.Values) > 1 {
			for _, v := range row.Values {
				values = append(values, plotter.XY{X: v, Y: y - 0.2}) // below the bar
			}
		}
	}
	return means, bars, labels, values
}

// extent is the range of the horizontal axis: all that is drawn, with a margin.
func (d DotPanel) extent() (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, row := range d.Rows {
		if row.Label != "" {
			low, high = min(low, row.Mean-row.Std), max(high, row.Mean+row.Std)
		}
		for _, v := range row.Values {
			low, high = min(low, v), max(high, v)
		}
	}
	if math.IsInf(low, 1) {
		return 0, 1
	}
	margin := max(0.12*(high-low), 0.05*math.Abs(high), 1e-3)
	return low - margin, high + margin
}
