package statistics

import (
	"math"
	"sort"
	"sync"
)

// simulatedPairs is the most pairs whose test's power is simulated. With more,
// the sign-flip test is as powerful as Student's t on normal differences
// (Hoeffding, "The large-sample power of tests based on permutations of
// observations", 1952), and with fewer it is not: its p has few values.
const simulatedPairs, simulations = 14, 4000

// MostPairs is the most pairs that NeededPairs looks at.
const MostPairs = 1000

// Detectable returns the smallest effect, in standard deviations of a
// difference, that n pairs find with the given power; infinite if they can find
// nothing at that level.
func Detectable(n int, level, power float64) float64 {
	key := detection{n, level, power}
	if known, ok := detectable.Load(key); ok {
		return known.(float64)
	}
	low, high := 0.0, 1.0
	if n < LeastPairs(level) {
		return math.Inf(1)
	}
	for signFlipPower(high, n, level) < power {
		high *= 2
	}
	for range 14 {
		if middle := (low + high) / 2; signFlipPower(middle, n, level) < power {
			low = middle
		} else {
			high = middle
		}
	}
	detectable.Store(key, high)
	return high
}

// detectable holds what Detectable has found: a pure function of few arguments.
var detectable sync.Map

type detection struct {
	n            int
	level, power float64
}

// NeededPairs returns the fewest pairs that find an effect, in standard
// deviations of a difference, with the given power; more than MostPairs if
// so many do not.
func NeededPairs(effect, level, power float64) int {
	if effect = math.Abs(effect); effect == 0 {
		return MostPairs + 1
	}
	least := LeastPairs(level)
	more := sort.Search(max(0, MostPairs+1-least), func(i int) bool {
		return signFlipPower(effect, least+i, level) >= power
	})
	return least + more
}

// signFlipPower returns the probability that a sign-flip test of n pairs at the
// given level finds a difference whose mean is effect standard deviations of a
// difference, if those are normally distributed.
func signFlipPower(effect float64, n int, level float64) float64 {
	switch {
	case n < LeastPairs(level):
		return 0
	case n > simulatedPairs:
		return studentPower(effect, n, level)
	}
	found, differences := 0, make([]float64, n)
	rng := draws()
	for range simulations {
		for i := range differences {
			differences[i] = effect + rng.NormFloat64()
		}
		if SignFlip(differences) <= level {
			found++
		}
	}
	return float64(found) / simulations
}

// studentPower returns the power of the two-sided t test of n pairs.
func studentPower(effect float64, n int, level float64) float64 {
	freedom := float64(n - 1)
	low, high := 0.0, 1.0
	for 2*studentAbove(high, 0, freedom) > level {
		high *= 2
	}
	for range 60 {
		if middle := (low + high) / 2; 2*studentAbove(middle, 0, freedom) > level {
			low = middle
		} else {
			high = middle
		}
	}
	shift := effect * math.Sqrt(float64(n))
	return studentAbove(high, shift, freedom) + studentAbove(high, -shift, freedom)
}

// studentAbove returns the probability that Student's t, noncentral by shift,
// is above t: the mean of Phi(shift - t s) over s, the root of a chi-squared
// over its degrees of freedom, by Simpson's rule. It is accurate to 1e-10 from
// ten degrees of freedom on.
func studentAbove(t, shift, freedom float64) float64 {
	logGamma, _ := math.Lgamma(freedom / 2)
	density := func(s float64) float64 {
		if s <= 0 {
			return 0
		}
		return math.Exp(math.Log(2) + freedom/2*math.Log(freedom/2) + (freedom-1)*math.Log(s) - freedom/2*s*s - logGamma)
	}
	const pieces = 400 // an even number
	spread := 1 / math.Sqrt(2*freedom)
	from, to := math.Max(0, 1-10*spread), 1+10*spread
	step, sum := (to-from)/pieces, 0.0
	for i := range pieces + 1 {
		weight := 2.0
		switch {
		case i == 0 || i == pieces:
			weight = 1
		case i%2 == 1:
			weight = 4
		}
		s := from + float64(i)*step
		sum += weight * density(s) * normal(shift-t*s)
	}
	return sum * step / 3
}
