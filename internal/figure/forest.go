package figure

import (
	"cmp"
	"fmt"
	"image/color"
	"io"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Interval is a row of a forest plot: a difference with what surrounds it.
type Interval struct {
	Name            string
	Known           bool // whether there is a difference
	Mean, Low, High float64
	Values          []float64 // of the single pairs
	Label           string    // beside it, such as a verdict
}

// WriteForest draws differences with their intervals around 0, from top to
// bottom, as svg, png or pdf. x names the axis; margin, unless 0, is shaded
// around 0.
func WriteForest(w io.Writer, format, x string, margin float64, rows ...Interval) error {
	p := plot.New()
	p.X.Label.Text = x
	p.X.Min, p.X.Max = forestExtent(margin, rows)
	p.X.Tick.Marker = roundTicks(p.X.Min, p.X.Max)
	rowTicks(p, len(rows), func(i int) string { return rows[i].Name })
	labels, err := labelColumn(p, rows)
	if err != nil {
		return err
	}
	if margin > 0 {
		top, bottom := 0.6, -float64(len(rows))+0.4
		band, err := plotter.NewPolygon(plotter.XYs{{X: -margin, Y: bottom}, {X: margin, Y: bottom}, {X: margin, Y: top},
			{X: -margin, Y: top}})
		if err != nil {
			return fmt.Errorf("plot: %w", err)
		}
		band.Color, band.LineStyle.Width = color.Gray{236}, 0
		p.Add(band)
	}
	zero, err := plotter.NewLine(plotter.XYs{{X: 0, Y: 0.6}, {X: 0, Y: -float64(len(rows)) + 0.4}})
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	zero.LineStyle = draw.LineStyle{Color: color.Gray{90}, Width: vg.Points(1)}
	p.Add(zero)
	marks, err := DotPanel{Rows: forestDots(rows)}.marks()
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	p.Add(append(marks, labels...)...)
	for i, row := range rows {
		if !row.Known || row.Low == row.High {
			continue
		}
		line, err := plotter.NewLine(plotter.XYs{{X: row.Low, Y: float64(-i)}, {X: row.High, Y: float64(-i)}})
		if err != nil {
			return fmt.Errorf("plot: %w", err)
		}
		line.LineStyle = draw.LineStyle{Color: palette[0], Width: vg.Points(2)}
		p.Add(line)
	}
	return writePlot(w, format, p, plotWidth, vg.Inch*0.9+vg.Inch*0.36*vg.Length(len(rows)))
}

// plotWidth is that of plots with names beside or below them.
const plotWidth = 6.4 * vg.Inch

// labelColumn makes room for the labels to the right of all intervals, where they
// cover nothing, and puts them there.
func labelColumn(p *plot.Plot, rows []Interval) ([]plot.Plotter, error) {
	column := plotter.XYLabels{}
	for i, row := range rows {
		if row.Known && row.Label != "" {
			column.XYs, column.Labels = append(column.XYs, plotter.XY{Y: float64(-i)}), append(column.Labels, row.Label)
		}
	}
	if len(column.Labels) == 0 {
		return nil, nil
	}
	labels, err := plotter.NewLabels(column)
	if err != nil {
		return nil, fmt.Errorf("plot: %w", err)
	}
	var names, wide vg.Length
	for _, row := range rows {
		names = max(names, p.Y.Tick.Label.Width(row.Name))
	}
	for i := range labels.TextStyle {
		style := &labels.TextStyle[i]
		style.XAlign, style.YAlign, style.Font.Size = draw.XRight, draw.YCenter, vg.Points(9)
		wide = max(wide, style.Width(column.Labels[i]))
	}
	if all := plotWidth - names - vg.Points(30); wide < all/2 {
		p.X.Max += (p.X.Max - p.X.Min) * float64(wide/(all-wide))
	}
	for i := range labels.XYs {
		labels.XYs[i].X = p.X.Max
	}
	return []plot.Plotter{labels}, nil
}

// roundTicks are the multiples of a round number in a range, so 0 is one of them.
func roundTicks(low, high float64) (ticks plot.ConstantTicks) {
	step := roundStep((high - low) / 6)
	for n := math.Ceil(low / step); n*step <= high; n++ {
		ticks = append(ticks, plot.Tick{Value: n * step, Label: tick(n*step, step)})
	}
	return ticks
}

// ForestSVG returns the drawing of WriteForest without the XML prologue, to
// stand in HTML.
func ForestSVG(x string, margin float64, rows ...Interval) (string, error) {
	return inHTML(func(w io.Writer) error { return WriteForest(w, "svg", x, margin, rows...) })
}

func forestDots(rows []Interval) (dots []Dot) {
	for _, row := range rows {
		d := Dot{Name: row.Name, Values: row.Values}
		if row.Known {
			d.Mean, d.Label = row.Mean, row.Label
		}
		dots = append(dots, d)
	}
	return dots
}

// forestExtent is the range of the axis: 0 and all that is drawn.
func forestExtent(margin float64, rows []Interval) (low, high float64) {
	low, high = -margin, margin
	for _, row := range rows {
		if !row.Known {
			continue
		}
		for _, v := range append([]float64{row.Low, row.High, row.Mean}, row.Values...) {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	space := math.Max(0.1*(high-low), 1e-3)
	return low - space, high + space
}

// rowTicks names rows on the vertical axis, from top to bottom.
func rowTicks(p *plot.Plot, rows int, name func(int) string) {
	p.Y.Min, p.Y.Max = -float64(rows)+0.4, 0.6
	p.Y.LineStyle.Width, p.Y.Tick.Length = 0, 0
	var ticks plot.ConstantTicks
	for i := range rows {
		ticks = append(ticks, plot.Tick{Value: float64(-i), Label: name(i)})
	}
	p.Y.Tick.Marker = ticks
}

// writePlot draws a plot in a format.
func writePlot(w io.Writer, format string, p *plot.Plot, width, height vg.Length) error {
	canvas, err := draw.NewFormattedCanvas(width, height, format)
	if err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	p.Draw(draw.Crop(draw.New(canvas), 6, -12, 6, -6))
	return writeCanvas(w, canvas)
}

// Pairs are the values of several series at the same named places, such as a
// seed's runs in each row; NaN where one has none.
type Pairs struct {
	Y      string
	Names  []string
	Series [][]float64
}

// PairsSVG draws a dot for each value and a line through those of a series, to
// stand in HTML.
func PairsSVG(pairs Pairs) (string, error) {
	p := plot.New()
	p.Y.Label.Text = pairs.Y
	p.Add(plotter.NewGrid())
	for i, series := range pairs.Series {
		var run plotter.XYs
		for at, v := range series {
			if !math.IsNaN(v) {
				run = append(run, plotter.XY{X: float64(at), Y: v})
			}
		}
		if len(run) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(run)
		if err != nil {
			return "", fmt.Errorf("plot: %w", err)
		}
		ink := palette[i%len(palette)]
		line.LineStyle = draw.LineStyle{Color: ink, Width: vg.Points(0.7)}
		dots.GlyphStyle = draw.GlyphStyle{Color: ink, Radius: vg.Points(3), Shape: draw.CircleGlyph{}}
		p.Add(line, dots)
	}
	p.NominalX(pairs.Names...)
	if len(pairs.Names) > 4 {
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/6, draw.XRight, draw.YCenter
	}
	return inHTML(func(w io.Writer) error { return writePlot(w, "svg", p, plotWidth, 3.6*vg.Inch) })
}

// Spot is a named point with the deviation of its height.
type Spot struct {
	Name    string
	X, Y, D float64
}

// SpotsSVG draws named points with error bars, such as accuracy over cost, to
// stand in HTML.
func SpotsSVG(axes Axes, spots ...Spot) (string, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = axes.X, axes.Y
	p.Add(plotter.NewGrid())
	var points plotter.XYs
	var bars plotter.YErrors
	for _, s := range spots {
		points = append(points, plotter.XY{X: s.X, Y: s.Y})
		bars = append(bars, struct{ Low, High float64 }{s.D, s.D})
	}
	if len(points) > 0 {
		bar, err := plotter.NewYErrorBars(struct {
			plotter.XYs
			plotter.YErrors
		}{points, bars})
		if err != nil {
			return "", fmt.Errorf("plot: %w", err)
		}
		dots, err := plotter.NewScatter(points)
		if err != nil {
			return "", fmt.Errorf("plot: %w", err)
		}
		bar.LineStyle = draw.LineStyle{Color: palette[0], Width: vg.Points(1)}
		dots.GlyphStyle = draw.GlyphStyle{Color: palette[0], Radius: vg.Points(3.5), Shape: draw.CircleGlyph{}}
		p.Add(bar, dots)
		// Room for the names, which stand to the right.
		p.X.Max += 0.3 * math.Max(p.X.Max-p.X.Min, 0.05*math.Abs(p.X.Max))
		if err := addNames(p, spots); err != nil {
			return "", err
		}
	}
	return inHTML(func(w io.Writer) error { return writePlot(w, "svg", p, plotWidth, 3.6*vg.Inch) })
}

// addNames writes the names of spots to their right, higher where they would cover
// that of another spot.
func addNames(p *plot.Plot, spots []Spot) error {
	const height, line = 200, 12 // points: about that of the diagram, and of a name
	span := p.Y.Max - p.Y.Min
	if span == 0 {
		span = 2 // which is what a plot of one height gets
	}
	point := height / span
	names := make([]float64, len(spots)) // their heights
	upwards := make([]int, len(spots))
	for i := range upwards {
		upwards[i] = i
	}
	slices.SortStableFunc(upwards, func(i, j int) int { return cmp.Compare(spots[i].Y, spots[j].Y) })
	for n, i := range upwards {
		s := spots[i]
		at := s.Y * point
		names[i] = at + 3
		for _, j := range upwards[:n] {
			if math.Abs(s.X-spots[j].X) < 0.3*(p.X.Max-p.X.Min) {
				names[i] = math.Max(names[i], names[j]+line)
			}
		}
		label, err := plotter.NewLabels(plotter.XYLabels{XYs: plotter.XYs{{X: s.X, Y: s.Y}}, Labels: []string{s.Name}})
		if err != nil {
			return fmt.Errorf("plot: %w", err)
		}
		label.Offset = vg.Point{X: vg.Points(5), Y: vg.Points(names[i] - at)}
		p.Add(label)
	}
	return nil
}
