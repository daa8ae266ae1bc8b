package config

import (
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/picture"
)

// What a run's own configuration says of its training and its validation is not
// meant for other evaluations; what is typed is.
func TestAnEvaluationKnowsWhatIsMeantForIt(t *testing.T) {
	own := file(t, `model: {input_size: 128}
data: {interpolation: bicubic, geometry: central}
eval: {crop_pct: 0.9, tta: flip, max_images: 7}
`)
	type found struct {
		crop       float64
		alike      bool
		most, size int
		how        string
	}
	for name, c := range map[string]struct {
		set  []string
		call evaluate.Job
		own  bool
		want found
	}{
		"the run's validation":   {nil, evaluate.Job{}, true, found{0, false, 7, 0, " "}},
		"its training images":    {nil, evaluate.Job{Split: "train"}, true, found{0, false, 0, 0, " "}},
		"other images":           {nil, evaluate.Job{Given: true}, true, found{0, false, 0, 0, " "}},
		"another configuration":  {nil, evaluate.Job{Given: true}, false, found{0.9, true, 7, 0, " "}},
		"a size of the call":     {[]string{"model.input_size=112"}, evaluate.Job{InputSize: 64}, true, found{0, false, 7, 64, " "}},
		"settings that are made": {[]string{"model.input_size=112", "data.interpolation=bilinear", "data.geometry=shorter", "eval.crop_pct=0.8", "eval.tta=none", "eval.max_images=3"}, evaluate.Job{Given: true}, true, found{0.8, true, 3, 112, "bilinear shorter"}},
	} {
		c.call.Crops = picture.SingleCrop
		j, err := load(t, Sources{Path: own, Set: c.set, Env: []string{}}).Evaluation(c.call, c.own)
		if err != nil {
			t.Fatal(err)
		}
		got := found{j.CropPct, j.ShownAlike, j.MaxImages, j.InputSize, j.Interpolation + " " + j.Geometry}
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestOnlyTheFirstMemberMustBeTheRuns(t *testing.T) {
	r := load(t, Sources{Set: []string{"model.width=0.5"}, Env: []string{}})
	other := load(t, Sources{Env: []string{}}).Model
	for _, own := range []bool{false, true} {
		j, err := r.Evaluation(evaluate.Job{Crops: picture.SingleCrop}, own)
		if err != nil {
			t.Fatal(err)
		}
		if first, second := j.Agrees(0, other), j.Agrees(1, other); first == nil || (second == nil) != own {
			t.Errorf("of the run's own configuration %t: %v, %v", own, first, second)
		}
	}
}

func TestSeveralCropsSuitNothingThatSaysHowOneIsTaken(t *testing.T) {
	for _, set := range []string{"eval.tta=flip", "eval.crop_pct=0.9", "data.geometry=central"} {
		r := load(t, Sources{Set: []string{set}, Env: []string{}})
		key, _, _ := strings.Cut(set, "=")
		_, err := r.Evaluation(evaluate.Job{Crops: picture.TenCrops}, false)
		if err == nil || !strings.Contains(err.Error(), "--set: "+key+" is for a single crop; where 10 crops lie") {
			t.Errorf("%s: error is %v", set, err)
		}
		if _, err := r.Evaluation(evaluate.Job{Crops: picture.SingleCrop}, false); err != nil {
			t.Error(err)
		}
	}
}
