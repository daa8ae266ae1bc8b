package ablate

import (
	"fmt"
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

// row returns the row of a name, nil if there is none.
func (r *Result) row(name string) *RowResult {
	for i := range r.Rows {
		if r.Rows[i].Name == name {
			return &r.Rows[i]
		}
	}
	return nil
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
func (c Comparison) Word() string {
	if c.Verdict == Same {
		return fmt.Sprintf("no larger than %.2f", 100**c.Difference.Bound)
	}
	return string(c.Verdict)
}

// mcNemar compares the only run of a row with that of its base; nil if their
// predictions are not there, or of other images.
func (r *Result) mcNemar(row *RowResult) (*McNemar, error) {
	base := r.row(row.Base)
	for s := range min(len(row.Runs), len(base.Runs)) {
		if row.Runs[s].State != Done || base.Runs[s].State != Done {
			continue
		}
		a, okA, err := r.answers(base.Runs[s])
		if err != nil {
			return nil, err
		}
		b, okB, err := r.answers(row.Runs[s])
		if err != nil || !okA || !okB || a.Images != b.Images || len(a.Labels) != len(b.Labels) {
			return nil, err
		}
		n, _ := a.Pair(b)
		return &McNemar{n.OnlyFirst, n.OnlySecond, statistics.McNemar(n.OnlyFirst, n.OnlySecond)}, nil
	}
	return nil, nil
}

// answers reads what a run made of each image that rows are compared by: in its
// last validation, or its test.
func (r *Result) answers(o Outcome) (report.Answers, bool, error) {
	dir := filepath.Join(r.Dir, o.Run)
	if o.Test != nil {
		t, err := readTest(dir)
		if t == nil {
			return report.Answers{}, false, err
		}
		return t.Answers, true, err
	}
	a, ok, err := report.ReadAnswers(filepath.Join(dir, rundir.Predictions))
	return a, ok && a.Step == o.Steps, err
}

// least returns the fewest seeds with which the rule could call any row
// different, and the number of comparisons.
func (r *Result) least() (seeds, tests int) {
	comparisons, level := len(r.contrasts()), Level
	if len(r.Rule.Looks) > 0 {
		level = r.Rule.Looks[0].Level
	}
	return statistics.LeastPairs(level / float64(max(1, comparisons))), comparisons
}
