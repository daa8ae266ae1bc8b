package ablate

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/statistics"
)

const threeIdeas = `
set: {train.epochs: 1}
ideas:
  - {name: smooth, title: smoothing, with: {label_smoothing: 0.1}, without: {label_smoothing: 0}}
  - {name: fast, with: {optimizer.lr: 0.05}}
  - {name: calm, with: {optimizer.momentum: 0.8}, without: {optimizer.momentum: 0.9}}
`

func ideas(t *testing.T, text, design string) Suite {
	t.Helper()
	s, err := parse("three", "three.yaml", []byte(text))
	if err == nil {
		s, err = s.Choose(design)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestADesignMakesRowsOfIdeas(t *testing.T) {
	for design, want := range map[string][]string{
		"":        {"full -", "no-smooth full", "no-fast full", "no-calm full"},
		"add-one": {"bare -", "smooth bare", "fast bare", "calm bare"},
		"ladder":  {"bare -", "smooth bare", "no-calm smooth", "full no-calm"},
		"factorial": {"bare -", "smooth -", "fast -", "no-calm -", "calm -", "no-fast -", "no-smooth -",
			"full -"},
	} {
		s := ideas(t, threeIdeas, design)
		var rows []string
		for _, c := range s.changes(false) {
			base := c.base
			if base == "" {
				base = "-"
			}
			rows = append(rows, c.Name+" "+base)
			// A row has the settings of its ideas, and of those that it lacks.
			resolved, err := config.Load(config.Sources{Path: "v3", Env: []string{}, Over: c.all()})
			if err != nil {
				t.Fatal(err)
			}
			smooth := resolved.LabelSmoothing.Epsilon == 0.1
			calm := resolved.Optimizer.Momentum == 0.8
			if smooth != (c.ideas&1 != 0) || calm != (c.ideas&4 != 0) || resolved.Train.Epochs != 1 {
				t.Errorf("%s: row %s has smoothing %g and momentum %g", design, c.Name, resolved.LabelSmoothing.Epsilon,
					resolved.Optimizer.Momentum)
			}
		}
		if !slices.Equal(rows, want) {
			t.Errorf("%s has rows %q, want %q", design, rows, want)
		}
	}
}

func TestDesignErrorsSayWhatToDo(t *testing.T) {
	for text, want := range map[string]string{
		"rows: [{name: a}]\ndesign: ladder\n":                         "design, bare and full belong to a list of ideas",
		threeIdeas + "rows: [{name: a}]\n":                            "has rows and ideas",
		threeIdeas + "baselines: [{name: a}]":                         "has ideas and baselines",
		threeIdeas + "design: leave-on-out\n":                         `"leave-on-out" is unknown; did you mean leave-one-out?`,
		"ideas: [{name: a}]\n":                                        "s.yaml:1: idea a changes nothing",
		"ideas: {a: b}\n":                                             "s.yaml:1: must be a list of ideas",
		"ideas: [{name: A, with: {train.epochs: 1}}]\n":               "an idea's name consists of",
		"ideas: [{name: a, wit: {train.epochs: 1}}]\n":                `unknown key "wit" in an idea; did you mean with?`,
		"ideas: [{name: a, with: {x: 1}}, {name: a, with: {x: 2}}]\n": `are called "a"`,
		"ideas: [{name: bare, with: {x: 1}}, {name: c, with: {x: 1}}, {name: d, with: {x: 1}}]\n": `are called "bare"`,
	} {
		_, err := parse("s", "s.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want one line with %q", text, err, want)
		}
	}
	rows, err := parse("s", "s.yaml", []byte(twoRows))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rows.Choose("ladder"); err == nil || !strings.Contains(err.Error(), "--design: suite s lists rows") {
		t.Errorf("rows with a design: %v", err)
	}
	five := "ideas:\n"
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		five += "  - {name: " + name + ", with: {x: 1}}\n"
	}
	if _, err := ideas(t, five, "ladder").Choose("factorial"); err == nil || !strings.Contains(err.Error(), "at most 4 ideas") {
		t.Errorf("a factorial of five ideas: %v", err)
	}
}

// Errors that are a sum of what each idea and each pair changes give back just
// that, whatever a seed adds to all rows.
func TestEffectsAreFound(t *testing.T) {
	p, err := Prepare(Options{Suite: ideas(t, threeIdeas, "factorial"), Base: tinyBase(t), Seeds: 8})
	if err != nil {
		t.Fatal(err)
	}
	r := &Result{Seeds: []uint64{1, 2, 3, 4, 5, 6, 7, 8}, Classes: 10,
		Rule: statistics.Rule{Level: Level, Margin: 0.005, Looks: []statistics.Look{{Pairs: 8, Level: Level}}}}
	empty := p.empty("")
	r.Rows, r.Effects = empty.Rows, empty.Effects
	for i, row := range p.rows {
		has := func(k int) float64 { return float64(row.ideas >> k & 1) }
		for s := range r.Seeds {
			noise := 0.01 * math.Sin(float64(7*s+1))
			e := 0.3 + noise - 0.02*has(0) + 0.01*has(1) + 0.008*has(0)*has(2) + 1e-4*math.Sin(float64(i+3*s))
			r.Rows[i].Runs = append(r.Rows[i].Runs, Outcome{State: Done, Top1: 1 - e})
		}
	}
	if err := r.summarise(); err != nil {
		t.Fatal(err)
	}
	// With and without, over the others: half of a pair's part is in each main effect.
	want := map[string]float64{"smooth": -0.02 + 0.004, "fast": 0.01, "calm": 0.004, "smooth_fast": 0, "smooth_calm": 0.004,
		"fast_calm": 0}
	for _, e := range r.Effects {
		if got := *e.Difference.Mean; math.Abs(got-want[e.Name]) > 2e-4 {
			t.Errorf("%s is %g, want %g", e.Name, got, want[e.Name])
		}
		delete(want, e.Name)
		if e.Name == "smooth" && e.Verdict != Better || e.Name == "fast" && e.Verdict != Worse ||
			e.Name == "fast_calm" && e.Verdict != Same {
			t.Errorf("%s is %s: %+v", e.Name, e.Verdict, e.Difference)
		}
	}
	if len(want) > 0 {
		t.Errorf("there is no effect of %v", want)
	}
	if least, n := r.least(); n != 6 || least != 8 {
		t.Errorf("%d comparisons need %d seeds", n, least)
	}
	var text strings.Builder
	if err := r.WriteText(&text, 0); err != nil || !strings.Contains(text.String(), "\neffect ") ||
		!strings.Contains(text.String(), "smoothing with calm") || strings.Contains(text.String(), "beats base") {
		t.Errorf("the table is\n%s(%v)", text.String(), err)
	}
	if caption := r.Caption(); !strings.Contains(caption, "the rows with an idea less that of those without") {
		t.Errorf("the caption is %s", caption)
	}
}

// Two designs in one folder share the runs that they have in common.
func TestDesignsShareRuns(t *testing.T) {
	dir := t.TempDir()
	run := func(design string) []string {
		p, err := Prepare(Options{Suite: ideas(t, threeIdeas, design), Base: tinyBase(t), Seeds: 1})
		if err != nil {
			t.Fatal(err)
		}
		l := listening()
		if _, err := p.Run(context.Background(), dir, l.progress()); err != nil {
			t.Fatal(err)
		}
		return l.began
	}
	if got := run("add-one"); len(got) != 4 {
		t.Errorf("add-one runs %v", got)
	}
	if got, want := run("ladder"), []string{"no-calm/seed-1", "full/seed-1"}; !slices.Equal(got, want) {
		t.Errorf("after it, the ladder runs %v, want %v", got, want)
	}
}
