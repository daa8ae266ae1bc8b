package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/inception-go/inception/internal/weights"
)

// Rates is a search for a learning rate: the loss at rates that rise.
type Rates struct {
	LR, Loss, Smoothed []float64
	Suggestion, Lowest float64 // 0 for none
}

// WriteRates writes a search to dir as plot.svg, plot.png and curve.csv.
func WriteRates(dir string, r Rates) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("lr-find: %w", err)
	}
	axes := Axes{Title: "Loss at rising learning rates", X: "learning rate", Y: "cross-entropy, nats", LogX: true}
	curves := []Curve{{Name: "smoothed", X: r.LR, Y: r.Smoothed}, {Name: "of each step", X: r.LR, Y: r.Loss}}
	low, high := r.Loss[0], r.Loss[0]
	for _, v := range r.Loss {
		low, high = min(low, v), max(high, v)
	}
	for _, mark := range []struct {
		name string
		at   float64
	}{{"steepest fall", r.Suggestion}, {"lowest loss", r.Lowest}} {
		if mark.at > 0 {
			curves = append(curves, Curve{Name: fmt.Sprintf("%s: %.2g", mark.name, mark.at), X: []float64{mark.at, mark.at}, Y: []float64{low, high}})
		}
	}
	for name, write := range map[string]func(io.Writer) error{
		"plot.svg":  func(w io.Writer) error { return WriteCurves(w, axes, curves...) },
		"plot.png":  func(w io.Writer) error { return WriteCurvesPNG(w, axes, curves...) },
		"curve.csv": r.writeCSV,
	} {
		if err := weights.WriteFile(filepath.Join(dir, name), write); err != nil {
			return err
		}
	}
	return nil
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
