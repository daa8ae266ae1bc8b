package train

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
)

// What the filters make of the patches that they come from is as strong in all of
// them and independent; and training leaves them alone.
func TestWhitenedFiltersMakePatchesIndependent(t *testing.T) {
	job := tinyJob(t)
	job.Train.Whiten, job.Train.MaxSteps = true, 2
	r := opened(t, job)
	first := r.weights.Params[0]
	outputs, n := first.Shape[0], 3*first.Shape[2]*first.Shape[3]
	filters := first.Values()
	cov, err := r.patches(context.Background(), first.Shape[2])
	if err != nil {
		t.Fatal(err)
	}
	filter := func(k int) []float32 { return filters[k*n : (k+1)*n] }
	product := func(a, b []float32) (sum float64) {
		for i, v := range a {
			for j, w := range b {
				sum += float64(v) * float64(w) * cov.At(i, j)
			}
		}
		return sum
	}
	strongest := 0.0
	for a := range outputs / 2 {
		for i, v := range filter(a) {
			if filter(outputs/2 + a)[i] != -v {
				t.Fatalf("filter %d has no opposite", a)
			}
		}
		own := product(filter(a), filter(a))
		strongest = math.Max(strongest, own)
		if own > 1.001 || own < 0 || a == 0 && own < 0.99 {
			t.Errorf("filter %d has variance %g", a, own)
		}
		for b := range a {
			if p := product(filter(a), filter(b)); math.Abs(p) > 1e-3 {
				t.Errorf("filters %d and %d have covariance %g", a, b, p)
			}
		}
	}
	if !slices.Equal(r.average.Weights.Params[0].Data, first.Data) {
		t.Error("the average has other filters")
	}
	if _, err := r.loop(context.Background()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first.Values(), filters) {
		t.Error("training changes the filters")
	}
}

func TestWhatCannotBeWhitened(t *testing.T) {
	for want, change := range map[string]func(*Job){
		"--init brings it": func(j *Job) { j.Init.Weights, _ = pretrained(t, j.Model, []string{"a", "b"}, nil) },
		"no plain first convolution": func(j *Job) {
			j.Model, _ = model.DefaultSpec(model.BNInception)
			j.Model.InputSize = 64
		},
	} {
		job := tinyJob(t)
		job.Dir, job.Train.Whiten = filepath.Join(t.TempDir(), "run"), true
		change(&job)
		if _, err := prepare(job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
