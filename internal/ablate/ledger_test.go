package ablate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/statistics"
)

// simulated is a plan whose runs are drawn: row i has the errors of base with
// the same seed, plus shift[i] and noise of its own.
type simulated struct {
	plan  *Plan
	r     *Result
	rng   *rand.Rand
	shift []float64
	runs  int
}

func newSimulated(rng *rand.Rand, shift ...float64) *simulated {
	s := &simulated{rng: rng, shift: shift}
	s.plan = &Plan{budget: time.Hour, margin: 0.0005}
	for seed := range uint64(24) {
		s.plan.Seeds = append(s.plan.Seeds, seed+1)
	}
	looks := statistics.Sequential(len(shift)-1, Level, 24)
	s.r = ablation(statistics.Rule{Level: Level, Margin: s.plan.margin, Looks: looks}, make([][]float64, len(shift))...)
	s.r.Seeds = s.plan.Seeds
	for i := range s.r.Rows {
		s.r.Rows[i].Runs = nil
		s.plan.rows = append(s.plan.rows, planned{Row: Row{Name: s.r.Rows[i].Name}})
	}
	return s
}

// spend makes runs of a second each until the budget is spent.
func (s *simulated) spend(seconds float64) {
	for left := seconds; left > 0; left-- {
		s.r.average()
		if s.due() {
			s.r.decide()
		}
		t, ok := s.plan.ledger(s.r, nil).next(left)
		if !ok {
			return
		}
		s.r.reserve(s.plan, t)
		run := &s.r.Rows[t.row].Runs[t.seed]
		seed := rand.New(rand.NewPCG(uint64(t.seed), 1))
		run.State, run.Seconds = Done, 1
		run.Top1 = 1 - (0.2 + 0.003*seed.NormFloat64() + s.shift[t.row] + 0.002*s.rng.NormFloat64())
		s.runs++
	}
	s.r.decide()
}

// due reports whether a row has the runs of its next look; deciding before
// changes nothing.
func (s *simulated) due() bool {
	return slices.ContainsFunc(s.r.contrasts(), func(c contrast) bool {
		test := c.to.test
		return !test.Closed && test.Looks < len(s.r.Rule.Looks) &&
			len(s.r.differences(c)) >= s.r.Rule.Looks[test.Looks].Pairs
	})
}

func TestABudgetGoesWhereVerdictsAreOpen(t *testing.T) {
	s := newSimulated(rand.New(rand.NewPCG(1, 1)), 0, -0.03, 0.0015, 0.0)
	s.spend(1000)
	least := s.r.Rule.Looks[0].Pairs
	var seeds []int
	for _, row := range s.r.Rows {
		seeds = append(seeds, len(row.Runs))
	}
	// The second row is decided at the first look; the base goes with the others.
	if seeds[1] != least || seeds[0] <= least || seeds[0] != max(seeds[2], seeds[3]) {
		t.Errorf("seeds are %v with looks %+v", seeds, s.r.Rule.Looks)
	}
	if !s.r.Rows[1].test.Rejected || s.runs > 4*24 {
		t.Errorf("the row that is far better is %+v after %d runs", s.r.Rows[1].test, s.runs)
	}
	if err := s.r.summarise(); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("with seeds 1 to %d. ", seeds[0]); !strings.Contains(s.r.Caption(), want) ||
		strings.Contains(s.r.Caption(), "no difference can be told") {
		t.Errorf("the caption lacks %q: %s", want, s.r.Caption())
	}
	// A smaller budget ends in the first seeds, every row's.
	s = newSimulated(rand.New(rand.NewPCG(1, 1)), 0, -0.03, 0.0015, 0.0)
	s.spend(10)
	for i, want := range []int{3, 3, 2, 2} {
		if got := len(s.r.Rows[i].Runs); got != want {
			t.Errorf("after ten runs row %d has %d", i, got)
		}
	}
}

// Wherever the budget ends and whichever rows it prefers, rows that differ in
// nothing are called different in at most 5% of the suites; and a difference
// that is there is found.
func TestSpendingABudgetBiasesNothing(t *testing.T) {
	suites := 20
	if os.Getenv("INCEPTION_LONG") != "" {
		suites = 2000
	}
	rng := rand.New(rand.NewPCG(2, 2))
	wrong, found := 0, 0
	for range suites {
		s := newSimulated(rng, 0, 0, 0, 0, 0)
		s.spend(float64(30 + rng.IntN(100)))
		if slices.ContainsFunc(s.r.Rows, func(o RowResult) bool { return o.test.Rejected }) {
			wrong++
		}
		s = newSimulated(rng, 0, -0.004, 0, 0, 0)
		s.spend(120)
		if s.r.Rows[1].test.Rejected {
			found++
		}
	}
	n := float64(suites)
	if share := float64(wrong) / n; share > Level+3*math.Sqrt(Level*(1-Level)/n) {
		t.Errorf("%.1f%% of the suites without a difference show one", 100*share)
	}
	if share := float64(found) / n; share < power-3*math.Sqrt(power*(1-power)/n) {
		t.Errorf("a difference of 1.4 deviations is found in %.1f%% of the suites only", 100*share)
	}
	t.Logf("%d of %d suites wrong, %d found", wrong, suites, found)
}

func TestTheRowNearestToTheLineGoesFirst(t *testing.T) {
	l := &ledger{first: 1, last: 20, looks: []statistics.Look{{Pairs: 1, Level: 0.02}, {Pairs: 3, Level: 0.01}},
		has: map[turn]bool{{0, 0}: true, {1, 0}: true, {2, 0}: true, {3, 0}: true}, seconds: []float64{10, 10, 10, 10}, accounts: []account{
			{[]int{0, 1}, 1, 0.4, false}, {[]int{0, 2}, 1, 0.04, false}, {[]int{0, 3}, 1, 0.001, true}}}
	if got, ok := l.next(40); !ok || got != (turn{0, 1}) {
		t.Errorf("the base's next seed should come first, %v does", got)
	}
	if got, ok := l.next(39); ok {
		t.Errorf("without time for the look, %v begins", got)
	}
	l.has[turn{0, 1}], l.has[turn{0, 2}] = true, true
	if got, _ := l.next(40); got != (turn{2, 1}) {
		t.Errorf("then the row with p 0.04, %v does", got)
	}
	runs, cost := l.plan(1000)
	if want := []int{3, 3, 3, 1}; !slices.Equal(runs, want) || cost != 40 {
		t.Errorf("the plan has runs %v for %g s, want %v", runs, cost, want)
	}
}

// A budget that ends in the middle of a run stops it there; it goes on later.
func TestABudgetEndsInTheMiddleOfARun(t *testing.T) {
	dir := t.TempDir()
	plan := prepared(t, twoRows, 9)
	plan.budget = time.Hour
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	l := listening()
	l.stopIn, l.cancel = "smooth/seed-1", func(error) { cancel(errBudget) }
	r, err := plan.Run(ctx, dir, l.progress())
	if err != nil || r.Count(Done) != 1 || r.Planned() != 2 {
		t.Fatalf("%d of %d runs are done, error %v", r.Count(Done), r.Planned(), err)
	}
	plan.budget = time.Nanosecond
	if r, err = plan.Run(context.Background(), dir, listening().progress()); err != nil || r.Count(Done) != 1 {
		t.Errorf("with no time left, %d runs are done, error %v", r.Count(Done), err)
	}
	f, err := plan.Forecast(context.Background(), dir)
	if err != nil || f.Rows[0].Done != 1 || f.Rows[0].Runs < 1 {
		t.Errorf("the forecast is %+v (%v)", f, err)
	}
	plan.budget = 100 * time.Hour
	if f, err = plan.Forecast(context.Background(), dir); err != nil || f.Rows[0].Runs != 7 || len(f.Looks) < 3 {
		t.Errorf("with time, the forecast is %+v (%v)", f, err)
	}
	var text strings.Builder
	if err := f.WriteText(&text); err != nil || !strings.Contains(text.String(), "every row gets 7 seeds") {
		t.Errorf("it reads %s (%v)", text.String(), err)
	}
}

func TestNeedsFollowFromTheSpread(t *testing.T) {
	plan := prepared(t, twoRows, 2)
	dir := t.TempDir()
	if _, err := plan.Needs(dir, 0.01); err == nil || !strings.Contains(err.Error(), "no spread is known yet") {
		t.Errorf("without runs the error is %v", err)
	}
	if _, err := plan.Needs(dir, 0); err == nil {
		t.Error("a difference of 0 can be found")
	}
	if _, err := plan.Run(context.Background(), dir, listening().progress()); err != nil {
		t.Fatal(err)
	}
	n, err := plan.Needs(dir, 0.5)
	if err != nil || len(n.Rows) != 1 || n.Rows[0].Pairs != 2 || n.Rows[0].Seeds < 6 || n.Level != Level {
		t.Fatalf("needs are %+v (%v)", n, err)
	}
	var text strings.Builder
	if err := n.WriteText(&text); err != nil || !strings.Contains(text.String(), "for a difference of 50 points") {
		t.Errorf("they read %s (%v)", text.String(), err)
	}
	if entries, err := filepath.Glob("*/seed-1"); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
