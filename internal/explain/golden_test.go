package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/model/modeltest"
)

// goldenMap is a map as PyTorch has computed it in float64.
type goldenMap struct {
	Class, Rival int
	Largest      float64
	Values       []float64
}

// named returns a network whose weights follow from their names.
func named(t *testing.T, change func(*model.Spec)) *model.Weights {
	t.Helper()
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	change(&spec)
	w, err := model.ZeroWeights(spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range w.Params {
		if err := p.SetValues(modeltest.Values(p)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// goldenCase is a method's maps of some inputs at one point.
type goldenCase struct {
	Head, Method, At         string
	Size, Class, Patch, Step int
	Maps, Apart              []goldenMap
}

// Maps by hooks on torchvision's network with the same weights, which
// internal/interop/explain.py has written. The bound is a ten-thousandth of the
// largest value of a map. The auxiliary head, which needs 299 pixels, takes longer.
func TestMapsAreThoseOfPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Cases []goldenCase }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	together := map[string][]goldenCase{} // of one network
	for _, c := range golden.Cases {
		if c.Head == "" || os.Getenv("INCEPTION_LONG") != "" {
			key := fmt.Sprint(c.Head, " ", c.Method, " of class ", c.Class)
			together[key] = append(together[key], c)
		}
	}
	if len(together) < 5 {
		t.Fatalf("%d networks", len(together))
	}
	w := named(t, func(s *model.Spec) { s.Classes, s.AvgPoolCountIncludePad = 10, true })
	for key, cases := range together {
		t.Run(key, func(t *testing.T) { checkGolden(t, w, cases) })
	}
}

// checkGolden makes the maps of cases that differ in their point only.
func checkGolden(t *testing.T, w *model.Weights, cases []goldenCase) {
	c, n := cases[0], len(cases[0].Maps)
	inputs := modeltest.Uniform("input", n*3*c.Size*c.Size)
	for i := range inputs {
		inputs[i] = 2*inputs[i] - 1
	}
	o := Options{Method: Method(c.Method), Head: c.Head, Apart: c.Apart != nil, Size: c.Size, Batch: 2 * n,
		Patch: c.Patch, Step: c.Step}
	for _, c := range cases {
		if c.At != InputPoint {
			o.At = append(o.At, c.At)
		}
	}
	e, err := New(w, o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	found, err := e.Explain(context.Background(), inputs, slices.Repeat([]Question{{c.Class, Predicted}}, n))
	if err != nil {
		t.Fatal(err)
	}
	for point, c := range cases {
		for i, f := range found {
			name := fmt.Sprintf("%s, input %d", c.At, i)
			compare(t, name, f.Maps[point], c.Maps[i])
			if f.Class != c.Maps[i].Class {
				t.Errorf("%s: class %d, want %d", name, f.Class, c.Maps[i].Class)
			}
			if c.Apart == nil {
				continue
			}
			compare(t, name+", apart", f.Apart[point], c.Apart[i])
			if f.Rival != c.Apart[i].Rival {
				t.Errorf("%s: rival %d, want %d", name, f.Rival, c.Apart[i].Rival)
			}
		}
	}
}

func compare(t *testing.T, what string, got Map, want goldenMap) {
	t.Helper()
	if got.H*got.W != len(want.Values) || len(got.Values) != len(want.Values) {
		t.Fatalf("%s: %dx%d, %d values, want %d", what, got.H, got.W, len(got.Values), len(want.Values))
	}
	worst := 0.0
	for i, v := range want.Values {
		worst = math.Max(worst, math.Abs(float64(got.Values[i])-v))
	}
	if !(worst <= 1e-4) {
		t.Errorf("%s: %.1e from PyTorch", what, worst)
	}
	if off := math.Abs(got.Largest-want.Largest) / want.Largest; want.Largest > 0 && !(off <= 1e-4) {
		t.Errorf("%s: the largest is %g, want %g", what, got.Largest, want.Largest)
	}
}
