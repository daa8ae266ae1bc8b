package ops

import (
	"math"

	"github.com/inception-go/inception/internal/kernel"
)

// plain is an activation in float64 and plain order, [n][c][h][w], for
// references that share no code with the kernels.
type plain struct {
	n, c, h, w int
	v          []float64
}

func newPlain(n, c, h, w int) plain { return plain{n, c, h, w, make([]float64, n*c*h*w)} }

func (p plain) at(n, c, h, w int) *float64 { return &p.v[((n*p.c+c)*p.h+h)*p.w+w] }

func (p plain) conv(w []float64, k int, v kernel.Window) plain {
	oh, ow := v.Out(p.h, p.w)
	y := newPlain(p.n, k, oh, ow)
	y.each(func(n, k, i, j int) {
		sum := 0.0
		p.window(v, i, j, func(r, s, h, x int) {
			for c := range p.c {
				sum += *p.at(n, c, h, x) * w[((k*p.c+c)*v.R+r)*v.S+s]
			}
		})
		*y.at(n, k, i, j) = sum
	})
	return y
}

func (p plain) batchNormReLU(gamma, beta []float64, mean, variance []float64, eps float64) plain {
	y := newPlain(p.n, p.c, p.h, p.w)
	for c := range p.c {
		m, v := 0.0, 0.0
		if mean != nil {
			m, v = mean[c], variance[c]
		} else {
			m, v = p.moments(c)
		}
		for n := range p.n {
			for h := range p.h {
				for w := range p.w {
					*y.at(n, c, h, w) = math.Max(0, (*p.at(n, c, h, w)-m)/math.Sqrt(v+eps)*gamma[c]+beta[c])
				}
			}
		}
	}
	return y
}

func (p plain) moments(c int) (mean, variance float64) {
	count := float64(p.n * p.h * p.w)
	for n := range p.n {
		for i := range p.h * p.w {
			mean += *p.at(n, c, i/p.w, i%p.w) / count
		}
	}
	for n := range p.n {
		for i := range p.h * p.w {
			d := *p.at(n, c, i/p.w, i%p.w) - mean
			variance += d * d / count
		}
	}
	return mean, variance
}

func (p plain) maxPool(v kernel.Window) plain {
	return p.pool(v, math.Inf(-1), math.Max, func(value float64, _ int) float64 { return value })
}

func (p plain) avgPool(v kernel.Window, includePad bool) plain {
	add := func(a, b float64) float64 { return a + b }
	return p.pool(v, 0, add, func(value float64, inside int) float64 {
		if includePad {
			inside = v.R * v.S
		}
		return value / float64(inside)
	})
}

func (p plain) pool(v kernel.Window, start float64, join func(a, b float64) float64, finish func(value float64, inside int) float64) plain {
	oh, ow := v.Out(p.h, p.w)
	y := newPlain(p.n, p.c, oh, ow)
	y.each(func(n, c, i, j int) {
		value, inside := start, 0
		p.window(v, i, j, func(_, _, h, x int) {
			value = join(value, *p.at(n, c, h, x))
			inside++
		})
		*y.at(n, c, i, j) = finish(value, inside)
	})
	return y
}

// window visits the taps of output pixel (i, j) that are inside p.
func (p plain) window(v kernel.Window, i, j int, visit func(r, s, h, w int)) {
	for r := range v.R {
		for s := range v.S {
			h, w := i*v.StrideH+r-v.PadH, j*v.StrideW+s-v.PadW
			if h >= 0 && h < p.h && w >= 0 && w < p.w {
				visit(r, s, h, w)
			}
		}
	}
}

func (p plain) each(visit func(n, c, h, w int)) {
	for n := range p.n {
		for c := range p.c {
			for h := range p.h {
				for w := range p.w {
					visit(n, c, h, w)
				}
			}
		}
	}
}

func concatPlain(xs ...plain) plain {
	c := 0
	for _, x := range xs {
		c += x.c
	}
	y := newPlain(xs[0].n, c, xs[0].h, xs[0].w)
	from := 0
	for _, x := range xs {
		x.each(func(n, c, h, w int) { *y.at(n, from+c, h, w) = *x.at(n, c, h, w) })
		from += x.c
	}
	return y
}

func (p plain) linear(w, bias []float64, k int) plain {
	y := p.conv(w, k, kernel.Square(1, 1, 0))
	y.each(func(n, c, _, _ int) { *y.at(n, c, 0, 0) += bias[c] })
	return y
}

// crossEntropy is the mean cross-entropy with uniformly smoothed labels.
func (p plain) crossEntropy(labels []int, epsilon float64) float64 {
	loss := 0.0
	for n := range p.n {
		sum := 0.0
		for c := range p.c {
			sum += math.Exp(*p.at(n, c, 0, 0))
		}
		for c := range p.c {
			target := epsilon / float64(p.c)
			if c == labels[n] {
				target += 1 - epsilon
			}
			loss -= target * (*p.at(n, c, 0, 0) - math.Log(sum)) / float64(p.n)
		}
	}
	return loss
}

// dot weights every value with a fixed irregular number, which turns any
// activation into a scalar whose gradient is known.
func (p plain) dot() float64 {
	sum := 0.0
	for i, v := range p.v {
		sum += v * weightAt(i)
	}
	return sum
}

func weightAt(i int) float64 { return float64(float32(math.Sin(float64(i)*1.7 + 0.3))) }
