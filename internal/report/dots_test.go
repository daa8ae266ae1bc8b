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

func TestDotsShowNamesLabelsAndBars(t *testing.T) {
	ours := DotPanel{X: "ours", Rows: []Dot{
		{Name: "Inception V2", Mean: 21, Std: 1, Label: "21.00 ± 1.00", Values: []float64{20, 21, 22}},
		{Name: "+ RMSProp", Mean: 19, Label: "19.00", Values: []float64{19}},
		{Name: "to come"},
	}}
	paper := DotPanel{X: "paper", Second: true, Rows: []Dot{{Mean: 23.4, Label: "23.4"}, {Mean: 23.1, Label: "23.1"}, {}}}
	svg, err := DotsSVG(ours, paper)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Inception V2", "+ RMSProp", "to come", "21.00 ± 1.00", ">19.00<", ">23.4<", ">23.1<", ">ours<", ">paper<"} {
		if n := strings.Count(svg, want); n != 1 {
			t.Errorf("%q is there %d times", want, n)
		}
	}
	if !strings.HasPrefix(svg, "<svg") {
		t.Errorf("begins with %.20q, which HTML cannot hold", svg)
	}

	sizes := map[int]int{}
	for panels, all := range [][]DotPanel{1: {ours}, 2: {ours, paper}} {
		if panels == 0 {
			continue
		}
		var b bytes.Buffer
		if err := WriteDots(&b, "png", all...); err != nil {
			t.Fatal(err)
		}
		im, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		sizes[panels] = im.Bounds().Dx()
	}
	if sizes[2] <= sizes[1] {
		t.Errorf("two panels are %d pixels wide, one is %d", sizes[2], sizes[1])
	}
}

func TestDotsOfNothingAreAnEmptyDiagram(t *testing.T) {
	for name, rows := range map[string][]Dot{"nothing known": {{Name: "a"}, {Name: "b"}}, "a mean of 0": {{Name: "a", Label: "0.00"}}} {
		if svg, err := DotsSVG(DotPanel{X: "x", Rows: rows}); err != nil || strings.Contains(svg, "NaN") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := WriteDots(new(bytes.Buffer), "bmp", DotPanel{}); err == nil {
		t.Error("no error for an unknown format")
	}
}

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
