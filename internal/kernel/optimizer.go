package kernel

import (
	"math"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// SGD is one step of gradient descent with momentum: mom = momentum*mom + g;
// w -= lr*mom.
func SGD(w, g, mom []float32, lr, momentum float32) {
	eachChunk(len(w), func(r *simd.Runs, from, to int) {
		r.Momentum(w[from:to], g[from:to], mom[from:to], lr, momentum)
	})
}

// RMSProp is one step as TensorFlow defines it: ms = alpha*ms + (1-alpha)*g*g;
// mom = momentum*mom + lr*g/sqrt(ms+eps); w -= mom.
func RMSProp(w, g, ms, mom []float32, lr, alpha, momentum, eps float32) {
	eachChunk(len(w), func(r *simd.Runs, from, to int) {
		r.RMSProp(w[from:to], g[from:to], ms[from:to], mom[from:to], lr, 1-alpha, momentum, eps)
	})
}

// Adam is one step of Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1); step
// counts from 1.
func Adam(w, g, m, v []float32, lr, beta1, beta2, eps float32, step int) {
	// lr*mHat/(sqrt(vHat)+eps) with the bias corrections moved into lr and eps.
	first := 1 - math.Pow(float64(beta1), float64(step))
	second := math.Sqrt(1 - math.Pow(float64(beta2), float64(step)))
	rate, epsilon := float32(float64(lr)*second/first), float32(float64(eps)*second)
	eachChunk(len(w), func(r *simd.Runs, from, to int) {
		r.Adam(w[from:to], g[from:to], m[from:to], v[from:to], rate, 1-beta1, 1-beta2, epsilon)
	})
}
