package statistics

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// suites is how many suites are simulated, each of rows that are trained with
// the same seeds.
func suites() int {
	if os.Getenv("INCEPTION_LONG") != "" {
		return 2000
	}
	return 100
}

// ladder returns the differences of each row from the one above, of rows whose
// errors have a part that their seed causes in all, and a part of their own.
func ladder(rng *rand.Rand, rows, pairs int, step float64, noise func(*rand.Rand) float64) [][]float64 {
	family := make([][]float64, rows-1)
	for range pairs {
		shared, above := rng.NormFloat64(), 0.0
		for row := range rows {
			e := shared + noise(rng)
			if row > 0 {
				family[row-1] = append(family[row-1], step+e-above)
			}
			above = e
		}
	}
	return family
}

var noises = map[string]func(*rand.Rand) float64{
	"normal": (*rand.Rand).NormFloat64,
	"skewed": (*rand.Rand).ExpFloat64,
	"rough":  func(r *rand.Rand) float64 { return math.Round(2 * r.NormFloat64()) },
	"heavy":  func(r *rand.Rand) float64 { return r.NormFloat64() / math.Sqrt(r.ExpFloat64()) },
}

var rules = map[string][]Look{
	"six seeds":    {{6, 0.05}},
	"eight seeds":  {{8, 0.05}},
	"twelve seeds": {{12, 0.05}},
	"step by step": Sequential(4, 0.05, 14),
}

// Of suites whose rows differ in nothing, at most 5% call any row different,
// within the binomial error.
func TestRowsThatDifferInNothingAreNotCalledDifferent(t *testing.T) {
	n := float64(suites())
	most := 0.05 + 3*math.Sqrt(0.05*0.95/n)
	for name, noise := range noises {
		for rule, looks := range rules {
			rng := rand.New(rand.NewPCG(3, 4))
			wrong, single := 0, 0
			for range suites() {
				family := ladder(rng, 5, looks[len(looks)-1].Pairs, 0, noise)
				if rejected(Decide(family, Rule{0.05, 1, looks})) > 0 {
					wrong++
				}
				single += rejected(Decide(family[:1], Rule{0.05, 1, looks}))
			}
			if share := float64(wrong) / n; share > most {
				t.Errorf("%s, %s: %.1f%% of the suites call a row different", name, rule, 100*share)
			}
			if share := float64(single) / n; share > most {
				t.Errorf("%s, %s: %.1f%% of the pairs of rows are called different", name, rule, 100*share)
			}
			t.Logf("%s, %s: %d of %g suites, %d single rows", name, rule, wrong, n, single)
		}
	}
}

// A difference of the size that Detectable promises to find is found as often
// as it says, and the pairs that NeededPairs asks for suffice.
func TestThePromisedPowerIsReached(t *testing.T) {
	n := float64(suites())
	least := 0.8 - 3*math.Sqrt(0.8*0.2/n) - 0.02 // what Detectable's own simulation may be off
	check := func(pairs int, level, effect float64) {
		rng, found := rand.New(rand.NewPCG(5, 6)), 0
		for range suites() {
			differences := make([]float64, pairs)
			for i := range differences {
				differences[i] = effect + rng.NormFloat64()
			}
			found += rejected(Decide([][]float64{differences}, Rule{level, 0, []Look{{pairs, level}}}))
		}
		if share := float64(found) / n; share < least || share > 0.95 {
			t.Errorf("%d pairs at level %g find %g deviations in %.1f%% of the cases, want 80%%", pairs, level, effect, 100*share)
		}
	}
	for _, pairs := range []int{8, 10, 14, 20} {
		check(pairs, 0.0125, Detectable(pairs, 0.0125, 0.8))
	}
	for _, effect := range []float64{0.8, 1.2} {
		check(NeededPairs(effect, 0.0125, 0.8), 0.0125, effect)
	}
}

// A difference is said to be less than it is no more often than the level says.
func TestBoundsHold(t *testing.T) {
	n := float64(suites())
	for name, noise := range noises {
		rng, wrong := rand.New(rand.NewPCG(7, 8)), 0
		const step = 0.5
		for range suites() {
			for _, test := range Decide(ladder(rng, 3, 9, step, noise), Rule{0.05, step - 1e-9, []Look{{9, 0.05}}}) {
				if !test.Rejected && test.Closed {
					wrong++
					break
				}
			}
		}
		if share := float64(wrong) / n; share > 0.05+3*math.Sqrt(0.05*0.95/n) {
			t.Errorf("%s: in %.1f%% of the suites a row is said to differ by less than it does", name, 100*share)
		}
	}
}

func rejected(tests []Test) (n int) {
	for _, t := range tests {
		if t.Rejected {
			n++
		}
	}
	return n
}
