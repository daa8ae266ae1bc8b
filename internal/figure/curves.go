// Package figure draws: curves, dot plots, what evaluations confuse and how sure
// they are, and whole networks in the style of the paper's figures. Numbers or
// layers enter; SVG leaves, and PNG or PDF where it is a plot.
package figure

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg" // png
	_ "gonum.org/v1/plot/vg/vgpdf" // pdf
	_ "gonum.org/v1/plot/vg/vgsvg" // svg
)

// Texts are laid out in Liberation Sans, which is as wide as Arial and Helvetica.
func init() { plot.DefaultFont.Variant, plotter.DefaultFont.Variant = "Sans", "Sans" }

// Curve is a named sequence of points. Dots draws the points as well as the
// line through them. Curves of one name share a colour and a line of the legend.
type Curve struct {
	Name string
	X, Y []float64
	Dots bool
}

// Axes are a diagram's labels and scale.
type Axes struct {
	Title, X, Y string
	LogX        bool
	LegendLeft  bool
}

// WriteCurves draws curves as SVG, 6 by 3.4 inches. Points that are no
// numbers are left out.
func WriteCurves(w io.Writer, axes Axes, curves ...Curve) error {
	return writeCurves(w, "svg", axes, curves)
}

// WriteCurvesPNG draws the same as pixels.
func WriteCurvesPNG(w io.Writer, axes Axes, curves ...Curve) error {
	return writeCurves(w, "png", axes, curves)
}

func writeCurves(w io.Writer, format string, axes Axes, curves []Curve) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = axes.Title, axes.X, axes.Y
	p.Legend.Top, p.Legend.Left = true, axes.LegendLeft
	p.Add(plotter.NewGrid())
	if axes.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: -1}
	}
	inks := map[string]color.Color{}
	for _, c := range curves {
		points := finitePoints(c)
		if len(points) == 0 {
			continue
		}
		line, dots, err := plotter.NewLinePoints(points)
		if err != nil {
			return fmt.Errorf("plot %s: %w", c.Name, err)
		}
		ink, named := inks[c.Name]
		if !named {
			ink = palette[len(inks)%len(palette)]
			inks[c.Name] = ink
		}
		line.Color, dots.Color = ink, ink
		line.Width, dots.Shape, dots.Radius = vg.Points(1.5), draw.CircleGlyph{}, vg.Points(2)
		p.Add(line)
		// A single point has no line to be seen by.
		if c.Dots || len(points) == 1 {
			p.Add(dots)
		}
		if !named {
			p.Legend.Add(c.Name, line)
		}
	}
	canvas, err := draw.NewFormattedCanvas(6*vg.Inch, 3.4*vg.Inch, format)
	if err != nil {
		return fmt.Errorf("plot %s: %w", axes.Title, err)
	}
	p.Draw(draw.New(canvas))
	return writeCanvas(w, canvas)
}

// writeCanvas writes a canvas. An SVG names fonts that a browser has in place of the
// one whose widths it was laid out by.
func writeCanvas(w io.Writer, canvas io.WriterTo) error {
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	const laidOut, shown = "font-family:Liberation Sans;", "font-family:'Liberation Sans',Arial,Helvetica,sans-serif;"
	if _, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte(laidOut), []byte(shown))); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	return nil
}

// palette is Okabe and Ito's, which colour-blind readers can tell apart.
var palette = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{86, 180, 233, 255},
}

func finitePoints(c Curve) plotter.XYs {
	var points plotter.XYs
	for i, y := range c.Y {
		if !math.IsNaN(y) && !math.IsInf(y, 0) {
			points = append(points, plotter.XY{X: c.X[i], Y: y})
		}
	}
	return points
}

// inHTML returns an SVG without its XML prologue, its points as pixels of the page:
// so its texts are as large as those of Chart.
func inHTML(write func(io.Writer) error) (string, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		return "", err
	}
	text := b.Bytes()
	if at := bytes.Index(text, []byte("<svg")); at > 0 {
		text = text[at:]
	}
	tag, rest, _ := strings.Cut(string(text), ">")
	return strings.ReplaceAll(tag, `pt"`, `"`) + ">" + rest, nil
}
