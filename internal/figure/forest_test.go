package figure

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Names of spots at one place, as of rows that cost the same or are as good, do not
// cover each other.
func TestNamesOfSpotsStandApart(t *testing.T) {
	for _, spots := range [][]Spot{
		{{"one", 33.7, 40.9, 1.3}, {"two", 33.7, 41, 1}, {"three", 33.7, 40.8, 1.7}, {"four", 38.7, 37.6, 1.4}},
		{{"one", 20, 90, 0}, {"two", 20, 90, 0}, {"three", 20, 90, 0}},
	} {
		svg, err := SpotsSVG(Axes{X: "cost", Y: "error"}, spots...)
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, "spots", svg)
		heights := map[string]float64{}
		for _, found := range regexp.MustCompile(`y="(-?[0-9.]+)"[^<]*>(one|two|three|four)<`).FindAllStringSubmatch(svg, -1) {
			if heights[found[2]], err = strconv.ParseFloat(found[1], 64); err != nil {
				t.Fatal(err)
			}
		}
		if len(heights) != len(spots) {
			t.Fatalf("found the names %v in %s", heights, svg)
		}
		for a, b := range map[string]string{"one": "two", "two": "three", "three": "one"} {
			if apart := math.Abs(heights[a] - heights[b]); apart < 10 {
				t.Errorf("%s and %s stand %g points apart", a, b, apart)
			}
		}
	}
}

// Ticks are round and 0 is one of them; labels stand behind all that is drawn, so that
// none lies on the line of 0.
func TestForestsHaveRoundTicksAndLabelsThatCoverNothing(t *testing.T) {
	rows := []Interval{
		{Name: "+ RMSProp", Known: true, Mean: 0.11, Low: -0.68, High: 1.05, Values: []float64{-1.4, 2.4}, Label: "cannot tell"},
		{Name: "+ factorized 7x7", Known: true, Mean: -3.22, Low: -4.59, High: -1.85, Label: "better"},
		{Name: "to come"},
	}
	svg, err := ForestSVG("difference", 0.5, rows...)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, "forest", svg)
	at := map[string]float64{}
	for _, found := range regexp.MustCompile(`<text x="(-?[0-9.]+)"[^<]*>([^<]*)<`).FindAllStringSubmatch(svg, -1) {
		if at[found[2]], err = strconv.ParseFloat(found[1], 64); err != nil {
			t.Fatal(err)
		}
	}
	for _, tick := range []string{"-4", "-2", "0", "2"} {
		if at[tick] == 0 {
			t.Errorf("no tick at %s: %v", tick, at)
		}
	}
	for _, label := range []string{"cannot tell", "better"} {
		if at[label] < at["2"] {
			t.Errorf("%q begins at %g, the tick of 2 at %g", label, at[label], at["2"])
		}
	}
	if tag, _, _ := strings.Cut(svg, ">"); !strings.Contains(tag, `width="460.8" `) {
		t.Errorf("is not as wide in pixels as its view box: %s", tag)
	}
}
