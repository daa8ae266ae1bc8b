package compare

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/rundir"
)

const data = "shapes:?train=24&val=40&size=32"

// folder writes the folder of a run whose last validation was wrong for some
// images.
func folder(t *testing.T, name, set string, wrong func(i int) bool) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Sources{Path: "quickstart", Env: []string{}, Set: []string{"data.train=" + data, set}})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := dataset.OpenTraining(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	a := report.Answers{Step: 20, Images: dataset.Fingerprint(opened.Val), Classes: opened.Val.Classes()}
	right := 0
	for i := range opened.Val.Len() {
		label := opened.Val.Label(i)
		predicted := label
		if wrong(i) {
			predicted = (label + 1) % len(a.Classes)
		} else {
			right++
		}
		a.Labels, a.Predicted = append(a.Labels, label), append(a.Predicted, predicted)
	}
	if err := a.Write(filepath.Join(dir, rundir.Predictions)); err != nil {
		t.Fatal(err)
	}
	m, err := report.OpenMetrics(filepath.Join(dir, rundir.Metrics))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, line := range []report.Line{{Step: 10, Epoch: 1, Split: "train", Loss: 2}, {Step: 10, Epoch: 1, Split: "val", Loss: 2, Top1: 0.2, ElapsedS: 90},
		{Step: 20, Epoch: 2, Split: "train", Loss: 1}, {Step: 20, Epoch: 2, Split: "val", Loss: 1, ElapsedS: 150,
			Top1: float64(right) / float64(len(a.Labels)), Top5: 1}} {
		if err := m.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, rundir.Config), c.Absolute().YAML(), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRunsAreComparedImageByImage(t *testing.T) {
	a := folder(t, "a", "optimizer.lr=0.1", func(i int) bool { return i < 12 })
	b := folder(t, "b", "optimizer.lr=0.2", func(i int) bool { return i >= 10 && i < 13 })
	c, err := Runs([]string{a, b})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Settings) != 1 || c.Settings[0].Key != "optimizer.lr" || strings.Join(c.Settings[0].Values, " ") != "0.1 0.2" {
		t.Errorf("settings are %+v", c.Settings)
	}
	// Ten images b alone has right, one a alone: 28 and 37 of 40 are right.
	top1 := c.Figures[0]
	if top1.Name != "top1" || math.Abs(*top1.Difference-9./40) > 1e-12 || math.Abs(*top1.P-2*12./2048) > 1e-12 ||
		!(*top1.Low > 0 && *top1.High < 0.5) || *top1.Values[0] != 28./40 {
		t.Errorf("top-1 is %+v: %g, p %g", top1, *top1.Difference, *top1.P)
	}
	sum, classes := 0.0, 0
	for _, f := range c.Figures[3:] {
		sum += *f.Difference
		classes++
	}
	if classes != len(c.runs[0].answers.Classes) || math.Abs(sum/float64(classes)-9./40) > 1e-9 {
		t.Errorf("%d classes with a mean difference of %g", classes, sum/float64(classes))
	}
	var page strings.Builder
	if err := c.WritePage(&page, "test"); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	for _, want := range []string{"10 images that " + b, "1 images that " + a, "data:image/png;base64,", "optimizer.lr", "<svg", "<b>Top-1 by class</b> of " + b + " less that of " + a} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if n := strings.Count(text, `<img src="data:image/png`); n != 11 {
		t.Errorf("the page has %d thumbnails, want 11", n)
	}
	encoded, err := json.Marshal(c)
	if err != nil || !strings.Contains(string(encoded), `"figures":[{"name":"top1"`) {
		t.Errorf("as JSON: %v, %s", err, encoded)
	}
	var table strings.Builder
	if err := c.WriteText(&table); err != nil || !strings.Contains(table.String(), "+22.50") ||
		!strings.Contains(table.String(), b+" - "+a+" ") {
		t.Errorf("the table is %s (%v)", table.String(), err)
	}
}

func TestThreeRunsAreComparedWithTheFirst(t *testing.T) {
	wrong := func(from int) func(int) bool { return func(i int) bool { return i < from } }
	a, b, c := folder(t, "a", "train.seed=1", wrong(5)), folder(t, "b", "train.seed=2", wrong(9)), folder(t, "c", "train.seed=3", wrong(5))
	all, err := Runs([]string{a, b, c})
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for _, f := range all.Figures {
		if f.Name == "top1" {
			runs = append(runs, f.Run)
		}
	}
	if strings.Join(runs, " ") != b+" "+c || *all.Figures[0].Difference >= 0 {
		t.Errorf("compared are %v", runs)
	}
	if last := all.Figures[len(all.Figures)/2]; last.Run != c || *last.P != 1 {
		t.Errorf("two runs with the same answers have p %v", last.P)
	}
}

func TestWhatCannotBeComparedIsSaid(t *testing.T) {
	right := func(int) bool { return false }
	a, b := folder(t, "a", "train.seed=1", right), folder(t, "b", "train.seed=2", right)
	if err := os.Remove(filepath.Join(b, rundir.Predictions)); err != nil {
		t.Fatal(err)
	}
	var c *Comparison
	for _, dirs := range [][]string{{a, b}, {b, a}} {
		var err error
		c, err = Runs(dirs)
		if err != nil || len(c.Figures) != 3 || c.Figures[0].P != nil || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "has no predictions") {
			t.Errorf("without predictions: %+v (%v)", c, err)
		}
		var page strings.Builder
		if err := c.WritePage(&page, "test"); err != nil || !strings.Contains(page.String(), "has no predictions") {
			t.Errorf("the page does not say so (%v)", err)
		}
	}
	other := folder(t, "c", "train.seed=2", right)
	answers, _, err := report.ReadAnswers(filepath.Join(other, rundir.Predictions))
	if err != nil {
		t.Fatal(err)
	}
	answers.Images = "others"
	if err := answers.Write(filepath.Join(other, rundir.Predictions)); err != nil {
		t.Fatal(err)
	}
	if c, err = Runs([]string{a, other}); err != nil || !strings.Contains(strings.Join(c.Notes, "|"), "were validated on other images") {
		t.Errorf("with other images: %+v (%v)", c.Notes, err)
	}
	for _, dirs := range [][]string{{a}, {a, t.TempDir()}, {a, filepath.Join(a, "nowhere")}} {
		if _, err := Runs(dirs); err == nil {
			t.Errorf("%v can be compared", dirs)
		}
	}
	if err := os.WriteFile(filepath.Join(b, rundir.Metrics), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Runs([]string{a, b}); err == nil || !strings.Contains(err.Error(), "has no validation yet") {
		t.Errorf("without a validation: %v", err)
	}
}

// Runs of one validation have no course of it to show; the table has its figures.
func TestASingleValidationIsNoCurve(t *testing.T) {
	c, err := Runs([]string{folder(t, "a", "train.seed=1", func(int) bool { return false }),
		folder(t, "b", "train.seed=2", func(int) bool { return false })})
	if err != nil {
		t.Fatal(err)
	}
	var drawn string
	charts := func() int {
		plots, err := c.plots()
		if err != nil {
			t.Fatal(err)
		}
		drawn = fmt.Sprint(plots)
		return strings.Count(drawn, `class="chart"`)
	}
	if n := charts(); n != 4 {
		t.Errorf("of two validations %d charts are drawn, want 4", n)
	}
	for axis, x := range map[string]string{"step": "[10,20]", "minutes": "[1.5,2.5]"} {
		if !strings.Contains(drawn, ">"+axis+"</text>") || !strings.Contains(drawn, html.EscapeString(`"x":`+x)) {
			t.Errorf("no curve lies over the %s %s", axis, x)
		}
	}
	for _, r := range c.runs {
		r.lines[1].Split = "none"
	}
	if n := charts(); n != 1 {
		t.Errorf("of one validation %d charts are drawn, want that of the training", n)
	}
}
