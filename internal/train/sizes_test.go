package train

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/memory"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/rundir"
)

func TestEpochsDivideTheSizes(t *testing.T) {
	of := func(o LoopOptions) (sizes []int) {
		for epoch := range o.Epochs {
			sizes = append(sizes, o.sizeAt(epoch, 99))
		}
		return sizes
	}
	for _, c := range []struct {
		options LoopOptions
		want    []int
	}{
		{LoopOptions{Epochs: 2}, []int{99, 99}},
		{LoopOptions{Epochs: 6, Sizes: []int{32, 40, 48}}, []int{32, 32, 40, 40, 48, 48}},
		{LoopOptions{Epochs: 5, Sizes: []int{32, 40}}, []int{32, 32, 32, 40, 40}},
		{LoopOptions{Epochs: 2, Sizes: []int{32, 40, 48}}, []int{32, 40}},
	} {
		if got := of(c.options); !slices.Equal(got, c.want) {
			t.Errorf("%+v: sizes %v, want %v", c.options, got, c.want)
		}
	}
	random := LoopOptions{Epochs: 300, Sizes: []int{32, 40, 48}, SizeOrder: SizesRandom, Seed: 1}
	first := of(random)
	count := map[int]int{}
	for _, size := range first {
		count[size]++
	}
	for _, size := range random.Sizes {
		if count[size] < 70 || count[size] > 130 {
			t.Errorf("%d of 300 epochs have %d pixels", count[size], size)
		}
	}
	if random.Seed = 2; slices.Equal(of(random), first) {
		t.Error("another seed gives the same sizes")
	}
}

func TestTheEffortIsTheMeanOfTheSizes(t *testing.T) {
	for _, c := range []struct {
		options LoopOptions
		want    float64
	}{
		{LoopOptions{Epochs: 3}, 1},
		{LoopOptions{Epochs: 3, Sizes: []int{32}}, 1},
		{LoopOptions{Epochs: 4, Sizes: []int{16, 64}}, (0.25 + 4) / 2},
		{LoopOptions{Epochs: 3, Sizes: []int{16, 64}}, (2*0.25 + 4) / 3},
	} {
		if got := c.options.Effort(32); got != c.want {
			t.Errorf("%+v: effort %g, want %g", c.options, got, c.want)
		}
	}
}

// Whoever times steps brings images of the network's size.
func TestAStepperTakesInputsOfTheNetworksSize(t *testing.T) {
	job := tinyJob(t)
	job.Train.Sizes, job.Model.Classes = []int{28, 40}, 4
	w, err := model.NewWeights(job.Model, 1)
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewStepper(job.Recipe, w, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	batch, size := job.Train.BatchSize, job.Model.InputSize
	if err := s.Step(make([]float32, batch*3*size*size), make([]int, batch)); err != nil {
		t.Error(err)
	}
}

// A list of the network's own size is no other training than none.
func TestTheOwnSizeChangesNoBit(t *testing.T) {
	plain := tinyJob(t)
	plain.Train.MaxSteps = 2
	listed := plain
	listed.Dir, listed.Train.Sizes = filepath.Join(t.TempDir(), "run"), []int{32}
	for _, job := range []Job{plain, listed} {
		if _, err := Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(read(t, plain, rundir.Last), read(t, listed, rundir.Last)) {
		t.Error("the weights differ")
	}
}

func TestSizesNeedOneShapeOfAllParameters(t *testing.T) {
	c := tinyJob(t).Config
	c.Train.Sizes = []int{28, 40}
	if err := c.checkSizes(); err != nil {
		t.Error(err)
	}
	c.Train.Sizes = []int{5}
	if err := c.checkSizes(); err == nil || !strings.Contains(err.Error(), "train.sizes: 5: ") {
		t.Errorf("a size that is too small: %v", err)
	}
	c.Model.Aux, c.Model.InputSize, c.Train.Sizes = model.AuxBatchNorm, 96, []int{96, 48}
	if err := c.checkSizes(); err == nil || !strings.Contains(err.Error(), "at 48 pixels AuxLogits.conv1.conv.weight has another shape") {
		t.Errorf("an auxiliary head of another shape: %v", err)
	}
}

func TestMemoryIsThatOfTheLargestSize(t *testing.T) {
	c := tinyJob(t).Config
	need := func(size int, sizes ...int) int64 {
		of := c
		of.Model.InputSize, of.Model.Classes, of.Train.Sizes = size, 10, sizes
		n, err := needOf(of, 1, 8, false, memory.Limit{})
		if err != nil {
			t.Fatal(err)
		}
		return n.training
	}
	if got, want := need(32, 32, 64, 48), need(64); got != want {
		t.Errorf("a training that goes up to 64 pixels needs %d bytes, one at 64 %d", got, want)
	}
}

func TestTheTimeAheadCountsTheSizes(t *testing.T) {
	job := tinyJob(t) // 5 updates an epoch
	job.Train.Sizes, job.Train.Epochs = []int{28, 56}, 2
	r := opened(t, job)
	if got := r.effort(10); got != 5+5*4 {
		t.Errorf("10 updates are %g of the size under way, want 25", got)
	}
	r.at.Step = 4
	if got := r.effort(3); got != 1+2*4 {
		t.Errorf("3 updates over the border are %g of the size under way, want 9", got)
	}
}
