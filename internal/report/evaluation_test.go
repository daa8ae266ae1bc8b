package report

import (
	"context"
	"encoding/csv"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/explain"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// evaluated returns the outcome of nine images, of which one is broken.
func evaluated(t *testing.T) Evaluation {
	t.Helper()
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Classes, spec.Width, spec.Aux, spec.Init = 32, 10, 0.05, model.AuxNone, "he"
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	w, err := model.NewWeights(spec, 3)
	if err != nil {
		t.Fatal(err)
	}
	preprocess := picture.TorchvisionPreprocess(32)
	e, err := evaluate.NewEvaluator(w, evaluate.RunOptions{
		Options: evaluate.Options{BatchSize: 4}, Preprocess: preprocess, SkipUnreadable: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	src, err := dataset.Open("shapes:?train=9&size=48")
	if err != nil {
		t.Fatal(err)
	}
	set := fourthBroken{src.Train}
	result, err := e.Evaluate(context.Background(), set, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "A <title>")
	if err := weights.Save(path, w, weights.Metadata{Spec: spec, Preprocess: preprocess}); err != nil {
		t.Fatal(err)
	}
	return Evaluation{Version: "v9", Outcome: &evaluate.Outcome{
		Result: result, Set: set, Source: "<here>", Excluded: 1,
		Job: evaluate.Job{
			Weights: []string{"A <title>"}, Crops: picture.SingleCrop, Exclude: &evaluate.Exclude{File: "list.txt"},
		},
		Members: []evaluate.Member{{Path: path, Metadata: weights.Metadata{Spec: spec, Preprocess: preprocess}}},
	}}
}

type fourthBroken struct{ dataset.Set }

func (b fourthBroken) Image(i int) (picture.Image, error) {
	if i == 4 {
		return picture.Image{}, errors.New("is broken")
	}
	return b.Set.Image(i)
}

// TestFilesOfAResultAgreeWithIt reads back what is written for people.
func TestFilesOfAResultAgreeWithIt(t *testing.T) {
	r := evaluated(t)
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
	predictions := read(func(b *strings.Builder) error { return r.WritePredictions(b) })
	if len(predictions) != 9 || predictions[5][0] != "shapes train 5" || predictions[5][2] != r.Labels[5] {
		t.Errorf("predictions: %q", predictions)
	}
	var page strings.Builder
	if err := r.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	text := page.String()
	if got, want := strings.Count(text, "<img src=\"data:image/png;base64,"), len(r.Mistakes()); got != want {
		t.Errorf("the page has %d pictures, there are %d mistakes", got, want)
	}
	// Never predicted is no precision; never there is no recall.
	for class, s := range r.PerClass() {
		if cells := "<td>" + strconv.Itoa(s.Images) + "</td><td>0</td>\n<td>-</td>"; s.Predicted == 0 && s.Images > 0 &&
			!strings.Contains(text, cells) {
			t.Errorf("class %d has no line with %q", class, cells)
		}
	}
	for _, want := range []string{
		"Evaluation of A &lt;title&gt;", "&lt;here&gt;", "8, and 1 that could not be read", "&lt;b&gt;", "macro average",
		"Expected calibration error", "1 by list.txt", "<td>v3, ", "inception v9",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "<b>, ") || strings.Contains(text, "ZgotmplZ") {
		t.Error("text of others is not escaped, or no picture's address was taken")
	}
}

// The maps of a mistake are of the class that it was taken for, against the true one.
func TestMistakesHaveMaps(t *testing.T) {
	r := evaluated(t)
	wrong := r.Mistakes()
	maps, err := explain.Mistakes(context.Background(), r.Outcome, wrong)
	if err != nil || len(maps) != len(wrong) || len(wrong) == 0 {
		t.Fatalf("%d maps of %d mistakes, %v", len(maps), len(wrong), err)
	}
	for i, m := range maps {
		if m.Class != wrong[i].Top[0].Index || m.Rival != wrong[i].Label || m.Path != r.Set.Name(wrong[i].Index) {
			t.Errorf("mistake %d is explained as %d against %d, %s", i, m.Class, m.Rival, m.Path)
		}
	}
	r.Maps = maps[:len(maps)-1]
	var page strings.Builder
	if err := r.WritePage(&page); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Count(page.String(), "<img src=\"data:image/"), 3*len(wrong)-2; got != want {
		t.Errorf("the page has %d pictures, want %d", got, want)
	}
}
