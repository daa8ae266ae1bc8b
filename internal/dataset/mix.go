package dataset

import (
	"math"
	"math/rand/v2"
	"slices"
)

// mix mixes the images of batch n of an epoch two by two, the first with the
// last, and so on. The order of an epoch is random, and so are the pairs.
func (l *Loader) mix(f *filling, epoch, n int) {
	a, b := l.options.Augment, f.batch
	if !l.options.Train || a.Mixup+a.Cutmix == 0 {
		b.Others, b.Shares = nil, nil
		return
	}
	rng := rand.New(rand.NewPCG(l.options.Seed^0xd1342543de82ef95*uint64(epoch+1), uint64(n)))
	b.Others, b.Shares = slices.Clone(b.Labels), slices.Repeat([]float32{1}, len(b.Labels))
	floats := len(b.Images) / len(b.Labels)
	for i := range len(b.Labels) / 2 {
		j := len(b.Labels) - 1 - i
		if f.errs[i] != nil || f.errs[j] != nil { // an unreadable image is not mixed into another
			continue
		}
		one, other := b.Images[i*floats:][:floats], b.Images[j*floats:][:floats]
		share := a.mixPair(one, other, l.options.Preprocess.Size, rng)
		if share < 0.5 { // then each shows more of the other
			share = 1 - share
			b.Labels[i], b.Labels[j] = b.Labels[j], b.Labels[i]
		}
		b.Others[i], b.Others[j] = b.Labels[j], b.Labels[i]
		b.Shares[i], b.Shares[j] = float32(share), float32(share)
	}
}

// mixPair mixes two images, [3][size][size], or leaves them alone. It returns
// the share that each keeps of itself.
func (a Augment) mixPair(one, other []float32, size int, rng *rand.Rand) float64 {
	switch choice := rng.Float64(); {
	case choice < a.Mixup:
		share := rng.Float64()
		blend(one, other, float32(share))
		return share
	case choice < a.Mixup+a.Cutmix:
		return exchange(one, other, size, rng)
	}
	return 1
}

// blend makes of two images two that hold share of themselves and the rest of
// the other. With shares uniform from 0 to 1 this is mixup with an alpha of 1
// (Zhang et al., "mixup: Beyond Empirical Risk Minimization", arXiv
// 1710.09412).
func blend(one, other []float32, share float32) {
	for k, v := range one {
		w := other[k]
		one[k], other[k] = share*v+(1-share)*w, share*w+(1-share)*v
	}
}

// exchange swaps a rectangle of two images, and returns the share of the area
// around it: CutMix with an alpha of 1 (Yun et al., "CutMix: Regularization
// Strategy to Train Strong Classifiers with Localizable Features", arXiv
// 1905.04899, equation 2). The rectangle is a square, less what lies beyond a
// border.
func exchange(one, other []float32, size int, rng *rand.Rand) float64 {
	half := math.Sqrt(rng.Float64()) * float64(size) / 2
	span := func() (from, to int) {
		middle := rng.Float64() * float64(size)
		return int(math.Round(max(0, middle-half))), int(math.Round(min(float64(size), middle+half)))
	}
	left, right := span()
	top, bottom := span()
	for plane := 0; plane < len(one); plane += size * size {
		for y := top; y < bottom; y++ {
			row := plane + y*size
			for k := row + left; k < row+right; k++ {
				one[k], other[k] = other[k], one[k]
			}
		}
	}
	return 1 - float64((right-left)*(bottom-top))/float64(size*size)
}
