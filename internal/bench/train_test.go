package bench

import (
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/train"
)

// BenchmarkTrain is a training step of V3 on 8 images, by the paper's recipe.
func BenchmarkTrain(b *testing.B) {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		b.Fatal(err)
	}
	spec.Classes = 1000
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		b.Fatal(err)
	}
	s, err := stepOf(Options{Mode: Train, Spec: spec, Recipe: train.DefaultRecipe(), Batch: 8}, w)
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	for b.Loop() {
		if err := s.step(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(8*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
