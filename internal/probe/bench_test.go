package probe

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkFitBest fits classifiers to features that tell classes apart about as
// well as a network's tell new ones.
func BenchmarkFitBest(b *testing.B) {
	for _, c := range []struct{ classes, images, width int }{{10, 5000, 512}, {100, 10_000, 2048}} {
		b.Run(fmt.Sprintf("%dclasses-%dx%d", c.classes, c.images, c.width), func(b *testing.B) {
			e := clouds(c.classes, c.images, c.width)
			for b.Loop() {
				fit, err := FitBest(e)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(100*fit.Chosen().Top1, "top1-%")
				b.ReportMetric(float64(len(fit.Tried)), "strengths")
			}
		})
	}
}

// clouds returns examples around a random centre for each class.
func clouds(classes, images, width int) Examples {
	rng := rand.New(rand.NewPCG(1, 2))
	centres := make([]float64, classes*width)
	for i := range centres {
		centres[i] = 0.15 * rng.NormFloat64()
	}
	e := Examples{Width: width, Classes: classes}
	for i := range images {
		label := i % classes
		for j := range width {
			e.Features = append(e.Features, float32(max(0, centres[label*width+j]+rng.NormFloat64())))
		}
		e.Labels = append(e.Labels, label)
	}
	return e
}
