// Package statistics decides what a few numbers can tell: whether paired
// differences have a sign, how large they may be, how many more would be needed
// to know. Slices of numbers enter, probabilities and intervals leave; the same
// numbers always give the same answer, for what is drawn at random is drawn
// with a fixed seed.
package statistics

import (
	"math"
	"math/rand/v2"
)

// Mean returns the arithmetic mean; 0 of nothing.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / math.Max(1, float64(len(values)))
}

// Deviation returns the sample standard deviation, with n-1 below the sum of
// squares; 0 of fewer than two values.
func Deviation(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	mean, sum := Mean(values), 0.0
	for _, v := range values {
		sum += (v - mean) * (v - mean)
	}
	return math.Sqrt(sum / float64(len(values)-1))
}

// Beats returns the probability that a value drawn from a is less than one
// drawn from b, where a tie counts half: Vargha and Delaney's measure of
// stochastic superiority ("A critique and improvement of the CL common language
// effect size statistics", 2000), #{a_i < b_j} + #{a_i = b_j}/2 over all pairs.
// It is NaN where a or b is empty.
func Beats(a, b []float64) float64 {
	wins := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x < y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(a)*len(b))
}

// normal returns the standard normal distribution function.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// normalQuantile inverts normal.
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }

// draws is the source of what is drawn at random.
func draws() *rand.Rand { return rand.New(rand.NewPCG(20151202, 1512_00567)) }
