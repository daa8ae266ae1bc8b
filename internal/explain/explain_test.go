package explain

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
)

// small is a V3 that runs in milliseconds, and inputs for it.
func small(t *testing.T, inputs int) (*model.Weights, Options, []float32) {
	t.Helper()
	w := named(t, func(s *model.Spec) { s.Classes, s.InputSize, s.Width = 5, 107, 0.05 })
	values := make([]float32, inputs*3*107*107)
	for i := range values {
		values[i] = float32(math.Sin(float64(i) * 0.37))
	}
	return w, Options{Method: GradCAM, Size: 107}, values
}

func explained(t *testing.T, w *model.Weights, o Options, inputs []float32, asked ...Question) []Explanation {
	t.Helper()
	e, err := New(w, o)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	found, err := e.Explain(context.Background(), inputs, asked)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// An input's maps do not depend on what it is explained with.
func TestInputsAreExplainedAlone(t *testing.T) {
	w, o, inputs := small(t, 5)
	per := len(inputs) / 5
	for _, method := range []Method{GradCAM, LayerCAM, Occlusion} {
		o.Method, o.Apart, o.Batch = method, true, 4
		together := explained(t, w, o, inputs)
		for i := range 5 {
			alone := explained(t, w, o, inputs[i*per:][:per])[0]
			if !slices.Equal(alone.Maps[0].Values, together[i].Maps[0].Values) ||
				!slices.Equal(alone.Apart[0].Values, together[i].Apart[0].Values) || alone.Class != together[i].Class {
				t.Errorf("%s: input %d has another map alone", method, i)
			}
		}
	}
}

// Where nothing but the classifier follows, Grad-CAM at the last module is the
// class' logit before the average, cut at 0 (Selvaraju et al., section 3.1).
func TestGradCAMAtTheLastModuleIsTheClassActivationMap(t *testing.T) {
	w, o, input := small(t, 1)
	o.At = []string{"Mixed_7c"}
	got := explained(t, w, o, input, Question{2, Predicted})[0]
	spec := w.Spec
	net, err := model.Build(spec, w, 1, model.Eval, model.Options{Keep: []string{"Mixed_7c"}})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	if err := net.Forward(input); err != nil {
		t.Fatal(err)
	}
	values, shape, err := net.Point("Mixed_7c")
	if err != nil {
		t.Fatal(err)
	}
	pixels, cam := shape[1]*shape[2], make([]float64, shape[1]*shape[2])
	weights := w.Classifier().Values()[2*shape[0]:][:shape[0]]
	for i, v := range values {
		cam[i%pixels] += float64(v) * float64(weights[i/pixels]) / float64(pixels)
	}
	want := positive("Mixed_7c", shape[1], shape[2], cam)
	if got.Maps[0].At != "Mixed_7c" || got.Maps[0].H != shape[1] || len(got.Logits) != 5 {
		t.Errorf("the map is of %s, %d high, with %d logits", got.Maps[0].At, got.Maps[0].H, len(got.Logits))
	}
	for i, v := range want.Values {
		if math.Abs(float64(v-got.Maps[0].Values[i])) > 1e-5 {
			t.Fatalf("pixel %d: %g, want %g", i, got.Maps[0].Values[i], v)
		}
	}
}

// Where the last module's grid is too coarse to show places, as with small inputs, an
// earlier one is explained.
func TestTheDefaultGridShowsPlaces(t *testing.T) {
	w, o, _ := small(t, 0)
	for size, want := range map[int]string{299: "Mixed_7c", 203: "Mixed_7c", 171: "Mixed_6e", 107: "Mixed_6e", 75: "Mixed_5d"} {
		o.Size = size
		e, err := New(w, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Points(); len(got) != 1 || got[0] != want {
			t.Errorf("at %d pixels %v is explained, want %s", size, got, want)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Apart is one class' evidence less the other's, so it turns with them.
func TestApartTurnsWithTheClasses(t *testing.T) {
	w, o, input := small(t, 1)
	for _, method := range []Method{GradCAM, LayerCAM, Occlusion} {
		o.Method, o.Apart = method, true
		first := explained(t, w, o, input)[0]
		second := explained(t, w, o, input, Question{first.Rival, Predicted})[0]
		if second.Rival != first.Class {
			t.Fatalf("%s: the rival of %d is %d, its is %d", method, first.Class, first.Rival, second.Rival)
		}
		for i, v := range first.Apart[0].Values {
			if math.Abs(float64(v+second.Apart[0].Values[i])) > 1e-4 {
				t.Errorf("%s: pixel %d is %g and %g", method, i, v, second.Apart[0].Values[i])
				break
			}
		}
	}
}

func TestMapsAreScaled(t *testing.T) {
	m := positive("x", 1, 3, []float64{-4, 2, 1})
	if !slices.Equal(m.Values, []float32{0, 1, 0.5}) || m.Largest != 2 {
		t.Errorf("%+v", m)
	}
	m = signed("x", 1, 3, []float64{-4, 2, 1})
	if !slices.Equal(m.Values, []float32{-1, 0.5, 0.25}) || m.Largest != 4 {
		t.Errorf("%+v", m)
	}
	if m = positive("x", 1, 2, []float64{-1, -2}); !slices.Equal(m.Values, []float32{0, 0}) || m.Largest != 0 {
		t.Errorf("no evidence: %+v", m)
	}
}

// Occlusion finds the place that a hand-made answer depends on: what lies under
// the square decides nothing else.
func TestTheSquareCoversItsCell(t *testing.T) {
	e := &Explainer{options: Options{Size: 10, Patch: 4, Step: 5, Grey: [3]float32{7, 8, 9}}}
	input := make([]float32, 3*10*10)
	e.cover(input, 2) // of 2x2 cells the lower left, whose middle is (2.5, 7.5)
	for i, v := range input {
		c, y, x := i/100, i/10%10, i%10
		want := float32(0)
		if y >= 6 && y < 10 && x >= 1 && x < 5 {
			want = float32(7 + c)
		}
		if v != want {
			t.Fatalf("channel %d, (%d, %d) is %g, want %g", c, x, y, v, want)
		}
	}
}

func TestExplainRefuses(t *testing.T) {
	w, good, inputs := small(t, 1)
	for want, change := range map[string]func(*Options){
		"no layer is called":                  func(o *Options) { o.At = []string{"Mixed_9z"} },
		"no auxiliary head is called":         func(o *Options) { o.Head = "AuxEarly" },
		"occlusion covers the picture itself": func(o *Options) { o.Method, o.At = Occlusion, []string{"Mixed_6e"} },
		"patch: must be from 1 to the":        func(o *Options) { o.Method, o.Patch = Occlusion, 108 },
		"step: must be from 1 to the":         func(o *Options) { o.Method, o.Step = Occlusion, -1 },
	} {
		o := good
		change(&o)
		if _, err := New(w, o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for _, method := range []Method{GradCAM, Occlusion} {
		o := good
		o.Method = method
		e, err := New(w, o)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		ctx, stop := context.WithCancelCause(context.Background())
		if _, err := e.Explain(ctx, inputs[:7], nil); err == nil {
			t.Error("a part of an input is explained")
		}
		for want, asked := range map[string]Question{
			"class: must be from 0 to 4, is 5": {5, Predicted}, "is -2": {Predicted, -2}, "itself": {1, 1},
		} {
			if _, err := e.Explain(ctx, inputs, []Question{asked}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
		}
		bad := slices.Clone(inputs)
		bad[0] = float32(math.NaN())
		if _, err := e.Explain(ctx, bad, nil); err == nil || !strings.Contains(err.Error(), "NaN") {
			t.Errorf("NaN: %v", err)
		}
		reason := errors.New("enough")
		stop(reason)
		if _, err := e.Explain(ctx, inputs, nil); !errors.Is(err, reason) {
			t.Errorf("stopped: %v", err)
		}
	}
}

// A network with one class has no rival.
func TestOneClassIsExplained(t *testing.T) {
	w := named(t, func(s *model.Spec) { s.Classes, s.InputSize, s.Width = 1, 107, 0.05 })
	_, o, input := small(t, 1)
	for _, method := range []Method{GradCAM, Occlusion} {
		o.Method, o.Apart = method, true
		got := explained(t, w, o, input)[0]
		if got.Class != 0 || got.Rival != -1 || len(got.Apart) != 1 {
			t.Errorf("%s: %+v", method, got)
		}
	}
}
