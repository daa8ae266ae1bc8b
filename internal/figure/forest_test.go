package figure

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// Names of spots at one place, as of rows that cost the same, do not cover each
// other.
func TestNamesOfSpotsStandApart(t *testing.T) {
	svg, err := SpotsSVG(Axes{X: "cost", Y: "error"},
		Spot{"one", 33.7, 40.9, 1.3}, Spot{"two", 33.7, 41, 1}, Spot{"three", 33.7, 40.8, 1.7}, Spot{"four", 38.7, 37.6, 1.4})
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
	if len(heights) != 4 {
		t.Fatalf("found the names %v in %s", heights, svg)
	}
	for a, b := range map[string]string{"one": "two", "two": "three", "three": "one"} {
		if apart := math.Abs(heights[a] - heights[b]); apart < 10 {
			t.Errorf("%s and %s stand %g points apart", a, b, apart)
		}
	}
}
