package kernel

import "github.com/inception-go/inception/internal/parallel"

// Dropout overwrites y with the values of x, each kept with probability keep and
// then divided by keep, otherwise zero. The choice depends only on seed, step and
// the value's position.
func Dropout(y, x Map, keep float32, seed, step uint64) {
	blocks := x.Blocks()
	// Mixed once more, because otherwise each step's numbers would be those of
	// the previous step, shifted by one place.
	stream := mixed(seed + step*golden)
	parallel.For(x.N*blocks, func(i int) {
		to, from := y.Plane(i/blocks, i%blocks), x.Plane(i/blocks, i%blocks)
		for j, v := range from {
			if uniform(stream, uint64(i*len(from)+j)) < keep {
				to[j] = v / keep
			} else {
				to[j] = 0
			}
		}
	})
}

// DropoutBackward overwrites dx with the gradient of Dropout, which is the
// same function.
func DropoutBackward(dx, dy Map, keep float32, seed, step uint64) { Dropout(dx, dy, keep, seed, step) }

// golden is 2^64 over the golden ratio, the increment of SplitMix64 (Steele, Lea
// and Flood, 2014).
const golden = 0x9e3779b97f4a7c15

// uniform returns number n of a seed's random numbers in [0, 1), by
// SplitMix64.
func uniform(seed, n uint64) float32 {
	return float32(mixed(seed+(n+1)*golden)>>40) / (1 << 24)
}

// mixed is the mixing function of SplitMix64.
func mixed(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
