package report

import (
	"bytes"
	"encoding/csv"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRatesAreDrawnAndListed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "found")
	r := Rates{LR: []float64{1e-3, 1e-2, 1e-1, 1}, Loss: []float64{2.3, 2.1, 1.9, 400}, Smoothed: []float64{2.3, 2.2, 2.0, 40}, Suggestion: 1e-2, Lowest: 1e-1}
	if err := WriteRates(dir, r); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "curve.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil || len(lines) != 5 || strings.Join(lines[4], " ") != "1 400 40" {
		t.Errorf("curve.csv is %v, %v", lines, err)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "plot.svg"))
	if err != nil || !strings.Contains(string(svg), "steepest fall: 0.01") || !strings.Contains(string(svg), "lowest loss: 0.1") || strings.Contains(string(svg), ">400<") {
		t.Errorf("plot.svg: %v", err)
	}
	pixels, err := os.ReadFile(filepath.Join(dir, "plot.png"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(pixels)); err != nil {
		t.Error(err)
	}
}
