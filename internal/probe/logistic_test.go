package probe

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/parallel"
)

// sklearn is testdata/sklearn.json, written by internal/interop/logistic.py.
type sklearn struct {
	Classes, Width int
	Features       []float32
	Labels         []int
	Fits           []struct {
		Strength      float64
		Weights, Bias []float64
	}
	Trials []Trial
}

func (s sklearn) examples() Examples { return Examples{s.Features, s.Width, s.Labels, s.Classes} }

func readSklearn(t *testing.T) (cases []sklearn) {
	t.Helper()
	text, err := os.ReadFile("testdata/sklearn.json")
	if err == nil {
		err = json.Unmarshal(text, &cases)
	}
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func TestTheRegressionIsScikitLearns(t *testing.T) {
	for _, c := range readSklearn(t) {
		for _, want := range c.Fits {
			got, err := regress(c.examples(), want.Strength)
			if err != nil {
				t.Fatal(err)
			}
			largest := 0.0
			for _, w := range want.Weights {
				largest = math.Max(largest, math.Abs(w))
			}
			for i, w := range slices.Concat(want.Weights, want.Bias) {
				if g := slices.Concat(got.Weights, got.Bias)[i]; math.Abs(g-w) > 1e-5*math.Max(largest, math.Abs(w)) {
					t.Errorf("%d classes, strength %g: parameter %d is %.9g, scikit-learn's is %.9g", c.Classes, want.Strength, i, g, w)
				}
			}
		}
	}
}

// regress returns the logistic regression with the least sum of the examples'
// cross-entropies and of the squared weights divided by twice the strength: what
// scikit-learn's LogisticRegression(C=strength) minimises for more than two
// classes. For two it has a single row, which corresponds to twice the strength.
func regress(e Examples, strength float64) (Linear, error) {
	p := newProblem(e)
	params, err := minimise(&sums{p, everyRow(e)}, strength*p.scale*p.scale, p.zero(), exact)
	if err != nil {
		return Linear{}, err
	}
	return p.linear(params), nil
}

func TestTheCrossValidationIsScikitLearns(t *testing.T) {
	for _, c := range readSklearn(t) {
		fit, err := FitBest(c.examples())
		if err != nil {
			t.Fatal(err)
		}
		best := c.Trials[0]
		for i, got := range fit.Tried {
			want := c.Trials[i]
			if math.Abs(got.Strength/want.Strength-1) > 1e-6 || math.Abs(got.Top1-want.Top1) > 1e-9 ||
				math.Abs(got.Loss-want.Loss) > 1e-4*want.Loss {
				t.Errorf("%d classes: trial %d is %+v, scikit-learn's is %+v", c.Classes, i, got, want)
			}
			if want.betterThan(best) {
				best = want
			}
		}
		if math.Abs(fit.Strength/best.Strength-1) > 1e-6 {
			t.Errorf("%d classes: chose the strength %g, scikit-learn's best is %g", c.Classes, fit.Strength, best.Strength)
		}
		if len(fit.Tried) == len(c.Trials) {
			t.Errorf("%d classes: no strength was spared", c.Classes)
		}
	}
}

func TestThreadsDoNotChangeTheBits(t *testing.T) {
	defer parallel.SetThreads(0)
	e := readSklearn(t)[1].examples()
	var fits []Fit
	for _, threads := range []int{1, 3} {
		parallel.SetThreads(threads)
		fit, err := FitBest(e)
		if err != nil {
			t.Fatal(err)
		}
		fits = append(fits, fit)
	}
	if !slices.Equal(fits[0].Weights, fits[1].Weights) || !slices.Equal(fits[0].Tried, fits[1].Tried) {
		t.Error("one thread and three give other bits")
	}
}

// Few examples leave parts of the cross-validation empty, alike ones no scale.
func TestFewAndAlikeExamples(t *testing.T) {
	for name, e := range map[string]Examples{
		"one of each class":   {[]float32{1, 0, 0, 1, 5, 5}, 2, []int{0, 1, 2}, 3},
		"a class without any": {[]float32{1, 0, 0, 1, 2, 0}, 2, []int{0, 2, 0}, 3},
		"all alike":           {[]float32{7, 7, 7, 7}, 1, []int{0, 1, 1, 1}, 2},
		"far apart":           {[]float32{1e30, -1e30, 1e30, -1e30}, 1, []int{0, 1, 0, 1}, 2},
		"next to nothing":     {[]float32{1e-30, 0, 1e-30, 0}, 1, []int{0, 1, 0, 1}, 2},
	} {
		fit, err := FitBest(e)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, v := range slices.Concat(fit.Weights, fit.Bias) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%s: the classifier has %v", name, v)
			}
		}
	}
	for want, e := range map[string]Examples{
		"NaN or infinite": {[]float32{1, float32(math.NaN())}, 1, []int{0, 1}, 2},
		"two classes":     {[]float32{1, 2}, 1, []int{0, 0}, 1},
	} {
		if _, err := FitBest(e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Noise of float32 leaves a line search without an end.
func TestARegressionEndsWhereRoundingHidesWhatIsLower(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for turn := range 300 {
		e := Examples{Width: 1 + rng.IntN(100), Classes: 2 + rng.IntN(3)}
		spread := math.Pow(10, -6*rng.Float64())
		for i := range 16 {
			for range e.Width {
				e.Features = append(e.Features, float32(1+spread*rng.NormFloat64()))
			}
			e.Labels = append(e.Labels, i%e.Classes)
		}
		done := make(chan error, 1)
		go func() {
			_, err := FitBest(e)
			done <- err
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("turn %d: %v", turn, err)
			}
		case <-time.After(time.Minute):
			t.Fatalf("turn %d: %d features of spread %g, %d classes: no end", turn, e.Width, spread, e.Classes)
		}
	}
}
