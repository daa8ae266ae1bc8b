package figure

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// The measures of a chart in its own units, which are pixels where it is not
// scaled, and the points that a curve keeps.
const (
	chartWide, chartHigh                        = 480, 250
	chartLeft, chartRight, chartTop, chartBelow = 64, 16, 8, 40
	chartPoints                                 = 300
)

// Chart draws curves for a page of report's style, which gives it its colours:
// the title and the legend above, round ticks, and the values as JSON, which the
// page's script shows under the pointer. Curves of more than 300 points show the
// means of equal parts. Curves without a point are left out; with none at all
// there is no chart, "".
func Chart(axes Axes, curves ...Curve) string {
	var shown []Curve
	for _, c := range curves {
		if c = thinned(finite(c)); len(c.X) > 0 {
			shown = append(shown, c)
		}
	}
	if len(shown) == 0 {
		return ""
	}
	s := newScale(shown)
	var b strings.Builder
	fmt.Fprintf(&b, `<figure class="chart"><figcaption><b>%s</b>`, html.EscapeString(axes.Title))
	colours := map[string]int{}
	for _, c := range shown {
		if _, named := colours[c.Name]; !named {
			colours[c.Name] = len(colours) % len(palette)
			fmt.Fprintf(&b, ` <span class="key k%d">%s</span>`, colours[c.Name], html.EscapeString(c.Name))
		}
	}
	fmt.Fprintf(&b, `</figcaption><svg viewBox="0 0 %d %d" role="img" aria-label="%s" data-chart="%s">`,
		chartWide, chartHigh, html.EscapeString(axes.Title), html.EscapeString(s.data(shown)))
	s.grid(&b, axes)
	for _, c := range shown {
		s.curve(&b, colours[c.Name], c)
	}
	b.WriteString(`</svg></figure>`)
	return b.String()
}

// finite returns a curve without the points that are NaN or infinite.
func finite(c Curve) Curve {
	points := finitePoints(c)
	c.X, c.Y = nil, nil
	for _, p := range points {
		c.X, c.Y = append(c.X, p.X), append(c.Y, p.Y)
	}
	return c
}

// thinned returns a curve of at most chartPoints points.
func thinned(c Curve) Curve {
	n := len(c.X)
	if n <= chartPoints {
		return c
	}
	few := Curve{Name: c.Name}
	for i := range chartPoints {
		from, to := i*n/chartPoints, (i+1)*n/chartPoints
		x, y := 0.0, 0.0
		for j := from; j < to; j++ {
			x, y = x+c.X[j], y+c.Y[j]
		}
		few.X, few.Y = append(few.X, x/float64(to-from)), append(few.Y, y/float64(to-from))
	}
	return few
}

// scale maps values to places.
type scale struct {
	x0, x1, y0, y1 float64
	xStep, yStep   float64
}

// newScale takes in all points, and ends the vertical axis at round values.
func newScale(curves []Curve) scale {
	s := scale{x0: math.Inf(1), x1: math.Inf(-1), y0: math.Inf(1), y1: math.Inf(-1)}
	for _, c := range curves {
		for i := range c.X {
			s.x0, s.x1 = math.Min(s.x0, c.X[i]), math.Max(s.x1, c.X[i])
			s.y0, s.y1 = math.Min(s.y0, c.Y[i]), math.Max(s.y1, c.Y[i])
		}
	}
	if s.x0 == s.x1 {
		s.x0, s.x1 = s.x0-1, s.x1+1
	}
	if s.y0 == s.y1 {
		margin := math.Max(math.Abs(s.y0)/10, 1e-9)
		s.y0, s.y1 = s.y0-margin, s.y1+margin
	}
	s.xStep, s.yStep = roundStep((s.x1-s.x0)/6), roundStep((s.y1-s.y0)/5)
	s.y0, s.y1 = s.yStep*math.Floor(s.y0/s.yStep), s.yStep*math.Ceil(s.y1/s.yStep)
	return s
}

// roundStep returns the smallest of 1, 2 and 5 times a power of ten that is not
// below v.
func roundStep(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= v*(1-1e-9) {
			return n * power
		}
	}
	return 10 * power
}

func (s scale) x(v float64) float64 {
	return chartLeft + (chartWide-chartLeft-chartRight)*(v-s.x0)/(s.x1-s.x0)
}

func (s scale) y(v float64) float64 {
	return chartTop + (chartHigh-chartTop-chartBelow)*(s.y1-v)/(s.y1-s.y0)
}

// grid draws the lines of round values and the names of the axes.
func (s scale) grid(b *strings.Builder, axes Axes) {
	const right, bottom = chartWide - chartRight, chartHigh - chartBelow
	for v := s.yStep * math.Ceil(s.y0/s.yStep-1e-9); v <= s.y1+s.yStep/1e6; v += s.yStep {
		fmt.Fprintf(b, `<path class="grid" d="M%d %.1fH%d"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			chartLeft, s.y(v), right, chartLeft-6, s.y(v)+4, tick(v, s.yStep))
	}
	for v := s.xStep * math.Ceil(s.x0/s.xStep-1e-9); v <= s.x1+s.xStep/1e6; v += s.xStep {
		fmt.Fprintf(b, `<path class="grid" d="M%.1f %dV%d"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			s.x(v), chartTop, bottom, s.x(v), bottom+16, tick(v, s.xStep))
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`,
		(chartLeft+right)/2, chartHigh-6, html.EscapeString(axes.X))
	fmt.Fprintf(b, `<text transform="translate(11 %d) rotate(-90)" text-anchor="middle">%s</text>`,
		(chartTop+bottom)/2, html.EscapeString(axes.Y))
}

// tick writes a round value with the decimals that its step needs.
func tick(v, step float64) string {
	if math.Abs(v) < step/2 {
		return "0"
	}
	if step < 1e-4 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	if step >= 1000 {
		return strconv.FormatFloat(v/1000, 'f', -1, 64) + "k"
	}
	return strconv.FormatFloat(v, 'f', max(0, -int(math.Floor(math.Log10(step)+1e-9))), 64)
}

func (s scale) curve(b *strings.Builder, colour int, c Curve) {
	fmt.Fprintf(b, `<path class="line c%d" d="`, colour)
	for i := range c.X {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(b, "%s%.1f %.1f", command, s.x(c.X[i]), s.y(c.Y[i]))
	}
	b.WriteString(`"/>`)
	if c.Dots || len(c.X) == 1 {
		for i := range c.X {
			fmt.Fprintf(b, `<circle class="dot d%d" cx="%.1f" cy="%.1f" r="2"/>`, colour, s.x(c.X[i]), s.y(c.Y[i]))
		}
	}
}

// data is what the page's script needs to show values under the pointer.
func (s scale) data(curves []Curve) string {
	type values struct {
		Name string    `json:"name"`
		X    []float64 `json:"x"`
		Y    []float64 `json:"y"`
	}
	all := struct {
		X0     float64  `json:"x0"`
		X1     float64  `json:"x1"`
		Left   int      `json:"left"`
		Right  int      `json:"right"`
		Top    int      `json:"top"`
		Bottom int      `json:"bottom"`
		Curves []values `json:"curves"`
	}{s.x0, s.x1, chartLeft, chartWide - chartRight, chartTop, chartHigh - chartBelow, nil}
	for _, c := range curves {
		all.Curves = append(all.Curves, values{c.Name, fiveDigits(c.X), fiveDigits(c.Y)})
	}
	text, _ := json.Marshal(all) // finite numbers and text
	return string(text)
}

// fiveDigits keeps five digits.
func fiveDigits(values []float64) []float64 {
	kept := make([]float64, len(values))
	for i, v := range values {
		kept[i], _ = strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	}
	return kept
}
