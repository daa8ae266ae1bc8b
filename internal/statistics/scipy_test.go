package statistics

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"testing"
)

// What scipy and statsmodels compute: internal/interop/significance.py writes
// it, and with SCIPY_JSON compares with the versions that it has.
type scipy struct {
	Resamples int
	Paired    []struct {
		Values []float64
		P      float64
		Low    *float64
		High   *float64
	}
	Holm    []struct{ P, Adjusted []float64 }
	McNemar []struct {
		First, Second int
		P             float64
	}
	Beats []struct {
		A, B []float64
		P    float64
	}
	Power []struct {
		Effect, Level, Power float64
		N                    int
	}
}

// resampledMeans draws with the generator that the script gives to scipy.
func resampledMeans(values []float64, resamples int) []float64 {
	x, n := uint64(1), len(values)
	means := make([]float64, resamples)
	for b := range means {
		sample := make([]float64, n)
		for i := range sample {
			x = (1103515245*x + 12345) % (1 << 31)
			sample[i] = values[(x>>16)%uint64(n)]
		}
		means[b] = Mean(sample)
	}
	return means
}

func TestAsScipyAndStatsmodels(t *testing.T) {
	text, err := os.ReadFile(cmp.Or(os.Getenv("SCIPY_JSON"), "testdata/scipy.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want scipy
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-9) {
			t.Errorf("%s is %.12g, theirs %.12g", what, got, want)
		}
	}
	for _, c := range want.Paired {
		near("p of the sign-flip test", SignFlip(c.Values), c.P)
		if c.Low != nil {
			low, high := bca(c.Values, resampledMeans(c.Values, want.Resamples), 0.95)
			near("BCa's low end", low, *c.Low)
			near("BCa's high end", high, *c.High)
		}
	}
	for _, c := range want.Holm {
		for i, p := range Holm(c.P) {
			near("Holm's p", p, c.Adjusted[i])
		}
	}
	for _, c := range want.McNemar {
		near("McNemar's p", McNemar(c.First, c.Second), c.P)
	}
	for _, c := range want.Beats {
		near("the probability to beat", Beats(c.A, c.B), c.P)
	}
	for _, c := range want.Power {
		near("the power of Student's t", studentPower(c.Effect, c.N, c.Level), c.Power)
	}
	if len(want.Paired) < 10 || len(want.Power) < 30 {
		t.Errorf("only %d and %d cases", len(want.Paired), len(want.Power))
	}
}
