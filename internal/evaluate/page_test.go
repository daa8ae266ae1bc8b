package evaluate

import (
	"encoding/csv"
	"strings"
	"testing"
)

// TestFilesOfAResultAgreeWithIt reads back what is written for people.
func TestFilesOfAResultAgreeWithIt(t *testing.T) {
	set := drawn(t, 9, 4)
	r := evaluated(t, Ensemble{evaluator(t, tinyWeights(t, 3), 4, 1, 32)}, set)
	r.Labels[0] = "<b>, \"quoted\""
	read := func(write func(*strings.Builder) error) [][]string {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	classes := read(func(b *strings.Builder) error { return r.WriteClasses(b) })
	if len(classes) != 11 || classes[1][1] != r.Labels[0] || classes[1][2] != "1" {
		t.Errorf("classes: %q", classes)
	}
	confusion := read(func(b *strings.Builder) error { return r.WriteConfusion(b) })
	if len(confusion) != 11 || len(confusion[10]) != 11 || confusion[1][0] != r.Labels[0] {
		t.Errorf("confusion: %q", confusion)
	}
	predictions := read(func(b *strings.Builder) error { return r.WritePredictions(b, set) })
	if len(predictions) != 9 || predictions[5][0] != "shapes train 5" || predictions[5][2] != r.Labels[5] {
		t.Errorf("predictions: %q", predictions)
	}
	var page strings.Builder
	if err := r.WritePage(&page, "A <title>", []Fact{{"images of", "<here>"}}, set); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	if got, want := strings.Count(text, "<img src=\"data:image/jpeg;base64,"), len(r.Mistakes()); got != want {
		t.Errorf("the page has %d pictures, there are %d mistakes", got, want)
	}
	for _, want := range []string{"A &lt;title&gt;", "&lt;here&gt;", "8, and 1 that could not be read", "&lt;b&gt;", "macro average", "Expected calibration error"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "<b>") || strings.Contains(text, "ZgotmplZ") {
		t.Error("text of others is not escaped, or no picture's address was taken")
	}
}
