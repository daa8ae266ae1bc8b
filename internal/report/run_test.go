package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/picture"
)

func TestTheReportOfARunShowsHowFarItHasCome(t *testing.T) {
	lines := []Line{
		{Step: 10, Epoch: 1, Split: "train", Loss: 2.2, AuxLoss: 2.4, AuxEarlyLoss: 2.5, LR: 0.1, ImagesPerS: 9, ElapsedS: 60, WaitS: 6},
		{Step: 10, Epoch: 1, Split: "val", Loss: 1.5, Top1: 0.5, Top5: 0.9, ElapsedS: 62},
		{Step: 20, Epoch: 2, Split: "val", Loss: 1.4, Top1: 0.5, Top5: 0.8, ElapsedS: 123},
		{Step: 30, Epoch: 3, Split: "val", Loss: 1.6, Top1: 0.4, Top5: 0.8, ElapsedS: 185.2},
	}
	page := func(run Run) string {
		path := filepath.Join(t.TempDir(), "report.html")
		if err := WriteHTML(path, run); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text := page(Run{
		Title: "<run>", Headline: "v3 on shapes", State: "training", Progress: "step 30 of 90", Left: 61 * time.Second, Lines: lines,
		Config: "a: <b>", Facts: []Fact{{"program", "inception v9"}}, Classes: 10, ValImages: 200, Majority: 0.125,
		Earlier: &Earlier{Dir: "runs/x", Top1: 0.25, Differs: []string{"a", "b", "c", "d", "e"}},
		Changed: []Changed{{"optimizer.lr", "0.1", "0"}}, Sample: []Sample{NewSample(picture.New(8, 8), "<cat> 70% + dog 30%")},
	})
	for _, want := range []string{
		"<title>&lt;run&gt;</title>", "<h1>&lt;run&gt;</h1>", "a: &lt;b&gt;", "inception v9", "<b>3m5s</b>",
		"<b>50.00%</b>", "after epoch 2; 95% interval 43.1 to 56.9%, of 200 images", "<b>12.50%</b>", "<b>25.00%</b>",
		"runs/x; differs in a, b, c, d and 1 more", "training, about 1m1s left", `<tr class="best"><td>2</td>`, "auxiliary head",
		"early auxiliary head", "&lt;cat&gt; 70% &#43; dog 30%", "<code>optimizer.lr</code>", "9 images/s, 10% of the time waiting",
		`name="viewport"`, "prefers-color-scheme", `<img src="data:image/png;base64,`, "image-rendering: pixelated",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(text, "<svg "); n != 5 {
		t.Errorf("%d plots", n)
	}
	if n := strings.Count(text, `class="best"`); n != 1 {
		t.Errorf("%d best validations", n)
	}
	if strings.Contains(text, "ZgotmplZ") || strings.Count(text, "http://") != 1 {
		t.Error("a picture's address was not taken, or the page needs the network") // the one is SVG's namespace
	}
	if text := page(Run{Title: "begun"}); strings.Contains(text, "images/s") || strings.Contains(text, "validations") {
		t.Error("a run without metrics has trained")
	}
}

// TestAnEarlierRunIsOfTheSameImages: that of the same settings is preferred, one
// on other images or without a validation is none.
func TestAnEarlierRunIsOfTheSameImages(t *testing.T) {
	root := t.TempDir()
	write := func(name, config, metrics string, age time.Duration) string {
		dir := filepath.Join(root, name)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"config.yaml": config, "metrics.jsonl": metrics} {
			path := filepath.Join(dir, file)
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	const own = "data: {train: shapes, workers: 1}\noptimizer: {lr: 0.1}\ntrain: {seed: 2}\n"
	const val = `{"split":"val","top1":0.5}` + "\n" + `{"split":"val","top1":0.25}` + "\n"
	dir := write("own", own, val, 0)
	if e := FindEarlier(dir, []byte(own)); e != nil {
		t.Errorf("a run is compared with %v", e)
	}
	write("others", "data: {train: flowers}\noptimizer: {lr: 0.1}\n", val, time.Minute)
	write("begun", own, `{"split":"train"}`+"\n", time.Minute)
	if e := FindEarlier(dir, []byte(own)); e != nil {
		t.Errorf("a run is compared with %v", e)
	}
	write("rate", "data: {train: shapes, workers: 3}\noptimizer: {lr: 0.2}\ntrain: {seed: 2}\n", val, time.Minute)
	if e := FindEarlier(dir, []byte(own)); e == nil || e.Top1 != 0.5 || len(e.Differs) != 1 || e.Differs[0] != "optimizer.lr" {
		t.Errorf("the earlier run is %+v", e)
	}
	same := write("same", "data: {train: shapes, workers: 1}\noptimizer: {lr: 0.1}\ntrain: {seed: 3}\n", val, time.Hour)
	if e := FindEarlier(dir, []byte(own)); e == nil || e.Dir != same || len(e.Differs) > 0 {
		t.Errorf("the earlier run is %+v", e)
	}
}

// What is confused may be of another epoch than the best accuracy above it, where the
// best is of before the run was resumed; the page says which.
func TestTheReportSaysOfWhichWeightsTheConfusionIs(t *testing.T) {
	found := evaluated(t)
	for epoch, want := range map[int]string{
		1: "<p>Of the best weights, which <code>inception eval</code> takes",
		2: "<p><b>Not of the best weights: those of epoch 1 are of before the run was resumed.</b>",
	} {
		path := filepath.Join(t.TempDir(), "report.html")
		run := Run{Title: "run", Classes: 10, Found: &found, FoundEpoch: epoch,
			Lines: []Line{{Step: 10, Epoch: 1, Split: "val", Top1: 0.5}, {Step: 20, Epoch: 2, Split: "val", Top1: 0.4}}}
		if err := WriteHTML(path, run); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("epoch %d: no %q, %v", epoch, want, err)
		}
	}
}
