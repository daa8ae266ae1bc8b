package bench

import (
	"testing"

	"github.com/inception-go/inception/internal/model"
)

// BenchmarkEval is a forward pass of V3 on 8 images.
func BenchmarkEval(b *testing.B) {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		b.Fatal(err)
	}
	spec.Classes = 1000
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		b.Fatal(err)
	}
	s, err := stepOf(Options{Mode: Eval, Spec: spec, Batch: 8}, w)
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
