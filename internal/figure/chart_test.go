package figure

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestChartsHaveRoundTicksAndNoPointsThatAreNoNumbers(t *testing.T) {
	long := Curve{Name: "<train> & more"}
	for i := range 5000 {
		long.X, long.Y = append(long.X, float64(i)), append(long.Y, math.Exp(-float64(i)/1000))
	}
	text := Chart(Axes{Title: "Loss", X: "step", Y: "nats"}, long,
		Curve{Name: "val", X: []float64{0, 1000, 2000}, Y: []float64{1, math.NaN(), 0.25}}, Curve{Name: "none"})
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("is not well formed: %v", err)
		}
	}
	for _, want := range []string{
		`<span class="key k0">&lt;train&gt; &amp; more</span>`, `<span class="key k1">val</span>`,
		">0.2</text>", ">0.8</text>", ">1k</text>", `&#34;y&#34;:[1,0.25]`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "none") || len(text) > 20000 {
		t.Errorf("%d bytes, with a point that is not a number or an empty curve", len(text))
	}
	runs := []Curve{{Name: "a", X: []float64{1, 2}, Y: []float64{1, 2}}, {Name: "b", X: []float64{1, 2}, Y: []float64{2, 3}}}
	twice := Chart(Axes{}, append(runs, runs...)...)
	if strings.Count(twice, `class="key`) != 2 || strings.Count(twice, `class="line c0"`) != 2 || strings.Contains(twice, "c2") {
		t.Errorf("curves of one name share no colour and legend: %s", twice)
	}
	if Chart(Axes{Title: "x"}, Curve{Name: "none"}) != "" {
		t.Error("without points there is a chart")
	}
	if one := Chart(Axes{}, Curve{X: []float64{3}, Y: []float64{0}}); !strings.Contains(one, "<circle") || strings.Contains(one, "NaN") {
		t.Errorf("one point is %s", one)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		v, step float64
		want    string
	}{{0.30000000000000004, 0.1, "0.3"}, {-1e-18, 0.5, "0"}, {20, 10, "20"}, {1500, 500, "1500"}, {12000, 2000, "12k"}, {2e-5, 1e-5, "2e-05"}} {
		if got := tick(c.v, c.step); got != c.want {
			t.Errorf("%g by %g is %s, want %s", c.v, c.step, got, c.want)
		}
	}
	for v, want := range map[float64]float64{0.013: 0.02, 0.2: 0.2, 3: 5, 7: 10, 120: 200} {
		if got := roundStep(v); math.Abs(got-want) > 1e-12 {
			t.Errorf("the step for %g is %g, want %g", v, got, want)
		}
	}
}
