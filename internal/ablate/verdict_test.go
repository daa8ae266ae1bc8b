package ablate

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/statistics"
)

// ablation returns a finished result whose rows, the first of which is the base
// of the others, have these errors by seed; a NaN has diverged, a negative one
// has not run.
func ablation(rule statistics.Rule, errors ...[]float64) *Result {
	r := &Result{Suite: "some", Config: "base", Dir: "nowhere", Classes: 10, ValImages: 1000, Rule: rule,
		schedule: schedule{Looks: rule.Looks}}
	for i := range errors[0] {
		r.Seeds = append(r.Seeds, uint64(i+1))
	}
	for i, row := range errors {
		out := RowResult{Name: fmt.Sprintf("row%d", i), Title: fmt.Sprintf("Row %d", i), InputSize: 32}
		if i > 0 {
			out.Base = "row0"
		}
		for s, e := range row {
			o := Outcome{Seed: uint64(s + 1), State: Done, Top1: 1 - e, Top5: 1 - e/2, Seconds: 60, ImagesPerS: 100}
			switch {
			case math.IsNaN(e):
				o = Outcome{Seed: o.Seed, State: Failed}
			case e < 0:
				o = Outcome{Seed: o.Seed, State: Pending}
			}
			out.Runs = append(out.Runs, o)
		}
		r.Rows = append(r.Rows, out)
	}
	if err := r.summarise(); err != nil {
		panic(err)
	}
	return r
}

// told is an ablation of eight seeds with one row of each verdict.
func told() *Result {
	base := []float64{0.21, 0.2125, 0.208, 0.215, 0.209, 0.211, 0.2105, 0.2135}
	shifted := func(by ...float64) (row []float64) {
		for i, e := range base {
			row = append(row, e+by[i%len(by)])
		}
		return row
	}
	rule := statistics.Rule{Level: Level, Margin: 0.005, Looks: []statistics.Look{{Pairs: 8, Level: Level}}}
	return ablation(rule, base, shifted(-0.012, -0.015, -0.011), shifted(0.02, 0.03), shifted(0.001, -0.001, 0.002, -0.002),
		shifted(0.03, -0.03, 0.02, -0.01))
}

func TestEachRowHasItsVerdict(t *testing.T) {
	r := told()
	for i, want := range []string{"", "better", "worse", "no larger than 0.20", "cannot tell"} {
		if got := r.Rows[i].Word(); got != want {
			t.Errorf("row %d is %q, want %q (%+v)", i, got, want, r.Rows[i].Difference)
		}
	}
	d := r.Rows[1].Difference
	if *d.P != 2./256 || math.Abs(*d.PHolm-4*2./256) > 1e-15 || *d.Better != 1 || d.Pairs != 8 {
		t.Errorf("the better row has p %g, Holm's %g, beats %g, of %d pairs", *d.P, *d.PHolm, *d.Better, d.Pairs)
	}
	if !(*d.Low < *d.Mean && *d.Mean < *d.High && *d.High < -0.01) {
		t.Errorf("its interval is %g to %g around %g", *d.Low, *d.High, *d.Mean)
	}
}

// Six seeds are enough for one comparison and too few for four.
func TestFewSeedsCannotTell(t *testing.T) {
	base := []float64{0.2, 0.21, 0.2, 0.21, 0.2, 0.21}
	less := []float64{0.1, 0.11, 0.11, 0.1, 0.1, 0.1}
	rule := func(n int) statistics.Rule {
		return statistics.Rule{Level: Level, Margin: 0.005, Looks: []statistics.Look{{Pairs: n, Level: Level}}}
	}
	for _, c := range []struct {
		seeds, rows int
		want        Verdict
		caption     string
	}{
		{5, 1, CannotTell, "With 1 comparison and 5 seeds no difference can be told from chance: that takes at least 6 seeds."},
		{6, 1, Better, ""}, {6, 4, CannotTell, "With 4 comparisons and 6 seeds no difference"},
	} {
		errors := [][]float64{base[:c.seeds]}
		for range c.rows {
			errors = append(errors, less[:c.seeds])
		}
		r := ablation(rule(c.seeds), errors...)
		if got := r.Rows[1].Verdict; got != c.want {
			t.Errorf("%d seeds, %d comparisons: %s, want %s", c.seeds, c.rows, got, c.want)
		}
		if caption := r.Caption(); !strings.Contains(caption, c.caption) ||
			c.caption == "" && strings.Contains(caption, "no difference can be told") {
			t.Errorf("%d seeds, %d comparisons: the caption is %s", c.seeds, c.rows, caption)
		}
	}
}

// A look is taken when its seeds are there, not before; a seed that has
// diverged counts as one that is there.
func TestVerdictsWaitForTheirLook(t *testing.T) {
	rule := statistics.Rule{Level: Level, Margin: 0.005, Looks: []statistics.Look{{Pairs: 8, Level: Level}}}
	base := []float64{0.2, 0.21, 0.2, 0.21, 0.2, 0.21, 0.2, 0.21}
	row := []float64{0.1, 0.11, 0.11, 0.1, 0.1, 0.1, 0.1, -1}
	r := ablation(rule, base, row)
	if d := r.Rows[1].Difference; r.Rows[1].Verdict != CannotTell || d.Pairs != 7 || d.PHolm != nil || *d.P != 2./128 {
		t.Errorf("before the look: %s, %+v", r.Rows[1].Verdict, d)
	}
	row[7] = math.NaN()
	if r = ablation(rule, base, row); r.Rows[1].Verdict != Better || r.Rows[1].Difference.Pairs != 7 {
		t.Errorf("with the last seed diverged: %s", r.Rows[1].Verdict)
	}
}

func TestSeedsAddedAfterALookAreSaid(t *testing.T) {
	dir := t.TempDir()
	plan := prepared(t, twoRows, 6)
	s, err := plan.schedule(dir)
	if err != nil || len(s.Looks) != 1 || s.Looks[0].Pairs != 6 {
		t.Fatalf("the looks are %+v (%v)", s, err)
	}
	write := func(s schedule) {
		if err := s.write(dir); err != nil {
			t.Fatal(err)
		}
	}
	write(s)
	// Nothing was looked at yet: more seeds are another plan.
	if s, err = prepared(t, twoRows, 8).schedule(dir); err != nil || len(s.Looks) != 1 || s.Looks[0].Pairs != 8 {
		t.Errorf("before the look, the looks become %+v (%v)", s, err)
	}
	s.Taken = 1
	write(s)
	if s, err = prepared(t, twoRows, 12).schedule(dir); err != nil || len(s.Looks) != 2 || s.Looks[1].Pairs != 12 || s.spent() != 0.1 {
		t.Errorf("after it, they are %+v (%v)", s, err)
	}
	if s, err = prepared(t, twoRows, 4).schedule(dir); err != nil || len(s.Looks) != 1 || s.Looks[0].Pairs != 8 {
		t.Errorf("with fewer seeds, they are %+v (%v)", s, err)
	}
	r := told()
	r.schedule = schedule{Looks: []statistics.Look{{Pairs: 6, Level: Level}, {Pairs: 8, Level: Level}}}
	if !strings.Contains(r.Caption(), "in up to 10% of the cases instead of 5%") {
		t.Errorf("the caption says nothing of it: %s", r.Caption())
	}
	for text, want := range map[string]string{
		"{": "unexpected end", `{"looks":[{"pairs":0,"level":0.05}]}`: "makes no sense",
		`{"looks":[{"pairs":9,"level":0.05},{"pairs":8,"level":0.01}]}`: "look 2 makes no sense",
		`{"looks":[{"pairs":9,"level":0.5}]}`:                           "at level 0.5",
	} {
		if err := os.WriteFile(filepath.Join(dir, scheduleFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := plan.schedule(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", text, err, want)
		}
	}
}

// Two single runs are compared image by image.
func TestSingleRunsAreComparedByMcNemar(t *testing.T) {
	dir := t.TempDir()
	r, err := prepared(t, twoRows, 1).Run(context.Background(), dir, listening().progress())
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Rows[1].Difference.McNemar; m == nil || m.P <= 0 || m.P > 1 {
		t.Fatalf("McNemar's test is %+v", m)
	}
	for i, predicted := range [][]int{{0, 0, 0, 0, 0, 0, 1, 1, -1}, {1, 1, 1, 1, 1, 1, 0, 1, 0}} {
		path := filepath.Join(dir, r.Rows[i].Runs[0].Run, rundir.Predictions)
		a, ok, err := report.ReadAnswers(path)
		if err != nil || !ok || a.Step != 6 || len(a.Labels) != 12 {
			t.Fatalf("predictions are %+v (%v, %v)", a, ok, err)
		}
		a.Labels, a.Predicted = make([]int, 9), predicted
		if err := a.Write(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.summarise(); err != nil {
		t.Fatal(err)
	}
	if m := r.Rows[1].Difference.McNemar; *m != (McNemar{6, 1, statistics.McNemar(6, 1)}) {
		t.Errorf("McNemar's test is %+v", m)
	}
	if r.Rows[1].Verdict != CannotTell {
		t.Errorf("one seed gives the verdict %s", r.Rows[1].Verdict)
	}
}
