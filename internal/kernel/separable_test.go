package kernel

import (
	"math/rand/v2"
	"testing"
)

// The composed weights compute a depthwise and then a pointwise convolution, and
// their gradients follow the chain rule.
func TestSeparable(t *testing.T) {
	for _, s := range []Separable{{64, 8, 7, 7}, {16, 5, 3, 2}} {
		r := rand.New(rand.NewPCG(7, 8))
		between, taps := imageChannels*s.Multiplier, s.R*s.S
		depthwise, pointwise := randomGuarded(r, between*taps), randomGuarded(r, s.K*between)
		image := ImageConv{K: s.K, Window: Window{R: s.R, S: s.S, StrideH: 1, StrideW: 1}}
		weights, dweights := newGuarded(image.WeightLen()), randomGuarded(r, image.WeightLen())
		s.Compose(weights.data, depthwise.data, pointwise.data)

		ddepthwise, dpointwise := newGuarded(between*taps), newGuarded(s.K*between)
		s.Backward(ddepthwise.data, dpointwise.data, dweights.data, depthwise.data, pointwise.data)

		got, g := make([]float32, s.K*imageChannels*taps), make([]float32, s.K*imageChannels*taps)
		UnpackImageWeights(got, weights.data, s.K, s.R, s.S)
		UnpackImageWeights(g, dweights.data, s.K, s.R, s.S)
		want, wantD, wantP := make([]float64, len(got)), make([]float64, between*taps), make([]float64, s.K*between)
		for k := range s.K {
			for c := range imageChannels {
				for m := range s.Multiplier {
					for tap := range taps {
						d, p, w := (c*s.Multiplier+m)*taps+tap, k*between+c*s.Multiplier+m, (k*imageChannels+c)*taps+tap
						want[w] += float64(depthwise.data[d]) * float64(pointwise.data[p])
						wantD[d] += float64(g[w]) * float64(pointwise.data[p])
						wantP[p] += float64(g[w]) * float64(depthwise.data[d])
					}
				}
			}
		}
		near(t, "weights", got, want, s.Multiplier)
		near(t, "depthwise gradient", ddepthwise.data, wantD, s.K)
		near(t, "pointwise gradient", dpointwise.data, wantP, taps)
	}
}
