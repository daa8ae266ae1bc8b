package statistics

import "math"

// Look is a moment at which a family of tests is looked at: once so many pairs
// are there, at that level.
type Look struct {
	Pairs int     `json:"pairs"`
	Level float64 `json:"level"`
}

// Sequential returns the looks of a family that is looked at again as pairs are
// added, up to so many. The level is spent in halves, level/2, level/4, ...,
// which sum to less than it however many looks there are (Bonferroni's
// inequality over the looks). The first look has the fewest pairs with which
// Holm's procedure can reject anything; each further one half as many more, as long as
// the random choices of SignFlip can reach its level.
func Sequential(tests int, level float64, most int) []Look {
	var looks []Look
	n, spend := LeastPairs(level/2/float64(tests)), level/2
	for n <= most && leastP(n) <= spend/float64(tests) {
		looks = append(looks, Look{n, spend})
		n, spend = (3*n+1)/2, spend/2
		n = max(n, LeastPairs(spend/float64(tests)))
	}
	return looks
}

// Rule says when a family of tests is looked at and what it takes to close one.
// It is fixed before the first pair.
type Rule struct {
	Level  float64 `json:"level"`  // of all looks together
	Margin float64 `json:"margin"` // the largest difference that does not matter
	Looks  []Look  `json:"looks"`
}

// Test is what looking has found of one of a family's tests.
type Test struct {
	Looks    int     // taken
	Pairs    int     // of the last look
	P        float64 // of the sign-flip test at it
	Holm     float64 // adjusted for the family and the looks: to be compared with the rule's level
	Level    float64 // of the last look, for one test of the family alone
	Rejected bool    // the mean of the differences is not 0
	Closed   bool    // rejected, or Bound at that level is at most the margin: no more pairs are needed
}

// Decide takes the looks at a family of tests that its pairs allow. family
// holds the paired differences of each test in the order in which they came,
// NaN for a pair that has none for good. A test that is closed at a look is not
// looked at again.
//
// The probability that any mean of 0 is called different is at most the sum of
// the looks' levels: at each, Holm's procedure runs over the tests that no
// earlier look has rejected, and a test that lacks pairs, or was closed by its
// bound, stays in it with a p of 1. That holds whatever decides which tests get
// more pairs, since it only takes away looks. The bounds are Bonferroni's over
// looks and tests, so they all hold with the same probability.
func Decide(family [][]float64, rule Rule) []Test {
	tests := make([]Test, len(family))
	for i := range tests {
		tests[i] = Test{P: 1, Holm: 1}
	}
	for _, look := range rule.Looks {
		var open []int // not rejected
		var p []float64
		for i, differences := range family {
			if tests[i].Rejected {
				continue
			}
			open = append(open, i)
			if tests[i].Closed || len(differences) < look.Pairs {
				p = append(p, 1)
				continue
			}
			t := &tests[i]
			t.Looks, t.Pairs, t.Level = t.Looks+1, look.Pairs, look.Level/float64(len(family))
			t.P = SignFlip(finite(differences[:look.Pairs]))
			p = append(p, t.P)
		}
		for at, adjusted := range Holm(p) {
			t := &tests[open[at]]
			if t.Closed || len(family[open[at]]) < look.Pairs {
				continue
			}
			t.Holm = math.Min(1, adjusted*rule.Level/look.Level)
			t.Rejected = adjusted <= look.Level
			t.Closed = t.Rejected || Within(finite(family[open[at]][:look.Pairs]), rule.Margin, t.Level)
		}
	}
	return tests
}

func finite(values []float64) []float64 {
	var known []float64
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			known = append(known, v)
		}
	}
	return known
}
