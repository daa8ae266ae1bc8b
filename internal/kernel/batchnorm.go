package kernel

import (
	"fmt"
	"math"
	"sync"

	"github.com/inception-go/inception/internal/parallel"
)

// BatchNormMoments overwrites mean and variance, one value a channel, with
// those of x over images and pixels; the variance is the biased one. Sums are
// made in float64 and in a fixed order.
func BatchNormMoments(mean, variance []float32, x Map) {
	checkChannels("BatchNormMoments", x.C, mean, variance)
	n := borrowNorm(x)
	defer n.release()
	n.sum(x, func(s *partialSum, image, block int) { active.Moments(&s.first, &s.second, x.Plane(image, block)) })
	count := float64(x.N * x.H * x.W)
	for c := range x.C {
		s := &n.sums[c/Block]
		m := s.first[c%Block] / count
		mean[c] = float32(m)
		variance[c] = float32(max(0, s.second[c%Block]/count-m*m))
	}
}

// BatchNormReLU is y = (x-mean)/sqrt(variance+eps)*gamma + beta, and then zero
// where that is negative if relu is set (Ioffe and Szegedy, arXiv 1502.03167,
// algorithm 1). A nil gamma is 1. y may be x.
func BatchNormReLU(y, x Map, mean, variance, gamma, beta []float32, eps float32, relu bool) {
	checkChannels("BatchNormReLU", x.C, mean, variance, beta)
	n := borrowNorm(x)
	defer n.release()
	n.setForward(mean, variance, gamma, beta, eps)
	blocks := x.Blocks()
	parallel.For(x.N*blocks, func(i int) {
		image, block := i/blocks, i%blocks
		active.Normalise(y.Plane(image, block), x.Plane(image, block), n.forward(block), relu)
	})
}

// BatchNormReLUBackward is the gradient of BatchNormReLU whose mean and
// variance are x's own: it overwrites dx, dgamma (unless nil) and dbeta. Where
// the ReLU cut is computed anew from x, which takes less time than to read the
// output. dx may be dy.
func BatchNormReLUBackward(dx Map, dgamma, dbeta []float32, dy, x Map, mean, variance, gamma, beta []float32, eps float32, relu bool) {
	batchNormBackward(dx, dgamma, dbeta, dy, x, mean, variance, gamma, beta, eps, relu, false)
}

// BatchNormReLUBackwardFrozen is BatchNormReLUBackward for a mean and variance
// that are constants.
func BatchNormReLUBackwardFrozen(dx Map, dgamma, dbeta []float32, dy, x Map, mean, variance, gamma, beta []float32, eps float32, relu bool) {
	batchNormBackward(dx, dgamma, dbeta, dy, x, mean, variance, gamma, beta, eps, relu, true)
}

func batchNormBackward(dx Map, dgamma, dbeta []float32, dy, x Map, mean, variance, gamma, beta []float32, eps float32, relu, frozen bool) {
	checkChannels("BatchNormReLUBackward", x.C, mean, variance, beta, dbeta)
	n := borrowNorm(x)
	defer n.release()
	n.setForward(mean, variance, gamma, beta, eps)
	n.sum(x, func(s *partialSum, image, block int) {
		active.GradientSums(&s.first, &s.second, dy.Plane(image, block), x.Plane(image, block), n.forward(block), relu)
	})
	count := float64(x.N * x.H * x.W)
	for c := range x.C {
		s, k, lane := &n.sums[c/Block], &n.constants[c/Block], c%Block
		inverse := inverseStd(variance[c], eps)
		scale := gammaOf(gamma, c) * inverse
		dbeta[c] = float32(s.first[lane])
		if dgamma != nil {
			dgamma[c] = float32(s.second[lane] * inverse)
		}
		k[3][lane], k[4][lane] = 0, 0
		if !frozen {
			k[3][lane] = float32(-scale * inverse * inverse * s.second[lane] / count)
			k[4][lane] = float32(-scale * s.first[lane] / count)
		}
	}
	blocks := x.Blocks()
	parallel.For(x.N*blocks, func(i int) {
		image, block := i/blocks, i%blocks
		active.GradientApply(dx.Plane(image, block), dy.Plane(image, block), x.Plane(image, block), &n.constants[block], relu)
	})
}

func gammaOf(gamma []float32, c int) float64 {
	if gamma == nil {
		return 1
	}
	return float64(gamma[c])
}

func inverseStd(variance, eps float32) float64 {
	return 1 / math.Sqrt(float64(variance)+float64(eps))
}

func checkChannels(name string, channels int, values ...[]float32) {
	for _, v := range values {
		if len(v) < channels {
			panic(fmt.Sprintf("kernel: %s has %d values for %d channels", name, len(v), channels))
		}
	}
}

// norm is the memory of one call: what is summed and what is applied, for
// each channel block.
type norm struct {
	partial   []partialSum
	sums      []partialSum
	constants [][5][Block]float32 // scale, shift, mean; slope and offset of the gradient
	groups    int                 // of images, whose sums are partial ones
}

// partialSum holds two sums of 16 channels.
type partialSum struct{ first, second [Block]float64 }

var norms = sync.Pool{New: func() any { return new(norm) }}

// sumPieces is how many pieces of work a sum is cut into where the images
// allow it. It does not depend on the number of threads.
const sumPieces = 32

func borrowNorm(x Map) *norm {
	n := norms.Get().(*norm)
	blocks := x.Blocks()
	n.groups = min(x.N, (sumPieces+blocks-1)/blocks)
	if cap(n.sums) < blocks {
		n.sums, n.constants = make([]partialSum, blocks), make([][5][Block]float32, blocks)
	}
	if pieces := blocks * n.groups; cap(n.partial) < pieces {
		n.partial = make([]partialSum, pieces)
	}
	n.sums, n.constants, n.partial = n.sums[:blocks], n.constants[:blocks], n.partial[:blocks*n.groups]
	return n
}

// setForward sets what the forward pass applies.
func (n *norm) setForward(mean, variance, gamma, beta []float32, eps float32) {
	for c := range len(n.constants) * Block {
		k := &n.constants[c/Block]
		k[0][c%Block] = float32(gammaOf(gamma, c) * inverseStd(variance[c], eps))
		k[1][c%Block] = beta[c]
		k[2][c%Block] = mean[c]
	}
}

func (n *norm) forward(block int) *[3][Block]float32 {
	return (*[3][Block]float32)(n.constants[block][:3])
}

func (n *norm) release() { norms.Put(n) }

// sum adds up what add puts into the partial sums for each image and block.
func (n *norm) sum(x Map, add func(s *partialSum, image, block int)) {
	blocks := x.Blocks()
	parallel.For(len(n.partial), func(i int) {
		block, group := i%blocks, i/blocks
		s := &n.partial[i]
		*s = partialSum{}
		for image := x.N * group / n.groups; image < x.N*(group+1)/n.groups; image++ {
			add(s, image, block)
		}
	})
	for block := range n.sums {
		total := &n.sums[block]
		*total = n.partial[block]
		for group := 1; group < n.groups; group++ {
			s := &n.partial[group*blocks+block]
			for lane := range Block {
				total.first[lane] += s.first[lane]
				total.second[lane] += s.second[lane]
			}
		}
	}
}
