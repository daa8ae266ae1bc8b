package report

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/evaluate"
)

func TestAnswersComeBack(t *testing.T) {
	result := evaluate.Result{Labels: []string{"cat", "dog"}, Predictions: []evaluate.Prediction{
		{Index: 0, Label: 1, Top: []evaluate.Class{{Index: 1}}}, {Index: 2, Label: 0, Top: []evaluate.Class{{Index: 1}}}}}
	a := NewAnswers(result, 3)
	a.Step, a.Images = 7, "abc"
	if !a.Right(0) || a.Right(1) || a.Right(2) || a.Read(1) || !a.Read(2) {
		t.Errorf("answers are %+v", a)
	}
	path := filepath.Join(t.TempDir(), "predictions.json")
	if err := a.Write(path); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := ReadAnswers(path); err != nil || !ok || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v came back as %+v (%v, %v)", a, got, ok, err)
	}
	if _, ok, err := ReadAnswers(path + "x"); ok || err != nil {
		t.Errorf("a file that is not there: %v, %v", ok, err)
	}
}

func TestBrokenAnswersAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"labels":[0],"predicted":[]}`:                       "1 labels and 0 predictions",
		`{"classes":["a"],"labels":[0],"predicted":[3]}`:      "taken for 3, of 1 classes",
		`{"classes":["a"],"labels":[-2],"predicted":[0]}`:     "class -2",
		`{"classes":["a"],"labels":[-1],"predicted":[0]}`:     "has no class itself",
		`{"classes":["a"],"labels":[0],"predic`:               "unexpected EOF",
		`{"classes":["a"],"labels":[0.5],"predicted":["no"]}`: "cannot unmarshal",
	} {
		path := filepath.Join(t.TempDir(), "predictions.json")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := ReadAnswers(path); ok || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %q", text, ok, err, want)
		}
	}
}
