package ablate

import (
	"cmp"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/statistics"
)

// turn is a run to make: the indices of its row and its seed.
type turn struct{ row, seed int }

// ledger decides which run comes next. First every row gets the same seeds;
// then, as long as the budget lasts, rows whose verdict is open get those that
// their next look takes, the one whose p is lowest, and so nearest to the line,
// first. What decides is which looks are taken, never what they show, so the
// verdicts' rate of errors stays that of statistics.Decide.
type ledger struct {
	seconds  []float64 // of a run of each row, estimated
	accounts []account
	first    int // seeds that every row gets
	last     int // seeds that there are
	looks    []statistics.Look
	has      map[turn]bool // runs that are done, have diverged, or are under way
	crews    int           // that make runs at the same time; 0 is 1
}

// account is a comparison as the ledger sees it.
type account struct {
	rows   []int // that it compares
	looks  int   // taken
	p      float64
	closed bool
}

// next returns the run to make with so many seconds left.
func (l *ledger) next(left float64) (turn, bool) {
	for seed := range l.first {
		for row := range l.seconds {
			if t := (turn{row, seed}); !l.has[t] {
				return t, true
			}
		}
	}
	for _, a := range l.open() {
		missing, cost := l.missing(a)
		if len(missing) > 0 && cost <= left {
			return missing[0], true
		}
	}
	return turn{}, false
}

// open lists the comparisons that wait for a look, the nearest to the line
// first.
func (l *ledger) open() (all []account) {
	for _, a := range l.accounts {
		if !a.closed && a.looks < len(l.looks) && l.looks[a.looks].Pairs <= l.last {
			all = append(all, a)
		}
	}
	slices.SortStableFunc(all, func(a, b account) int { return cmp.Compare(a.p, b.p) })
	return all
}

// missing lists the runs that a comparison's next look takes, and in what time
// all crews could make them.
func (l *ledger) missing(a account) (turns []turn, cost float64) {
	longest := 0.0
	for seed := range l.looks[a.looks].Pairs {
		for _, row := range a.rows {
			if t := (turn{row, seed}); !l.has[t] {
				turns = append(turns, t)
				cost += l.seconds[row] / float64(max(1, l.crews))
				longest = max(longest, l.seconds[row])
			}
		}
	}
	return turns, max(cost, longest)
}

// plan returns how many runs each row has if none of the open verdicts is
// decided before the budget is spent, and what the runs to come cost.
func (l *ledger) plan(budget float64) (runs []int, cost float64) {
	for cost < budget {
		t, ok := l.next(budget - cost)
		if !ok {
			break
		}
		l.has[t] = true
		cost += l.seconds[t.row] / float64(max(1, l.crews))
		for i := range l.accounts {
			if a := &l.accounts[i]; a.looks < len(l.looks) {
				if missing, _ := l.missing(*a); len(missing) == 0 {
					a.looks++
				}
			}
		}
	}
	runs = make([]int, len(l.seconds))
	for t := range l.has {
		runs[t.row]++
	}
	return runs, cost
}

// ledger returns the books as the results stand. Runs that are taken are under
// way.
func (p *Plan) ledger(r *Result, taken map[turn]bool) *ledger {
	l := &ledger{first: len(p.Seeds), last: len(p.Seeds), looks: r.Rule.Looks, has: map[turn]bool{}, crews: p.crew.crews()}
	if p.budget > 0 {
		l.first = min(l.first, l.looks[0].Pairs)
	} else {
		l.looks = nil
	}
	for i, row := range r.Rows {
		seconds := row.Seconds.Mean
		if row.Seconds.N == 0 {
			seconds = r.meanSeconds()
		}
		l.seconds = append(l.seconds, seconds)
		for s, o := range row.Runs {
			if t := (turn{i, s}); o.State != Pending || taken[t] {
				l.has[t] = true
			}
		}
	}
	for _, c := range r.contrasts() {
		l.accounts = append(l.accounts, account{c.rows, c.to.test.Looks, c.to.test.P, c.to.test.Closed})
	}
	return l
}

// meanSeconds is the mean time of a run, over the rows that have one.
func (r *Result) meanSeconds() float64 {
	var means []float64
	for _, row := range r.Rows {
		if row.Seconds.N > 0 {
			means = append(means, row.Seconds.Mean)
		}
	}
	return statistics.Mean(means)
}

// unlimited is the budget of a plan without one, in seconds.
var unlimited = math.Inf(1)
