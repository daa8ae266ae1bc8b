package bench

import (
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/train"
)

// BenchmarkSmallStep is a training step of a network for small images, which
// spends much of its time outside convolutions.
func BenchmarkSmallStep(b *testing.B) {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		b.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes = 32, 0.25, model.AuxNone, 10
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		b.Fatal(err)
	}
	options := train.DefaultRecipe()
	options.Optimizer.Name, options.EMA.Decay = optimize.SGD, 0
	s, err := stepOf(Options{Mode: Train, Spec: spec, Recipe: options, Batch: 64}, w)
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	for b.Loop() {
		if err := s.step(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(64*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
