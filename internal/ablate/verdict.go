package ablate

import (
	"fmt"
	"math"
	"path/filepath"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/statistics"
)

// Level is the probability with which a suite may call any of its rows
// different that is not.
const Level = 0.05

// confidence and power are what intervals cover and detectable differences are
// found with.
const confidence, power = 0.95, 0.8

// Verdict is what is known of a row beside its base.
type Verdict string

// The verdicts.
const (
	Better     Verdict = "better"
	Worse      Verdict = "worse"
	Same       Verdict = "same" // a difference, if any, is no larger than Difference.Bound, which is at most the margin
	CannotTell Verdict = "cannot tell"
)

// Difference compares a row with its base: what its runs have more errors than
// those of the base with the same seeds, as a fraction of 1; below 0 the row is
// better. What is not known is null.
type Difference struct {
	Pairs      int      `json:"pairs"` // seeds that it is of
	Mean       *float64 `json:"mean"`
	Low        *float64 `json:"low"`  // the interval that covers the mean with 95% confidence (BCa bootstrap),
	High       *float64 `json:"high"` // for this row alone
	P          *float64 `json:"p"`    // of the exact sign-flip test
	PHolm      *float64 `json:"p_holm"`
	Better     *float64 `json:"better"`     // the probability that a run of the row beats one of the base
	Detectable *float64 `json:"detectable"` // the smallest difference that so many seeds find in 80% of the cases
	Bound      *float64 `json:"bound"`      // how large the difference may be, for the whole suite at once
	Deviation  *float64 `json:"std"`        // of a seed's difference
	McNemar    *McNemar `json:"mcnemar"`    // of a single pair of runs

	values []float64 // by seed
}

// McNemar compares two single runs on the same images.
type McNemar struct {
	OnlyBase int     `json:"only_base"` // images that the base alone classifies correctly
	OnlyRow  int     `json:"only_row"`
	P        float64 `json:"p"` // of McNemar's exact test
}

// decide takes the looks that the runs allow, and returns the rows that have a
// base with their differences from it.
func (r *Result) decide() (rows []*RowResult, family [][]float64) {
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Base != "" {
			rows = append(rows, row)
			family = append(family, r.differences(row))
		}
	}
	for i, test := range statistics.Decide(family, r.Rule) {
		rows[i].test = test
	}
	return rows, family
}

// judge compares every row with its base, by the rule.
func (r *Result) judge() error {
	rows, family := r.decide()
	for i, row := range rows {
		row.Difference = r.difference(row, family[i], row.test, len(family))
		row.Verdict = verdict(row.Difference, row.test)
		if row.Difference.Pairs != 1 {
			continue
		}
		var err error
		if row.Difference.McNemar, err = r.mcNemar(row); err != nil {
			return err
		}
	}
	return nil
}

// row returns the row of a name, nil if there is none.
func (r *Result) row(name string) *RowResult {
	for i := range r.Rows {
		if r.Rows[i].Name == name {
			return &r.Rows[i]
		}
	}
	return nil
}

// differences lists a row's errors less those of its base, seed by seed, up to
// the first seed that either still has to run; NaN where one has diverged.
func (r *Result) differences(row *RowResult) (all []float64) {
	base := r.row(row.Base)
	for s := range min(len(row.Runs), len(base.Runs)) {
		a, b := row.Runs[s], base.Runs[s]
		switch {
		case a.State == Pending || b.State == Pending:
			return all
		case a.State == Failed || b.State == Failed:
			all = append(all, math.NaN())
		default:
			all = append(all, a.error()-b.error())
		}
	}
	return all
}

// difference describes a row's differences: those that the test has seen at its
// last look, before the first look all.
func (r *Result) difference(row *RowResult, all []float64, test statistics.Test, tests int) *Difference {
	base := r.row(row.Base)
	if test.Looks > 0 {
		all = all[:test.Pairs]
	}
	d := &Difference{}
	var ours, theirs []float64
	for s, v := range all {
		if !math.IsNaN(v) {
			d.values = append(d.values, v)
			ours, theirs = append(ours, row.Runs[s].error()), append(theirs, base.Runs[s].error())
		}
	}
	if d.Pairs = len(d.values); d.Pairs == 0 {
		return d
	}
	d.Mean, d.Better = number(statistics.Mean(d.values)), number(statistics.Beats(ours, theirs))
	if d.Pairs == 1 {
		return d
	}
	low, high := statistics.BCa(d.values, confidence)
	d.Low, d.High, d.P = number(low), number(high), number(statistics.SignFlip(d.values))
	d.Deviation = number(statistics.Deviation(d.values))
	if test.Looks > 0 {
		d.PHolm, d.Bound = number(test.Holm), number(test.Bound)
		level := r.Rule.Looks[test.Looks-1].Level / float64(tests)
		d.Detectable = number(*d.Deviation * statistics.Detectable(d.Pairs, level, power))
	}
	return d
}

// number returns a pointer to what JSON can hold.
func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

func verdict(d *Difference, test statistics.Test) Verdict {
	switch {
	case test.Rejected && *d.Mean < 0:
		return Better
	case test.Rejected:
		return Worse
	case test.Closed:
		return Same
	}
	return CannotTell
}

// Word is the verdict for people; empty for a row without a base.
func (o RowResult) Word() string {
	if o.Verdict == Same {
		return fmt.Sprintf("no larger than %.2f", 100**o.Difference.Bound)
	}
	return string(o.Verdict)
}

// mcNemar compares the only run of a row with that of its base; nil if their
// predictions are not there, or of other images.
func (r *Result) mcNemar(row *RowResult) (*McNemar, error) {
	base := r.row(row.Base)
	for s := range min(len(row.Runs), len(base.Runs)) {
		if row.Runs[s].State != Done || base.Runs[s].State != Done {
			continue
		}
		a, okA, err := answers(filepath.Join(r.Dir, base.Runs[s].Run), base.Runs[s].Steps)
		if err != nil {
			return nil, err
		}
		b, okB, err := answers(filepath.Join(r.Dir, row.Runs[s].Run), row.Runs[s].Steps)
		if err != nil || !okA || !okB || a.Images != b.Images || len(a.Labels) != len(b.Labels) {
			return nil, err
		}
		m := &McNemar{}
		for i := range a.Labels {
			switch {
			case !a.Read(i) || !b.Read(i):
			case a.Right(i) && !b.Right(i):
				m.OnlyBase++
			case b.Right(i) && !a.Right(i):
				m.OnlyRow++
			}
		}
		m.P = statistics.McNemar(m.OnlyBase, m.OnlyRow)
		return m, nil
	}
	return nil, nil
}

// answers reads what a run's validation after so many steps made of each image.
func answers(dir string, steps int) (report.Answers, bool, error) {
	a, ok, err := report.ReadAnswers(filepath.Join(dir, rundir.Predictions))
	return a, ok && a.Step == steps, err
}

// least returns the fewest seeds with which the rule could call any row
// different, and the number of comparisons.
func (r *Result) least() (seeds, comparisons int) {
	for _, row := range r.Rows {
		if row.Base != "" {
			comparisons++
		}
	}
	return statistics.LeastPairs(Level / float64(max(1, comparisons))), comparisons
}
