package report

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheReportOfARunShowsHowFarItHasCome(t *testing.T) {
	lines := []Line{
		{Step: 10, Epoch: 1, Split: "train", Loss: 2.2, AuxLoss: 2.4, AuxEarlyLoss: 2.5, LR: 0.1, ImagesPerS: 9, ElapsedS: 60},
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
	text := page(Run{Title: "<run>", State: "training", Model: "v3", Data: "shapes:", Lines: lines, Config: "a: <b>", Version: "v9"})
	for _, want := range []string{
		"<title>&lt;run&gt;</title>", "<h1>&lt;run&gt;</h1>", "a: &lt;b&gt;", "inception v9", "30, epoch 3, 3m5s of training",
		"top-1 50.00%, top-5 80.00%, loss 1.4000, after epoch 2", `<tr class="best"><td>2</td>`, "auxiliary head",
		"early auxiliary head",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := strings.Count(text, "<svg"); n != 4 {
		t.Errorf("%d plots", n)
	}
	if n := strings.Count(text, `class="best"`); n != 1 {
		t.Errorf("%d best validations", n)
	}
	if text := page(Run{Title: "begun", Version: "v9"}); strings.Contains(text, "of training") || strings.Contains(text, "Validations") {
		t.Error("a run without metrics has trained")
	}
}
