package ablate

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/statistics"
)

var update = flag.Bool("update", false, "write the golden files anew")

// example is a half-finished ablation: one row is done, one has started, one has
// diverged, and one has not started.
func example() *Result {
	done := func(seed uint64, top1, top5 float64) Outcome {
		return Outcome{Seed: seed, Run: fmt.Sprintf("a/seed-%d", seed), State: Done, Steps: 600, Top1: top1, Top5: top5,
			Loss: 1.25, Seconds: 3600 + 300*float64(seed), ImagesPerS: 512}
	}
	r := &Result{Suite: "ladder", Config: "cifar10-ladder", Dir: "runs/x", Seeds: []uint64{1, 2, 3}, Classes: 10,
		ValImages: 10000, Rows: []RowResult{
			{Name: "a", Title: "Inception V2", Change: "SGD | hard labels", Settings: []string{"optimizer.name=sgd"},
				Params: 1466394, ParamsWithAux: 1480868, MACs: 33750000, InputSize: 32,
				Paper: PaperError{Size: 299, Top1: known(0.234), Ops: known(3.8)}, Runs: []Outcome{done(1, 0.78, 0.98), done(2, 0.80, 0.99),
					done(3, 0.79, 0.985)}},
			{Name: "b", Title: "+ RMSProp", Change: "optimizer", Params: 1466394, ParamsWithAux: 1480868, MACs: 33750000,
				InputSize: 32, Paper: PaperError{299, known(0.231), known(0.063), known(3.8)}, Runs: []Outcome{done(1, 0.81, 0.99),
					{Seed: 2, Run: "b/seed-2", State: Pending}, {Seed: 3, Run: "b/seed-3", State: Failed,
						Error: "training diverged: <loss>"}}},
			{Name: "c", Title: "wild", Change: "a rate of 1000", Params: 1466394, ParamsWithAux: 1480868, MACs: 33750000,
				InputSize: 32, Runs: []Outcome{{Seed: 1, State: Failed}, {Seed: 2, State: Failed}, {Seed: 3, State: Failed}}},
			{Name: "d", Title: "to come", InputSize: 32, Runs: []Outcome{{Seed: 1, State: Pending}, {Seed: 2, State: Pending},
				{Seed: 3, State: Pending}}},
		}}
	for i := range r.Rows[1:] {
		r.Rows[i+1].Base = "a"
	}
	r.schedule = schedule{Looks: []statistics.Look{{Pairs: 3, Level: Level}}}
	r.Rule = statistics.Rule{Level: Level, Margin: 0.005, Looks: r.schedule.Looks}
	if err := r.summarise(); err != nil {
		panic(err)
	}
	return r
}

func TestTablesSayWhatIsKnown(t *testing.T) {
	few := example()
	few.Classes, few.Seeds = 5, few.Seeds[:1]
	for i := range few.Rows {
		few.Rows[i].Paper, few.Rows[i].Runs = PaperError{}, few.Rows[i].Runs[:1]
	}
	if err := few.summarise(); err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"table.txt":  func(w io.Writer) error { return example().WriteText(w, 0) },
		"narrow.txt": func(w io.Writer) error { return example().WriteText(w, 100) },
		"table.md":   example().writeMarkdown, "table.csv": example().writeCSV,
		"few.md": few.writeMarkdown, "told.md": told().writeMarkdown, "told.json": told().writeJSON,
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil || b.String() != string(want) {
			t.Errorf("%s is not as before (%v); with go test -update it would be\n%s", path, err, b.String())
		}
	}
}

// The paper's 1.5 and 2.0 billion operations are those of 224 pixels; every
// caption says at which size its figures are.
func TestCaptionsSayAtWhichSizeFiguresAre(t *testing.T) {
	for _, c := range []struct {
		suite     string
		baselines bool
		sizes     []int // of the rows; the last one's also of those after it
		want      []string
		not       string
	}{
		{"ladder", true, []int{299}, []string{"for one image of 299x299.", "1000 classes, at 299x299 pixels, " +
			"of BN-GoogLeNet and BN-Inception at 224x224; operations counted at another size than the row's " +
			"cannot be compared with its GMAC."}, ""},
		{"ladder", true, []int{224, 224, 299}, []string{"for one image of the row's own size.",
			"of BN-GoogLeNet and BN-Inception at 224x224."}, "cannot be compared"},
		{"ladder", false, []int{299}, []string{"for one image of 299x299.", "at 299x299 pixels."}, "224"},
		{"ladder", false, []int{32}, []string{"for one image of 32x32.", "at 299x299 pixels; operations counted"}, "224"},
		{"lowres", false, []int{299, 151, 79}, []string{"for one image of the row's own size.",
			"at 299x299 pixels, of 151 px at 151x151, of 79 px at 79x79."}, "cannot be compared"},
		{"principles", false, []int{96}, []string{"for one image of 96x96."}, "The paper's figures"},
	} {
		s, err := ReadSuite(c.suite)
		if err != nil {
			t.Fatal(err)
		}
		r := Result{Suite: c.suite, Seeds: []uint64{1}, Classes: 1000}
		for i, row := range s.changes(c.baselines) {
			r.Rows = append(r.Rows, RowResult{Title: row.Title, Paper: row.Paper.fractions(),
				InputSize: c.sizes[min(i, len(c.sizes)-1)]})
		}
		caption := r.Caption()
		for _, want := range c.want {
			if !strings.Contains(caption, want) {
				t.Errorf("%s at %v: the caption lacks %q: %s", c.suite, c.sizes, want, caption)
			}
		}
		if c.not != "" && strings.Contains(caption, c.not) {
			t.Errorf("%s at %v: the caption has %q: %s", c.suite, c.sizes, c.not, caption)
		}
	}
}

func TestSpreadIsMeanAndSampleDeviation(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{0.25}, Spread{1, 0.25, 0}},
		{[]float64{1, 2, 3, 4}, Spread{4, 2.5, math.Sqrt(5. / 3)}},
	} {
		got := spreadOf(c.values)
		if got.N != c.want.N || math.Abs(got.Mean-c.want.Mean) > 1e-15 || math.Abs(got.Std-c.want.Std) > 1e-15 {
			t.Errorf("%v gives %+v, want %+v", c.values, got, c.want)
		}
	}
}

func TestTheTimeLeftFollowsFromFinishedRuns(t *testing.T) {
	r := example()
	// a: 4200 s per run, b: 3900 s with one run left, d: three runs of their mean.
	if left, want := r.left().Seconds(), 3900+3*(4200+3900)/2.; math.Abs(left-want) > 1e-3 {
		t.Errorf("%g s left, want %g", left, want)
	}
}

func TestALineAfterARunSaysHowItEndedAndWhatIsLeft(t *testing.T) {
	r := example()
	for want, o := range map[string]*Outcome{
		"a, seed 2: top-1 error 20.00%; 8 of 12 runs done, about 2h": &r.Rows[0].Runs[1],
		"a, seed 3: diverged; 8 of 12 runs done, about 2h":           &r.Rows[1].Runs[2],
	} {
		if got := r.line("a", o, 2); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " left") {
			t.Errorf("says %q, want %q", got, want)
		}
	}
	done := told()
	if got, want := done.line("a", &done.Rows[0].Runs[0], 1), "a, seed 1: top-1 error 21.00%; 40 of 40 runs done"; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
}

func TestTheReportsCommandsCanBeTyped(t *testing.T) {
	r := Result{Rows: []RowResult{{Runs: []Outcome{{Run: "other/seed-1"}, {Run: "no pool/seed-1", State: Done}}}}}
	if got, want := r.again(), "inception train --config 'no pool/seed-1/config.yaml' --out again"; got != want {
		t.Errorf("the command is %s, want %s", got, want)
	}
}

func TestTheReportStandsAloneAndEscapes(t *testing.T) {
	plan := prepared(t, twoRows, 1)
	r := example()
	var b strings.Builder
	if err := r.writeHTML(&b, plan); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, want := range []string{"<svg", `href="a/seed-1/report.html"`, "training diverged: &lt;loss&gt;", "20.00",
		"4 of 12 runs", "4 diverged", "variant: v3",
		"<small>4 rows, 3 seeds each; 4 diverged; about"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, outside := range []string{"http://", "https://", "<script src", "<?xml"} {
		if i := strings.Index(page, outside); i >= 0 && !strings.Contains(page[max(0, i-40):i], "xmlns") {
			t.Errorf("the page has %s: %s", outside, page[max(0, i-40):i+60])
		}
	}
}
