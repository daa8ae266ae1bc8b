package optimize

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s is %.12g, not %.12g", what, got, want)
	}
}

func TestLearningRateScalesWithTheBatch(t *testing.T) {
	o := OptimizerOptions{LRBase: 0.045, LRBaseSize: 1600}
	near(t, "the rate of the paper's batch", o.LearningRate(1600), 0.045)
	near(t, "the rate of one replica", o.LearningRate(32), 0.0009)
	o.LR = 0.01
	near(t, "a rate given as lr", o.LearningRate(32), 0.01)
}

func TestStaircase(t *testing.T) {
	s := ScheduleOptions{Name: Staircase, DecayEpochs: 2, DecayRate: 0.94}
	const perEpoch = 5
	for _, c := range []struct {
		step int
		want float64
	}{{0, 1}, {9, 1}, {10, 0.94}, {19, 0.94}, {20, 0.94 * 0.94}} {
		near(t, "staircase", s.At(1, c.step, 100, perEpoch), c.want)
	}
}

func TestStaircaseHoldsItsBordersAtFractions(t *testing.T) {
	s := ScheduleOptions{Name: Staircase, DecayEpochs: 0.1, DecayRate: 0.5}
	for step := range 10 {
		near(t, "staircase", s.At(1, step, 10, 10), math.Pow(0.5, float64(step)))
	}
}

func TestExponential(t *testing.T) {
	s := ScheduleOptions{Name: Exponential, DecayEpochs: 2, DecayRate: 0.25}
	near(t, "half way", s.At(1, 5, 100, 5), 0.5)
	near(t, "one decay", s.At(1, 10, 100, 5), 0.25)
	s.MinLR = 0.2
	near(t, "the floor", s.At(1, 50, 100, 5), 0.2)
}

func TestCosine(t *testing.T) {
	s := ScheduleOptions{Name: Cosine, MinLR: 0.1}
	near(t, "the beginning", s.At(1, 0, 100, 10), 1)
	near(t, "the middle", s.At(1, 50, 100, 10), 0.55)
	near(t, "the end", s.At(1, 100, 100, 10), 0.1)
}

func TestLinearWithWarmupIsATriangle(t *testing.T) {
	s := ScheduleOptions{Name: Linear, WarmupEpochs: 2, MinLR: 0.1}
	near(t, "the first update", s.At(1, 0, 100, 10), 0.05)
	near(t, "the top", s.At(1, 19, 100, 10), 1)
	near(t, "half way down", s.At(1, 60, 100, 10), 0.55)
	near(t, "the end", s.At(1, 100, 100, 10), 0.1)
}

func TestWarmup(t *testing.T) {
	s := ScheduleOptions{Name: Constant, WarmupEpochs: 2}
	near(t, "the first update", s.At(1, 0, 100, 5), 0.1)
	near(t, "half way", s.At(1, 4, 100, 5), 0.5)
	near(t, "the end of the warm-up", s.At(1, 9, 100, 5), 1)
	near(t, "after it", s.At(1, 50, 100, 5), 1)
}
