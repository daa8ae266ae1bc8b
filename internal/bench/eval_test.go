package bench

import (
	"fmt"
	"testing"

	"github.com/inception-go/inception/internal/model"
)

// BenchmarkEval is a forward pass of V3 on one and on 8 images, in each precision.
func BenchmarkEval(b *testing.B) {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		b.Fatal(err)
	}
	spec.Classes = 1000
	for _, precision := range []model.Precision{model.FP32, model.BF16, model.INT8} {
		for _, batch := range []int{1, 8} {
			b.Run(fmt.Sprintf("%v/batch%d", precision, batch), func(b *testing.B) {
				w, err := weightsOf(spec, precision)
				if err != nil {
					b.Fatal(err)
				}
				s, err := stepOf(Options{Mode: Eval, Spec: spec, Batch: batch, Precision: precision}, w)
				if err != nil {
					b.Fatal(err)
				}
				defer s.close()
				for b.Loop() {
					if err := s.step(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
