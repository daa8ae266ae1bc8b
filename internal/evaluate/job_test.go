package evaluate

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// tinyJob evaluates a weight file on four of the drawn images.
func tinyJob(t *testing.T) (j Job, said *[]string) {
	t.Helper()
	w := tinyWeights(t, 1)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	m := weights.Metadata{Spec: w.Spec, Preprocess: picture.TorchvisionPreprocess(32)}
	if err := weights.Save(path, w, m); err != nil {
		t.Fatal(err)
	}
	said = &[]string{}
	return Job{
		Weights: []string{path}, Options: Options{BatchSize: 3}, Crops: picture.SingleCrop,
		Data: dataset.Options{Train: "shapes:?train=5&val=4&size=32"}, Given: true,
		Match:  labels.MatchOptions{ByOrder: true},
		Agrees: func(int, model.Spec) error { return nil },
		Note:   func(text string) { *said = append(*said, text) },
		Warn:   func(text string) { *said = append(*said, "warning: "+text) },
	}, said
}

func TestAJobSaysWhatItMeasures(t *testing.T) {
	j, said := tinyJob(t)
	list, err := dataset.ReadExclusions(strings.NewReader("shapes val 1\nshapes val 77\n"))
	if err != nil {
		t.Fatal(err)
	}
	j.Exclude, j.InputSize = &Exclude{"list.txt", list}, 40
	o, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if o.Images != 3 || o.Excluded != 1 || o.Set.Len() != 3 || o.Source != "shapes:?train=5&val=4&size=32, part val" {
		t.Errorf("%d images, %d excluded, of %s", o.Images, o.Excluded, o.Source)
	}
	if len(o.Members) != 1 || o.Members[0].Metadata.Preprocess.Size != 40 {
		t.Errorf("members are %+v", o.Members)
	}
	for _, want := range []string{
		"4 images of 10 classes: shapes:?train=5&val=4&size=32, part val", "1 images excluded by list.txt, 3 left",
		`warning: --exclude list.txt: entries that match no image: 1, the first is "shapes val 77"`,
	} {
		if !slices.Contains(*said, want) {
			t.Errorf("does not say %q but %q", want, *said)
		}
	}
}

func TestEveryMemberIsShownTheViewsOfItsOwnEvaluation(t *testing.T) {
	j, said := tinyJob(t)
	older := j.Weights[0] // whose metadata says nothing
	plain, mirrored := filepath.Join(t.TempDir(), "plain.safetensors"), filepath.Join(t.TempDir(), "mirrored.safetensors")
	for i, path := range []string{plain, mirrored} {
		w := tinyWeights(t, uint64(2+i))
		m := weights.Metadata{Spec: w.Spec, Preprocess: picture.TorchvisionPreprocess(32), TTA: []string{TTANone, TTAFlip}[i]}
		if err := weights.Save(path, w, m); err != nil {
			t.Fatal(err)
		}
	}
	const one, both = picture.SingleCrop, picture.MirroredCrop
	for _, c := range []struct {
		weights []string
		tta     string
		alike   bool
		crops   picture.Crops
		want    string
		shown   []picture.Crops
	}{
		{[]string{plain}, "", false, 1, TTANone, []picture.Crops{one}},
		{[]string{mirrored}, "", false, 1, TTAFlip, []picture.Crops{both}},
		{[]string{mirrored}, TTANone, true, 1, TTANone, []picture.Crops{one}},
		{[]string{mirrored}, "", false, picture.TenCrops, TTANone, []picture.Crops{picture.TenCrops}},
		{[]string{plain, mirrored}, "", false, 1, "mixed", []picture.Crops{one, both}},
		{[]string{mirrored, plain}, TTAFlip, false, 1, "mixed", []picture.Crops{both, one}},
		{[]string{older, older}, TTAFlip, false, 1, TTAFlip, []picture.Crops{both, both}},
		{[]string{older, plain}, TTANone, false, 1, TTANone, []picture.Crops{one, one}},
		{[]string{plain, older}, TTAFlip, true, 1, TTAFlip, []picture.Crops{both, both}},
	} {
		j.Weights, j.TTA, j.ShownAlike, j.Crops = c.weights, c.tta, c.alike, c.crops
		*said = nil
		o := run(t, j)
		var shown []picture.Crops
		for _, member := range o.Members {
			shown = append(shown, member.Crops)
		}
		if o.TTA() != c.want || !slices.Equal(shown, c.shown) {
			t.Errorf("%+v: views %s, %v", c, o.TTA(), shown)
		}
		if says := strings.Contains(strings.Join(*said, "\n"), "also mirrored"); says != slices.Contains(shown, both) {
			t.Errorf("%+v: says %q", c, *said)
		}
	}
	j.TTA, j.ShownAlike, j.Crops = "", false, 1
	var alone []*Outcome
	for _, path := range []string{plain, mirrored} {
		j.Weights = []string{path}
		alone = append(alone, run(t, j))
	}
	j.Weights = []string{plain, mirrored}
	for i, p := range run(t, j).Predictions {
		a, b := alone[0].Predictions[i].Prob, alone[1].Predictions[i].Prob
		if math.Abs(p.Prob-(a+b)/2) > 1e-9 || a == b {
			t.Errorf("image %d: probability %g, want the mean of %g and %g, however many views they have", i, p.Prob, a, b)
		}
	}
}

func run(t *testing.T, j Job) *Outcome {
	t.Helper()
	o, err := j.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAJobTellsFaultsOfTheCallFromThoseOfFiles(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Job)
		call   bool
		want   string
	}{
		"no images":       {func(j *Job) { j.Given, j.Data.Train = false, "" }, true, "no images to evaluate on: give --data"},
		"unknown part":    {func(j *Job) { j.Given, j.Split = false, "other" }, true, `--split: must be train, val or test, is "other"`},
		"another network": {func(j *Job) { j.Agrees = func(int, model.Spec) error { return errors.New("is v3") } }, true, ": is v3"},
		"nothing left":    {func(j *Job) { j.Exclude = &Exclude{"all", everyImage(t)} }, true, "--exclude all: leaves no image"},
		"no file":         {func(j *Job) { j.Weights = []string{"nowhere"} }, false, "nowhere"},
		"no such part":    {func(j *Job) { j.Split = "test" }, false, "has no part test"},
	} {
		j, _ := tinyJob(t)
		c.change(&j)
		_, err := j.Run(context.Background())
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &CallError{}) != c.call {
			t.Errorf("%s: %v, of the call: %t; want %q, %t", name, err, errors.As(err, &CallError{}), c.want, c.call)
		}
	}
}

func everyImage(t *testing.T) dataset.Exclusions {
	t.Helper()
	list, err := dataset.ReadExclusions(strings.NewReader("shapes val 0\nshapes val 1\nshapes val 2\nshapes val 3\n"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}
