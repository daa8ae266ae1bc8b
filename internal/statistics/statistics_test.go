package statistics

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// By hand: of the flips of n differences, so many give a sum as far from 0.
func TestSignFlipCountsSigns(t *testing.T) {
	for _, c := range []struct {
		differences []float64
		want        float64
	}{
		{nil, 1}, {[]float64{3}, 1}, {[]float64{0, 0}, 1}, {[]float64{1, 1, 1, 1, 1, 1}, 2. / 64},
		{[]float64{0.1, 0.2, 0.3}, 2. / 8}, {[]float64{-0.1, 0.2, 0.3}, 4. / 8}, {[]float64{0.1, 0.1, -0.1}, 1},
	} {
		if got := SignFlip(c.differences); got != c.want {
			t.Errorf("p of %v is %g, want %g", c.differences, got, c.want)
		}
	}
}

// Counting in halves gives what counting one by one does.
func TestSignFlipIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= 12; n++ {
		d := make([]float64, n)
		for i := range d {
			d[i] = float64(rng.IntN(21)-8) / 1000
		}
		observed := math.Abs(Mean(d) * float64(n))
		count := 0
		for signs := range 1 << n {
			sum := 0.0
			for i, v := range d {
				sum += v * float64(1-2*(signs>>i&1))
			}
			if math.Abs(sum) >= observed-1e-9 {
				count++
			}
		}
		if got, want := SignFlip(d), float64(count)/float64(int(1)<<n); got != want {
			t.Errorf("p of %v is %g, want %g", d, got, want)
		}
	}
}

func TestManyPairsAreSampled(t *testing.T) {
	d := make([]float64, exactPairs+1)
	for i := range d {
		d[i] = float64(i%5) - 1.6
	}
	few, many := SignFlip(d[:exactPairs]), SignFlip(d)
	if math.Abs(few-many) > 0.1 || many != SignFlip(d) {
		t.Errorf("p is %g of 30 pairs and %g of 31", few, many)
	}
}

// The bound is the end of what the test accepts; with all signs alike only the
// farthest difference stands.
func TestBoundInvertsTheTest(t *testing.T) {
	d := []float64{-0.2, 0.5, 0.1, 0.9, -0.4, 0.3, 0.2, 0.6}
	for _, level := range []float64{0.05, 0.01, 2. / 256} {
		bound := Bound(d, level)
		shifted := func(by float64) (s []float64) {
			for _, v := range d {
				s = append(s, v-by)
			}
			return s
		}
		inside := max(SignFlip(shifted(bound-1e-6)), SignFlip(shifted(1e-6-bound)))
		outside := max(SignFlip(shifted(bound+1e-6)), SignFlip(shifted(-bound-1e-6)))
		if Within(d, bound-1e-6, level) || !Within(d, bound+1e-6, level) {
			t.Errorf("level %g: the bound %g is not the least margin", level, bound)
		}
		if inside <= level || outside > level {
			t.Errorf("level %g: the bound %g has p %g inside and %g outside", level, bound, inside, outside)
		}
	}
	if got := Bound(d, 2./256); math.Abs(got-0.9) > 1e-9 {
		t.Errorf("with every sign the bound is %g, want the farthest difference, 0.9", got)
	}
	if got := Bound(d[:5], 0.05); !math.IsInf(got, 1) {
		t.Errorf("five pairs bound the mean by %g", got)
	}
	if got := Bound(make([]float64, 62), 4e-5); !math.IsInf(got, 1) {
		t.Errorf("a level below that of the choices of signs bounds the mean by %g", got)
	}
	if got := Bound(make([]float64, 8), 0.05); got > 1e-9 {
		t.Errorf("differences of 0 bound the mean by %g", got)
	}
}

func TestLeastPairs(t *testing.T) {
	for _, c := range []struct {
		level float64
		want  int
	}{{1, 1}, {0.05, 6}, {0.05 / 4, 8}, {0.05 / 11, 9}, {2. / 64, 6}} {
		if got := LeastPairs(c.level); got != c.want {
			t.Errorf("level %g needs %d pairs, want %d", c.level, got, c.want)
		}
	}
}

func TestBCaIsRepeatableAndCovers(t *testing.T) {
	d := []float64{-0.0182, -0.0061, -0.0154, -0.0119, -0.0130, -0.0088}
	low, high := BCa(d, 0.95)
	again, _ := BCa(d, 0.95)
	if !(low < Mean(d) && Mean(d) < high && low > -0.0182 && high < -0.0061) || low != again {
		t.Errorf("the interval is %g to %g, then from %g", low, high, again)
	}
	for _, same := range [][]float64{{0.3}, {0.3, 0.3, 0.3}} {
		if low, high := BCa(same, 0.95); low != high || math.Abs(low-0.3) > 1e-15 {
			t.Errorf("the interval of %v is %g to %g", same, low, high)
		}
	}
}

func TestHolmByHand(t *testing.T) {
	if got, want := Holm([]float64{0.01, 0.04, 0.03}), []float64{0.03, 0.06, 0.06}; !slices.EqualFunc(got, want,
		func(a, b float64) bool { return math.Abs(a-b) < 1e-15 }) {
		t.Errorf("adjusted p are %v, want %v", got, want)
	}
}

func TestPairedSharesAreSymmetricAndCover(t *testing.T) {
	low, high := PairedShares(10, 30, 200, 0.95)
	back, forth := PairedShares(30, 10, 200, 0.95)
	if math.Abs(low+forth) > 1e-15 || math.Abs(high+back) > 1e-15 || !(low > 0 && low < 0.1 && high > 0.1 && high < 0.2) {
		t.Errorf("intervals are %g to %g and %g to %g", low, high, back, forth)
	}
	// (31-11)/202 ± 1.95996 sqrt((42/202 - (20/202)^2)/202)
	if want := 20./202 - 1.959963984540054*math.Sqrt((42./202-20./202*20./202)/202); math.Abs(low-want) > 1e-12 {
		t.Errorf("the low end is %g, want %g", low, want)
	}
}

// Where simulation ends and Student's t begins, both say nearly the same.
func TestPowerIsContinuous(t *testing.T) {
	for _, effect := range []float64{0, 0.5, 0.9} {
		simulated, students := signFlipPower(effect, simulatedPairs, 0.02), studentPower(effect, simulatedPairs, 0.02)
		if math.Abs(simulated-students) > 0.03 {
			t.Errorf("effect %g: %g simulated, %g of Student's t", effect, simulated, students)
		}
	}
	// With all signs needed, a normal difference is found when all lie on one side.
	if got, want := signFlipPower(1, 6, 0.05), math.Pow(normal(1), 6); math.Abs(got-want) > 0.025 {
		t.Errorf("the power of six pairs is %g, want %g", got, want)
	}
}

func TestDetectableAndNeededAgree(t *testing.T) {
	for _, n := range []int{8, 12, 20, 40} {
		effect := Detectable(n, 0.0125, 0.8)
		if got := NeededPairs(effect*1.001, 0.0125, 0.8); got < n-1 || got > n {
			t.Errorf("%d pairs detect %g, which needs %d", n, effect, got)
		}
	}
	if !math.IsInf(Detectable(7, 0.0125, 0.8), 1) || NeededPairs(0, 0.05, 0.8) <= MostPairs {
		t.Error("the impossible is possible")
	}
}

func TestLooksSpendLessThanTheLevel(t *testing.T) {
	looks := Sequential(4, 0.05, 60)
	want := []int{9, 14, 21, 32, 48}
	sum := 0.0
	for i, look := range looks {
		sum += look.Level
		if i >= len(want) || look.Pairs != want[i] || LeastPairs(look.Level/4) > look.Pairs {
			t.Errorf("look %d is %+v", i+1, look)
		}
	}
	if len(looks) != len(want) || sum >= 0.05 {
		t.Errorf("%d looks spend %g", len(looks), sum)
	}
	for _, look := range Sequential(40, 0.05, 1000) {
		if p := leastP(look.Pairs); p > look.Level/40 {
			t.Errorf("the look %+v can reject nothing: its p is at least %g", look, p)
		}
	}
}

func TestDecideLooksOnceAtEach(t *testing.T) {
	clear := []float64{1, 1.1, 0.9, 1, 1.2, 1, 0.8, 1, 1.1, 1}
	none := []float64{0.01, -0.01, 0.02, -0.02, 0.01, -0.01, 0.01, -0.01, 0.02, -0.02}
	wide := []float64{1, -1, 2, -2, 1, -1, 1, -1, 2, -2}
	short := clear[:3]
	holed := slices.Clone(clear)
	holed[2] = math.NaN()
	tests := Decide([][]float64{clear, none, wide, short, holed}, Rule{0.05, 0.1, []Look{{10, 0.05}}})
	for i, want := range []Test{{Looks: 1, Rejected: true, Closed: true}, {Looks: 1, Closed: true}, {Looks: 1}, {},
		{Looks: 1, Rejected: true, Closed: true}} {
		if got := tests[i]; got.Looks != want.Looks || got.Rejected != want.Rejected || got.Closed != want.Closed {
			t.Errorf("test %d is %+v", i, got)
		}
	}
	if p := tests[0].P; p != math.Ldexp(2, -10) || math.Abs(tests[0].Holm-5*p) > 1e-15 {
		t.Errorf("p is %g, adjusted %g", p, tests[0].Holm)
	}
	// What an earlier look has closed, later pairs do not open.
	turned := append(slices.Clone(clear), -9, -9, -9, -9, -9)
	tests = Decide([][]float64{turned}, Rule{0.05, 0, []Look{{8, 0.025}, {15, 0.0125}}})
	if !tests[0].Rejected || tests[0].Looks != 1 || tests[0].Pairs != 8 {
		t.Errorf("after a rejection the test is %+v", tests[0])
	}
	if tests[0].Holm > 0.05 {
		t.Errorf("a test that is rejected has an adjusted p of %g", tests[0].Holm)
	}
}
