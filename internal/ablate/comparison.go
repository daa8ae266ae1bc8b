package ablate

import (
	"math"
	"slices"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/statistics"
)

// Comparison is a difference with its verdict.
type Comparison struct {
	Difference *Difference `json:"difference"` // null for a row without a base
	Verdict    Verdict     `json:"verdict,omitempty"`

	test statistics.Test
}

// Effect is what an idea changes over all combinations of the others, or what
// two ideas change together beyond what each does.
type Effect struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Comparison

	weights []float64 // of the rows
}

// contrast is a sum of rows' errors, each with a weight: what a comparison is
// of.
type contrast struct {
	rows    []int
	weights []float64
	to      *Comparison
	row     *RowResult // that is compared with its base; nil for an effect
	title   string     // of the row or the effect
}

// contrasts lists all comparisons: they are the family that Holm's procedure
// corrects for.
func (r *Result) contrasts() (all []contrast) {
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Base == "" {
			continue
		}
		base := slices.IndexFunc(r.Rows, func(o RowResult) bool { return o.Name == row.Base })
		all = append(all, contrast{[]int{base, i}, []float64{-1, 1}, &row.Comparison, row, row.Title})
	}
	for i := range r.Effects {
		e := &r.Effects[i]
		c := contrast{weights: e.weights, to: &e.Comparison, title: e.Title}
		for row := range r.Rows {
			c.rows = append(c.rows, row)
		}
		all = append(all, c)
	}
	return all
}

// differences lists a contrast's values seed by seed, up to the first seed that
// one of its rows still has to run; NaN where one has diverged.
func (r *Result) differences(c contrast) (all []float64) {
	for s := 0; ; s++ {
		sum := 0.0
		for i, row := range c.rows {
			runs := r.Rows[row].Runs
			switch {
			case s >= len(runs) || runs[s].State == Pending:
				return all
			case runs[s].State == Failed:
				sum = math.NaN()
			default:
				sum += c.weights[i] * runs[s].error()
			}
		}
		all = append(all, sum)
	}
}

// decide takes the looks that the runs allow, and returns the comparisons with
// their differences.
func (r *Result) decide() (all []contrast, family [][]float64) {
	all = r.contrasts()
	for _, c := range all {
		family = append(family, r.differences(c))
	}
	for i, test := range statistics.Decide(family, r.Rule) {
		all[i].to.test = test
	}
	return all, family
}

// judge makes all comparisons, by the rule.
func (r *Result) judge() error {
	all, family := r.decide()
	for i, c := range all {
		c.to.Difference = r.difference(c, family[i])
		c.to.Verdict = verdict(c.to.Difference, c.to.test)
		if c.row == nil || c.to.Difference.Pairs != 1 {
			continue
		}
		var err error
		if c.to.Difference.McNemar, err = r.mcNemar(c.row); err != nil {
			return err
		}
	}
	return nil
}

// difference describes a contrast's values: those that the test has seen at its
// last look, before the first look all.
func (r *Result) difference(c contrast, all []float64) *Difference {
	test := c.to.test
	if test.Looks > 0 {
		all = all[:test.Pairs]
	}
	d := &Difference{}
	var ours, theirs []float64 // of a row and its base
	for s, v := range all {
		if math.IsNaN(v) {
			continue
		}
		d.values = append(d.values, v)
		if c.row != nil {
			ours, theirs = append(ours, c.row.Runs[s].error()), append(theirs, r.Rows[c.rows[0]].Runs[s].error())
		}
	}
	if d.Pairs = len(d.values); d.Pairs == 0 {
		return d
	}
	d.Mean, d.Better = report.Number(statistics.Mean(d.values)), report.Number(statistics.Beats(ours, theirs))
	if d.Pairs == 1 {
		return d
	}
	low, high := statistics.BCa(d.values, confidence)
	d.Low, d.High, d.P = report.Number(low), report.Number(high), report.Number(statistics.SignFlip(d.values))
	d.Deviation = report.Number(statistics.Deviation(d.values))
	if test.Looks > 0 {
		d.PHolm, d.Bound = report.Number(test.Holm), report.Number(statistics.Bound(d.values, test.Level))
		d.Detectable = report.Number(*d.Deviation * statistics.Detectable(d.Pairs, test.Level, power))
	}
	return d
}
