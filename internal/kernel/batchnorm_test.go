package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/parallel"
)

// normCase is a batch norm on maps that may be views, with a naive float64
// twin.
type normCase struct {
	n, c, h, w        int
	view, scale, zero bool // a gamma; a mean far from zero
}

func normCases() []normCase {
	return []normCase{
		{1, 16, 1, 1, false, true, false},
		{2, 16, 3, 5, true, true, false},
		{3, 48, 7, 4, true, false, false},
		{5, 32, 8, 8, false, true, false},
		{2, 80, 9, 9, true, true, true},
		{40, 16, 2, 2, false, false, true},
	}
}

func TestBatchNorm(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, c := range normCases() {
			for _, frozen := range []bool{false, true} {
				t.Run(fmt.Sprintf("%+v frozen %t", c, frozen), func(t *testing.T) { c.test(t, frozen) })
			}
		}
	})
}

const normEps = 1e-3

func (c normCase) test(t *testing.T, frozen bool) {
	r := rand.New(rand.NewPCG(3, uint64(c.c)))
	x := newViewMap(r, c.n, c.c, c.h, c.w, c.view, true)
	if c.zero {
		for n := range c.n {
			for b := range c.c / Block {
				for i := range x.Plane(n, b) {
					x.Plane(n, b)[i] += 50
				}
			}
		}
	}
	dy := newViewMap(r, c.n, c.c, c.h, c.w, c.view, true)
	y, dx := newViewMap(r, c.n, c.c, c.h, c.w, c.view, false), newViewMap(r, c.n, c.c, c.h, c.w, c.view, false)
	gamma, beta := randomGuarded(r, c.c).data, randomGuarded(r, c.c).data
	mean, variance := randomGuarded(r, c.c).data, randomGuarded(r, c.c).data
	norm := BatchNorm{Mean: mean, Variance: variance, Gamma: gamma, Beta: beta, Eps: normEps}
	dgamma, dbeta := newGuarded(c.c), newGuarded(c.c)
	if !c.scale {
		norm.Gamma = nil
	}
	if frozen {
		for i := range variance {
			variance[i] = 0.5 + float32(math.Abs(float64(variance[i])))
		}
	} else {
		norm.Moments(x.Map)
	}
	norm.Forward(y.Map, x.Map)
	backward := norm.Backward
	if frozen {
		backward = norm.BackwardFrozen
	}
	backward(dx.Map, dgamma.data, dbeta.data, dy.Map, x.Map)

	want := c.reference(x.Map, dy.Map, y.Map, norm, frozen)
	terms := 30 * c.n * c.h * c.w
	if c.zero {
		terms *= 2500 // the inputs themselves are rounded at 50
	}
	near(t, "mean", mean, want.mean, terms)
	near(t, "variance", variance, want.variance, terms)
	near(t, "y", y.values(), want.y, terms)
	near(t, "dx", dx.values(), want.dx, terms)
	near(t, "dgamma", dgamma.data[:c.c], want.dgamma, terms)
	near(t, "dbeta", dbeta.data[:c.c], want.dbeta, terms)
	for what, v := range map[string]viewMap{"x": x, "dy": dy, "y": y, "dx": dx} {
		v.check(t, what)
	}
	dgamma.check(t, "dgamma")
	dbeta.check(t, "dbeta")
}

type normWant struct{ mean, variance, y, dx, dgamma, dbeta []float64 }

// reference computes everything in float64. The ReLU's mask is that of y, because
// a value near zero may round to either side.
func (c normCase) reference(x, dy, y Map, norm BatchNorm, frozen bool) normWant {
	count := float64(c.n * c.h * c.w)
	want := normWant{y: make([]float64, c.n*c.c*c.h*c.w), dx: make([]float64, c.n*c.c*c.h*c.w)}
	for ch := range c.c {
		each := func(f func(i int, x, g float64)) {
			for n := range c.n {
				for h := range c.h {
					for w := range c.w {
						g := float64(*dy.at(n, ch, h, w))
						if *y.at(n, ch, h, w) <= 0 {
							g = 0
						}
						f(((n*c.c+ch)*c.h+h)*c.w+w, float64(*x.at(n, ch, h, w)), g)
					}
				}
			}
		}
		m, v := float64(norm.Mean[ch]), float64(norm.Variance[ch])
		if !frozen {
			m, v = 0, 0
			each(func(_ int, x, _ float64) { m += x / count })
			each(func(_ int, x, _ float64) { v += (x - m) * (x - m) / count })
		}
		inverse, scale := 1/math.Sqrt(v+normEps), 1.0
		if norm.Gamma != nil {
			scale = float64(norm.Gamma[ch])
		}
		sum, dot := 0.0, 0.0
		each(func(i int, x, g float64) {
			want.y[i] = max(0, (x-m)*inverse*scale+float64(norm.Beta[ch]))
			sum += g
			dot += g * (x - m) * inverse
		})
		each(func(i int, x, g float64) {
			want.dx[i] = scale * inverse * g
			if !frozen {
				want.dx[i] -= scale * inverse * (sum + (x-m)*inverse*dot) / count
			}
		})
		want.mean, want.variance = append(want.mean, m), append(want.variance, v)
		want.dgamma, want.dbeta = append(want.dgamma, dot), append(want.dbeta, sum)
	}
	return want
}

func TestBatchNormWithOneThreadAndSeveralGivesTheSameBits(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	results := func() []float32 {
		r := rand.New(rand.NewPCG(1, 1))
		x, dy := newViewMap(r, 9, 32, 7, 7, false, true), newViewMap(r, 9, 32, 7, 7, false, true)
		y, dx := newMap(9, 32, 7, 7), newMap(9, 32, 7, 7)
		norm := BatchNorm{Mean: make([]float32, 32), Variance: make([]float32, 32), Beta: make([]float32, 32), Eps: normEps}
		dgamma, dbeta := make([]float32, 32), make([]float32, 32)
		norm.Moments(x.Map)
		norm.Forward(y, x.Map)
		norm.Backward(dx, dgamma, dbeta, dy.Map, x.Map)
		return slices.Concat(y.Data, dx.Data, norm.Mean, norm.Variance, dgamma, dbeta)
	}
	parallel.SetThreads(1)
	want := results()
	for threads := 2; threads <= 5; threads++ {
		parallel.SetThreads(threads)
		if !slices.Equal(results(), want) {
			t.Errorf("%d threads give other bits than one", threads)
		}
	}
}

// TestBatchNormGradientIsCutWhereTheOutputIs: the backward pass recomputes what
// the forward pass stored, and must agree even one rounding away from zero.
func TestBatchNormGradientIsCutWhereTheOutputIs(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(23, 24))
		x, dy := newMap(1, Block, 32, 32), newMap(1, Block, 32, 32)
		y, dx := newMap(1, Block, 32, 32), newMap(1, Block, 32, 32)
		mean, variance := make([]float32, Block), make([]float32, Block)
		beta, gamma := make([]float32, Block), make([]float32, Block)
		norm := BatchNorm{Mean: mean, Variance: variance, Gamma: gamma, Beta: beta, Eps: normEps}
		for c := range mean {
			mean[c], variance[c], beta[c], gamma[c] = r.Float32(), 0.1+r.Float32(), r.Float32()-0.5, 0.1+r.Float32()
		}
		for i := range x.Data {
			c := i % Block
			zero := float64(mean[c]) - float64(beta[c])/float64(gamma[c])/norm.inverseStd(c)
			x.Data[i] = float32(zero + float64(r.IntN(33)-16)/(1<<26))
			dy.Data[i] = 1
		}
		norm.Forward(y, x)
		dbeta, positive := make([]float32, Block), make([]float32, Block)
		norm.BackwardFrozen(dx, nil, dbeta, dy, x)
		for i, v := range y.Data {
			if v > 0 {
				positive[i%Block]++
			}
			if (v > 0) != (dx.Data[i] > 0) {
				t.Fatalf("output %g has gradient %g", v, dx.Data[i])
			}
		}
		for c, n := range positive {
			if n == 0 || n == 32*32 {
				t.Errorf("channel %d has no values on both sides of zero", c)
			}
			if dbeta[c] != n {
				t.Errorf("channel %d: %g gradients summed, %g outputs positive", c, dbeta[c], n)
			}
		}
	})
}
