package ablate

import (
	"errors"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/statistics"
)

// Needs says how many seeds a difference needs to be found in 80% of the cases.
type Needs struct {
	Difference float64    `json:"difference"` // of errors, a fraction of 1
	Level      float64    `json:"level"`      // of each comparison, after Holm's correction at its strictest
	Rows       []RowNeeds `json:"rows"`
}

// RowNeeds is a row with the seeds that it needs.
type RowNeeds struct {
	Name      string   `json:"name"`
	Title     string   `json:"title"`
	Base      string   `json:"base,omitempty"` // none for an effect
	Pairs     int      `json:"pairs"`          // that the spread is of
	Deviation *float64 `json:"std"`            // of a seed's difference; null of fewer than two
	Seeds     int      `json:"seeds"`          // 0 if that is unknown, or more than statistics.MostPairs
	Seconds   float64  `json:"time_s"`
}

// Needs returns the seeds that a difference needs, from the spread of the runs
// in dir.
func (p *Plan) Needs(dir string, difference float64) (*Needs, error) {
	if !(difference > 0 && difference < 1) {
		return nil, fmt.Errorf("--power: must be more than 0 and less than 100 points, is %g", 100*difference)
	}
	r, err := p.collect(dir)
	if err != nil {
		return nil, err
	}
	r.average()
	n := &Needs{Difference: difference, Level: Level / float64(max(1, p.comparisons()))}
	known := false
	for i, c := range r.contrasts() {
		need := RowNeeds{}
		if c.row != nil {
			need = RowNeeds{Name: c.row.Name, Title: c.row.Title, Base: r.Rows[c.rows[0]].Title}
		} else {
			e := r.Effects[i+len(r.Effects)-p.comparisons()]
			need = RowNeeds{Name: e.Name, Title: e.Title}
		}
		var values []float64
		for _, d := range r.differences(c) {
			if !math.IsNaN(d) {
				values = append(values, d)
			}
		}
		if need.Pairs = len(values); need.Pairs > 1 {
			known = true
			need.Deviation = report.Number(statistics.Deviation(values))
			effect := difference / max(*need.Deviation, difference/100)
			if seeds := statistics.NeededPairs(effect, n.Level, power); seeds <= statistics.MostPairs {
				need.Seeds = seeds
				for _, row := range c.rows {
					of := r.Rows[row].Seconds
					need.Seconds += of.Mean * float64(max(0, seeds-of.N))
				}
			}
		}
		n.Rows = append(n.Rows, need)
	}
	if !known {
		return nil, errors.New("--power: no spread is known yet: --out must name a folder in which rows have two seeds " +
			"or more; begin with --seeds 3")
	}
	return n, nil
}

// WriteText writes the needs for a terminal.
func (n *Needs) WriteText(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "row\tbase\tseeds so far\tstd of a difference, points\tseeds needed\ttime still needed")
	for _, r := range n.Rows {
		spread, seeds, time := none, none, none
		if r.Deviation != nil {
			spread, seeds = fmt.Sprintf("%.2f", 100**r.Deviation), fmt.Sprintf("more than %d", statistics.MostPairs)
		}
		if r.Seeds > 0 {
			seeds, time = fmt.Sprint(r.Seeds), duration(r.Seconds)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%s\t%s\n", r.Title, r.Base, r.Pairs, spread, seeds, time)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w,
		"for a difference of %.3g points to be found in %.0f%% of the cases, at level %.2g for each of %s; "+
			"the spread of few seeds is itself uncertain\n", 100*n.Difference, 100*power, n.Level, count(len(n.Rows),
			"comparison"))
	return err
}
