package statistics

import (
	"cmp"
	"math"
	"slices"
)

// exactPairs is the most pairs of which all sign flips are counted; of more, a
// sample of randomFlips is.
const exactPairs, randomFlips = 30, 20000

// SignFlip returns the two-sided p of the sign-flip test on paired differences:
// the share of the 2^n choices of their signs for which the sum is at least as
// far from 0 as theirs (Fisher, "The Design of Experiments", 1935, section 21).
// It needs nothing but that the two members of a pair could change places, and
// is never below 2^(1-n). Of more than 30 differences it looks at B random
// choices and returns (b+1)/(B+1) (Phipson and Smyth, 2010). Of none it is 1.
func SignFlip(differences []float64) float64 {
	n := len(differences)
	observed, size := 0.0, 0.0
	for _, d := range differences {
		observed += d
		size += math.Abs(d)
	}
	// Sums in another order differ in their last bits, equal sums must count.
	limit := math.Abs(observed) - 1e-12*size
	switch {
	case limit <= 0:
		return 1
	case n > exactPairs:
		return sampledFlips(differences, limit)
	}
	a, b := signedSums(differences[:n/2]), signedSums(differences[n/2:])
	count, j := 0, 0
	for i := len(a) - 1; i >= 0; i-- {
		// a falls, so the b that reaches the limit with it rises.
		for j < len(b) && a[i]+b[j] < limit {
			j++
		}
		count += len(b) - j
	}
	return math.Min(1, math.Ldexp(float64(2*count), -n))
}

// signedSums returns all sums of the values with either sign, sorted.
func signedSums(values []float64) []float64 {
	sums, spare := make([]float64, 1, 1<<len(values)), make([]float64, 0, 1<<len(values))
	for _, v := range values {
		v = math.Abs(v)
		next := spare[:0]
		// Both halves, sum-v and sum+v, are sorted: they are merged.
		for low, high := 0, 0; low < len(sums) || high < len(sums); {
			if low < len(sums) && sums[low]-v <= sums[high]+v {
				next = append(next, sums[low]-v)
				low++
			} else {
				next = append(next, sums[high]+v)
				high++
			}
		}
		sums, spare = next, sums
	}
	return sums
}

func sampledFlips(differences []float64, limit float64) float64 {
	rng, count := draws(), 0
	for range randomFlips {
		sum, signs := 0.0, uint64(0)
		for i, d := range differences {
			if i%64 == 0 {
				signs = rng.Uint64()
			}
			if signs>>(i%64)&1 == 1 {
				d = -d
			}
			sum += d
		}
		if math.Abs(sum) >= limit {
			count++
		}
	}
	return float64(count+1) / (randomFlips + 1)
}

// Bound returns how far from 0 the mean difference may be: the farthest value
// that a sign-flip test of the given level does not reject, the end of the
// interval that inverts the test (Hartigan, "Using subsample values as typical
// values", 1969). It is infinite where so few pairs, or so few choices of signs,
// cannot reject anything.
func Bound(differences []float64, level float64) float64 {
	n := len(differences)
	if n == 0 || leastP(n) > level {
		return math.Inf(1)
	}
	mean, width := Mean(differences), 0.0
	for _, d := range differences {
		width = math.Max(width, math.Abs(d-mean))
	}
	shifted := make([]float64, n)
	end := func(side float64) float64 {
		near, far := 0.0, 2*width+math.SmallestNonzeroFloat64
		for range 36 {
			at := (near + far) / 2
			for i, d := range differences {
				shifted[i] = d - mean - side*at
			}
			if SignFlip(shifted) > level {
				near = at
			} else {
				far = at
			}
		}
		return math.Abs(mean + side*far)
	}
	return math.Max(end(-1), end(1))
}

// Within reports whether Bound is at most a margin.
func Within(differences []float64, margin, level float64) bool {
	if math.Abs(Mean(differences)) > margin {
		return false
	}
	for _, end := range []float64{-margin, margin} {
		shifted := make([]float64, len(differences))
		for i, d := range differences {
			shifted[i] = d - end
		}
		if SignFlip(shifted) > level {
			return false
		}
	}
	return true
}

// leastP returns the smallest p that SignFlip can have of so many pairs.
func leastP(pairs int) float64 {
	if pairs > exactPairs {
		return 1. / (randomFlips + 1)
	}
	return math.Ldexp(1, 1-pairs)
}

// LeastPairs returns the fewest pairs for which the sign-flip test can have a p
// of at most level: 2^(1-n) <= level.
func LeastPairs(level float64) int {
	if !(level > 0) {
		return math.MaxInt
	}
	n := 1
	for math.Ldexp(1, 1-n) > level {
		n++
	}
	return n
}

// Holm returns the p of several tests adjusted so that rejecting those of at
// most a level keeps the probability of any false rejection below that level,
// whatever the tests' dependence: the largest of (m-i+1) p_(i) up to each, by
// rank (Holm, "A simple sequentially rejective multiple test procedure", 1979).
func Holm(p []float64) []float64 {
	adjusted := make([]float64, len(p))
	largest := 0.0
	for rank, i := range ascending(p) {
		largest = math.Max(largest, float64(len(p)-rank)*p[i])
		adjusted[i] = math.Min(1, largest)
	}
	return adjusted
}

// ascending returns the indices of values in the order of their size.
func ascending(values []float64) []int {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	return order
}
