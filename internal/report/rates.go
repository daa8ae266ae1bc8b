package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/figure"
)

// Rates is a search for a learning rate: the loss at rates that rise.
type Rates struct {
	LR, Loss, Smoothed []float64
	Before             float64 // the loss before the first step
	Suggestion, Lowest float64 // 0 for none
}

// WriteRates writes a search to dir as plot.svg, plot.png and curve.csv.
func WriteRates(dir string, r Rates) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("lr-find: %w", err)
	}
	axes := figure.Axes{
		Title: "Loss at rising learning rates", X: "learning rate", Y: "cross-entropy, nats",
		LogX: true, LegendLeft: true,
	}
	low, top := slices.Min(r.Smoothed), 1.25*r.Before
	curves := []figure.Curve{
		{Name: "after each step", X: r.LR, Y: below(top, r.Loss)},
		{Name: "smoothed", X: r.LR, Y: below(top, r.Smoothed)},
	}
	for _, mark := range []struct {
		name string
		at   float64
	}{{"steepest fall", r.Suggestion}, {"lowest loss", r.Lowest}} {
		if mark.at > 0 {
			curves = append(curves, figure.Curve{
				Name: fmt.Sprintf("%s: %.2g", mark.name, mark.at), X: []float64{mark.at, mark.at}, Y: []float64{low, top},
			})
		}
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"plot.svg", func(w io.Writer) error { return figure.WriteCurves(w, axes, curves...) }},
		{"plot.png", func(w io.Writer) error { return figure.WriteCurvesPNG(w, axes, curves...) }},
		{"curve.csv", r.writeCSV},
	} {
		if err := atomicfile.Write(filepath.Join(dir, file.name), file.write); err != nil {
			return err
		}
	}
	return nil
}

// below cuts values off at top: a loss that explodes would hide the rest.
func below(top float64, values []float64) []float64 {
	cut := make([]float64, len(values))
	for i, v := range values {
		cut[i] = min(v, top)
	}
	return cut
}

func (r Rates) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"lr", "loss", "smoothed"})
	for i, lr := range r.LR {
		var cells []string
		for _, v := range []float64{lr, r.Loss[i], r.Smoothed[i]} {
			cells = append(cells, strconv.FormatFloat(v, 'g', 6, 64))
		}
		_ = c.Write(cells)
	}
	c.Flush()
	return c.Error()
}
