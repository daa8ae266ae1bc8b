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

// NAdam is one step of Adam with Nesterov's momentum (Dozat, "Incorporating
// Nesterov Momentum into Adam", 2016), with the momentum's warm-up and the
// constants of PyTorch; step counts from 1.
func NAdam(w, g, m, v []float32, lr, beta1, beta2, eps float32, step int) {
	now, next, product := nesterov(float64(beta1), step)
	second := 1 - math.Pow(float64(beta2), float64(step))
	ofGradient := float32(float64(lr) * (1 - now) / (1 - product))
	ofMean := float32(float64(lr) * next / (1 - product*next))
	unbias, old1, old2 := float32(1/second), 1-beta1, 1-beta2
	eachChunk(len(w), func(_ *simd.Runs, from, to int) {
		w, g, m, v := w[from:to], g[from:to], m[from:to], v[from:to]
		for i, gradient := range g {
			m[i] += old1 * (gradient - m[i])
			v[i] += old2 * (gradient*gradient - v[i])
			root := float32(math.Sqrt(float64(v[i]*unbias))) + eps
			w[i] -= (ofGradient*gradient + ofMean*m[i]) / root
		}
	})
}

// nesterov returns the momentum of a step and of the next one, and the product of
// all up to that step.
func nesterov(beta1 float64, step int) (now, next, product float64) {
	const decay = 0.004
	at := func(step int) float64 { return beta1 * (1 - 0.5*math.Pow(0.96, float64(step)*decay)) }
	product = 1
	// What is left of the product soon no longer changes 1 minus it.
	for i := 1; i <= step && product > 1e-20; i++ {
		product *= at(i)
	}
	return at(step), at(step + 1), product
}
