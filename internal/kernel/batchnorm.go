package kernel

import (
	"fmt"
	"math"
	"sync"

	"github.com/inception-go/inception/internal/parallel"
)

// BatchNorm is batch norm (Ioffe and Szegedy, arXiv 1502.03167, algorithm 1) with
// the ReLU that follows it:
//
//	y = max(0, (x-Mean)/sqrt(Variance+Eps)*Gamma + Beta)
//
// The slices have one value per channel. A nil Gamma means 1; if Mean and
// Variance are nil, x is not normalised, so that Beta alone is a bias.
type BatchNorm struct {
	Mean, Variance []float32
	Gamma, Beta    []float32
	Eps            float32

	// Share, if any, adds the sums over this batch to those of batches elsewhere,
	// with which it is normalised as one; the last value counts pixels.
	Share func(sums []float64)
}

// Moments overwrites Mean and Variance with those of x over images and pixels;
// the variance is the biased one. Sums are in float64 and in a fixed order.
func (b BatchNorm) Moments(x Map) { moments(b, x, active.Moments) }

// MomentsBF16 is Moments of a map in bf16.
func (b BatchNorm) MomentsBF16(x MapBF16) { moments(b, x, active.BF16.Moments) }

func moments[E Element](b BatchNorm, x Activation[E], run func(sum, sq *[Block]float64, x []E)) {
	checkChannels("BatchNorm.Moments", x.C, b.Mean, b.Variance)
	n := borrowNorm(x.N, x.Blocks())
	defer n.release()
	n.sum(x.N, func(s *partialSum, image, block int) { run(&s.first, &s.second, x.Plane(image, block)) })
	count := n.share(b, x.N*x.H*x.W)
	for c := range x.C {
		s := &n.sums[c/Block]
		m := s.first[c%Block] / count
		b.Mean[c] = float32(m)
		b.Variance[c] = float32(max(0, s.second[c%Block]/count-m*m))
	}
}

// Forward overwrites y, which may be x.
func (b BatchNorm) Forward(y, x Map) { normalise(b, y, x, active.Normalise) }

// ForwardBF16 is Forward in bf16: the arithmetic is float32, and y is rounded.
func (b BatchNorm) ForwardBF16(y, x MapBF16) { normalise(b, y, x, active.BF16.Normalise) }

func normalise[E Element](b BatchNorm, y, x Activation[E], run func(y, x []E, k *[3][Block]float32)) {
	b.check("BatchNorm.Forward", x.C)
	n := borrowNorm(x.N, x.Blocks())
	defer n.release()
	n.setForward(b)
	blocks := x.Blocks()
	parallel.For(x.N*blocks, func(i int) {
		image, block := i/blocks, i%blocks
		run(y.Plane(image, block), x.Plane(image, block), n.forward(block))
	})
}

// Backward is the gradient of Forward where Mean and Variance are x's own: it
// overwrites dx, which may be dy, dgamma (unless nil) and dbeta. It recomputes
// from x where the ReLU was zero, which is faster than reading the output.
func (b BatchNorm) Backward(dx Map, dgamma, dbeta []float32, dy, x Map) {
	normGradient(b, dx, dgamma, dbeta, dy, x, false, active.GradientSums, active.GradientApply)
}

// BackwardFrozen is Backward where Mean and Variance are constants.
func (b BatchNorm) BackwardFrozen(dx Map, dgamma, dbeta []float32, dy, x Map) {
	normGradient(b, dx, dgamma, dbeta, dy, x, true, active.GradientSums, active.GradientApply)
}

// BackwardBF16 is Backward in bf16, or BackwardFrozen: the arithmetic is float32,
// and dx is rounded.
func (b BatchNorm) BackwardBF16(dx MapBF16, dgamma, dbeta []float32, dy, x MapBF16, frozen bool) {
	normGradient(b, dx, dgamma, dbeta, dy, x, frozen, active.BF16.GradientSums, active.BF16.GradientApply)
}

func normGradient[E Element](
	b BatchNorm, dx Activation[E], dgamma, dbeta []float32, dy, x Activation[E], frozen bool,
	sums func(sum, dot *[Block]float64, dy, x []E, k *[3][Block]float32),
	apply func(dx, dy, x []E, k *[5][Block]float32),
) {
	b.check("BatchNorm.Backward", x.C)
	checkChannels("BatchNorm.Backward", x.C, dbeta)
	n := borrowNorm(x.N, x.Blocks())
	defer n.release()
	n.setForward(b)
	n.sum(x.N, func(s *partialSum, image, block int) {
		sums(&s.first, &s.second, dy.Plane(image, block), x.Plane(image, block), n.forward(block))
	})
	n.setBackward(b, dgamma, dbeta, x.N*x.H*x.W, frozen)
	blocks := x.Blocks()
	parallel.For(x.N*blocks, func(i int) {
		image, block := i/blocks, i%blocks
		apply(dx.Plane(image, block), dy.Plane(image, block), x.Plane(image, block), &n.constants[block])
	})
}

func (b BatchNorm) gamma(c int) float64 {
	if b.Gamma == nil {
		return 1
	}
	return float64(b.Gamma[c])
}

func (b BatchNorm) inverseStd(c int) float64 {
	if b.Variance == nil {
		return 1
	}
	return 1 / math.Sqrt(float64(b.Variance[c])+float64(b.Eps))
}

func (b BatchNorm) mean(c int) float32 {
	if b.Mean == nil {
		return 0
	}
	return b.Mean[c]
}

// check panics unless every channel has its values.
func (b BatchNorm) check(name string, channels int) {
	checkChannels(name, channels, b.Beta)
	if b.Mean != nil || b.Variance != nil {
		checkChannels(name, channels, b.Mean, b.Variance)
	}
	if b.Gamma != nil {
		checkChannels(name, channels, b.Gamma)
	}
}

func checkChannels(name string, channels int, values ...[]float32) {
	for _, v := range values {
		if len(v) < channels {
			panic(fmt.Sprintf("kernel: %s has %d values for %d channels", name, len(v), channels))
		}
	}
}

// norm is the memory of one call: the sums and the applied constants of each
// channel block.
type norm struct {
	partial   []partialSum
	sums      []partialSum
	constants [][5][Block]float32 // scale, shift, mean; slope and offset of the gradient
	groups    int                 // of images, each with its own partial sums
}

// partialSum holds two sums of 16 channels.
type partialSum struct{ first, second [Block]float64 }

var norms = sync.Pool{New: func() any { return new(norm) }}

// sumPieces is how many pieces of work a sum is cut into if there are enough
// images. It does not depend on the number of threads.
const sumPieces = 32

func borrowNorm(images, blocks int) *norm {
	n := norms.Get().(*norm)
	n.groups = min(images, (sumPieces+blocks-1)/blocks)
	if cap(n.sums) < blocks {
		n.sums, n.constants = make([]partialSum, blocks), make([][5][Block]float32, blocks)
	}
	if pieces := blocks * n.groups; cap(n.partial) < pieces {
		n.partial = make([]partialSum, pieces)
	}
	n.sums, n.constants, n.partial = n.sums[:blocks], n.constants[:blocks], n.partial[:blocks*n.groups]
	return n
}

// share makes the sums those over all batches that are normalised as one, and
// returns the pixels of all.
func (n *norm) share(b BatchNorm, pixels int) (count float64) {
	if b.Share == nil {
		return float64(pixels)
	}
	var values []float64
	for i := range n.sums {
		values = append(append(values, n.sums[i].first[:]...), n.sums[i].second[:]...)
	}
	values = append(values, float64(pixels))
	b.Share(values)
	for i := range n.sums {
		values = values[copy(n.sums[i].first[:], values):]
		values = values[copy(n.sums[i].second[:], values):]
	}
	return values[0]
}

// setForward sets the constants that the forward pass applies.
func (n *norm) setForward(b BatchNorm) {
	for c := range len(n.constants) * Block {
		k := &n.constants[c/Block]
		k[0][c%Block] = float32(b.gamma(c) * b.inverseStd(c))
		k[1][c%Block] = b.Beta[c]
		k[2][c%Block] = b.mean(c)
	}
}

// setBackward makes of the gradient's sums over count values those of the
// parameters and the constants that the backward pass applies.
func (n *norm) setBackward(b BatchNorm, dgamma, dbeta []float32, pixels int, frozen bool) {
	for c := range len(n.constants) * Block {
		s, lane := &n.sums[c/Block], c%Block
		dbeta[c] = float32(s.first[lane])
		if dgamma != nil {
			dgamma[c] = float32(s.second[lane] * b.inverseStd(c))
		}
	}
	if frozen {
		for block := range n.constants {
			n.constants[block][3], n.constants[block][4] = [Block]float32{}, [Block]float32{}
		}
		return
	}
	count := n.share(b, pixels)
	for c := range len(n.constants) * Block {
		s, k, lane := &n.sums[c/Block], &n.constants[c/Block], c%Block
		inverse := b.inverseStd(c)
		scale := b.gamma(c) * inverse
		k[3][lane] = float32(-scale * inverse * inverse * s.second[lane] / count)
		k[4][lane] = float32(-scale * s.first[lane] / count)
	}
}

func (n *norm) forward(block int) *[3][Block]float32 {
	return (*[3][Block]float32)(n.constants[block][:3])
}

func (n *norm) release() { norms.Put(n) }

// sum calls add for each image and block and adds up the partial sums.
func (n *norm) sum(images int, add func(s *partialSum, image, block int)) {
	blocks := len(n.sums)
	parallel.For(len(n.partial), func(i int) {
		block, group := i%blocks, i/blocks
		s := &n.partial[i]
		*s = partialSum{}
		for image := images * group / n.groups; image < images*(group+1)/n.groups; image++ {
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
