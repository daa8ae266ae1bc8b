package ablate

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestLaTeXIsWholeAndEscaped(t *testing.T) {
	var b strings.Builder
	if err := example().writeLaTeX(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"\\toprule\n", "\\bottomrule\n", "top-1 error, \\%", "21.00 $\\pm$ 1.00", "\\label{tab:ladder}"} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	for _, c := range [][2]string{{"-", "--"}, {"-1.29 [-1.45, -1.10]", "$-$1.29 [$-$1.45, $-$1.10]"},
		{`50% & a_b {x} $1 #2 \n ~ ^`, `50\% \& a\_b \{x\} \$1 \#2 \textbackslash{}n \textasciitilde{} \textasciicircum{}`},
		{"<0.0001", "$<$0.0001"}, {"one-way", "one-way"}} {
		if got := escapeLaTeX(c[0]); got != c[1] {
			t.Errorf("%q becomes %q, want %q", c[0], got, c[1])
		}
	}
	if n := strings.Count(text, "\\begin{"); n != strings.Count(text, "\\end{") || n != 2 {
		t.Errorf("%d environments begin", n)
	}
}

func TestPlotsComeInEveryFormat(t *testing.T) {
	for format, begins := range map[string]string{"svg": "<?xml", "png": "\x89PNG", "pdf": "%PDF-"} {
		for name, write := range map[string]func(io.Writer, string) error{"forest": told().writeForest,
			"forest of nothing": (&Result{Rows: []RowResult{{Name: "a"}, {Name: "b", Base: "a"}}}).writeForest} {
			var b bytes.Buffer
			if err := write(&b, format); err != nil || !strings.HasPrefix(b.String(), begins) {
				t.Errorf("%s as %s: %v, %.20q", name, format, err, b.String())
			}
		}
	}
}

func TestThePageShowsWhatRowsDifferIn(t *testing.T) {
	plan := prepared(t, twoRows, 1)
	differ := plan.settings()
	if len(differ) != 1 || differ[0].Key != "label_smoothing.epsilon" || strings.Join(differ[0].Values, " ") != "0 0.1" {
		t.Errorf("the rows differ in %+v", differ)
	}
	r := told()
	if brief := r.brief(); len(brief.Columns) != 5 || brief.Cells[1][4] != "better" {
		t.Errorf("the table of verdicts is %+v", brief.Cells)
	}
	var b strings.Builder
	if err := r.writeHTML(&b, plan); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"no larger than 0.20", "prefers-color-scheme: dark", "@media print", "width=device-width",
		"label_smoothing.epsilon", "left of 0 is better", "a line for each seed"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}
