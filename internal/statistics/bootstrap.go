package statistics

import (
	"math"
	"slices"
)

// resamples is how many samples a bootstrap draws.
const resamples = 10000

// BCa returns an interval for the mean that covers it with the given
// confidence: the bias-corrected and accelerated bootstrap (Efron, "Better
// bootstrap confidence intervals", 1987). Fewer than two values, or equal ones,
// give the interval of their mean alone.
func BCa(values []float64, confidence float64) (low, high float64) {
	rng, n := draws(), len(values)
	means := make([]float64, resamples)
	for b := range means {
		for range n {
			means[b] += values[rng.IntN(n)] / float64(n)
		}
	}
	return bca(values, means, confidence)
}

// bca returns the interval from the means of samples drawn with replacement.
// With z0 = z(share of the means below that of the values), ties half, and the
// acceleration a = sum u^3 / (6 (sum u^2)^1.5) of the jackknife's deviations u,
// the ends are the quantiles of the means at
//
//	Phi(z0 + (z0 ± z) / (1 - a (z0 ± z))).
func bca(values, means []float64, confidence float64) (low, high float64) {
	mean := Mean(values)
	squares, cubes := 0.0, 0.0
	for _, v := range values {
		u := v - mean // (n-1) times the jackknife's, a factor that cancels
		squares += u * u
		cubes += u * u * u
	}
	if len(values) < 2 || squares <= 1e-24*mean*mean*float64(len(values)) {
		return mean, mean
	}
	below, tie := 0.0, 1e-12*math.Sqrt(squares) // sums in another order differ in their last bits
	for _, m := range means {
		switch {
		case m < mean-tie:
			below++
		case m <= mean+tie:
			below += 0.5
		}
	}
	z0 := normalQuantile(below / float64(len(means)))
	a := cubes / (6 * math.Pow(squares, 1.5))
	sorted := slices.Sorted(slices.Values(means))
	z := normalQuantile((1 + confidence) / 2)
	end := func(z float64) float64 { return quantile(sorted, normal(z0+(z0+z)/(1-a*(z0+z)))) }
	return end(-z), end(z)
}

// quantile interpolates between sorted values, as NumPy does by default
// (Hyndman and Fan, "Sample quantiles in statistical packages", 1996, type 7).
func quantile(sorted []float64, p float64) float64 {
	at := math.Max(0, math.Min(1, p)) * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-2)
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}
