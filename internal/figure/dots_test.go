package figure

import (
	"bytes"
	"image/png"
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
