package train

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/rundir"
)

func TestClassWeightsAreANameOrAList(t *testing.T) {
	for text, want := range map[string]ClassWeights{
		"none": ClassWeightsNone, "balanced": ClassWeightsBalanced, "[1, 2.5,0]": "[1, 2.5, 0]", "[]": "[]",
	} {
		var w ClassWeights
		if err := yaml.Unmarshal([]byte(text), &w); err != nil || w != want {
			t.Errorf("%s is %q, %v", text, w, err)
		}
		var again ClassWeights
		if err := yaml.Unmarshal([]byte(w.Text()), &again); err != nil || again != w {
			t.Errorf("%q becomes %q", w.Text(), again)
		}
	}
	for _, text := range []string{"other", "3", "[a]", "{a: 1}"} {
		if err := yaml.Unmarshal([]byte(text), new(ClassWeights)); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
	for _, w := range []ClassWeights{"[-1, 2]", "[0, 0]", "[.nan, 1]", "[.inf, 1]"} {
		if w.validate() == nil {
			t.Errorf("%s is taken", w)
		}
	}
	sizes := []int{90, 8, 2}
	if got, _ := ClassWeightsBalanced.of(sizes); fmt.Sprint(got) != "[0.37037036 4.1666665 16.666666]" {
		t.Errorf("balanced weights are %v", got)
	}
	if got, err := ClassWeights("[1, 2, 3]").of(sizes); err != nil || !slices.Equal(got, []float32{1, 2, 3}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := ClassWeights("[1, 2]").of(sizes); err == nil ||
		err.Error() != "train.class_weights: has 2 numbers, the data 3 classes" {
		t.Errorf("error is %v", err)
	}
}

// unequalJob trains on 16 pictures of one class and 2 of another.
func unequalJob(t *testing.T) Job {
	job := tinyJob(t)
	dir := t.TempDir()
	for class, n := range map[string]int{"many": 16, "few": 2} {
		for i := range n {
			grey(t, filepath.Join(dir, class, fmt.Sprint(i, ".png")))
		}
	}
	job.Data.Train, job.Data.ValFraction, job.Train.Epochs, job.Train.BatchSize = dir, 0.25, 1, 4
	return job
}

func TestUnequalClassesAreWarnedOf(t *testing.T) {
	const figure = `"many" has 12 training images, "few" 1; to answer "many" always is right in 80.0% of the validation`
	for name, c := range map[string]struct {
		change func(*Job)
		want   string
	}{
		"nothing done": {func(*Job) {}, "warning: the classes are very unequal: " + figure},
		"balanced":     {func(j *Job) { j.Data.Balance = dataset.BalanceClasses }, "the classes are very unequal: " + figure},
		"weighted":     {func(j *Job) { j.Train.ClassWeights = "balanced" }, "the classes are very unequal: " + figure},
		"both": {func(j *Job) { j.Data.Balance, j.Train.ClassWeights = dataset.BalanceClasses, "balanced" },
			"warning: data.balance and train.class_weights both"},
	} {
		job, heard := unequalJob(t), &notes{}
		c.change(&job)
		job.Reporter = heard
		if _, err := Check(job); err != nil {
			t.Fatal(err)
		}
		if r, err := open(context.Background(), job); err != nil {
			t.Fatal(err)
		} else {
			r.close()
		}
		if !strings.Contains("\n"+heard.text(), "\n"+c.want) {
			t.Errorf("%s: says %s, want %q", name, heard.text(), c.want)
		}
	}
}

// Weights change a training, but not by a common factor.
func TestClassWeightsReachTheLoss(t *testing.T) {
	last := map[ClassWeights][]byte{}
	for _, w := range []ClassWeights{"none", "balanced", "[1, 1]", "[2, 2]"} {
		job := unequalJob(t)
		job.Train.ClassWeights = w
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		last[w] = read(t, job, rundir.LastRaw)
	}
	if slices.Equal(last["none"], last["balanced"]) || !slices.Equal(last["none"], last["[1, 1]"]) ||
		!slices.Equal(last["none"], last["[2, 2]"]) {
		t.Error("the weights of classes do not change the training as they should")
	}
}
