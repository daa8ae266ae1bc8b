package kernel

import "github.com/inception-go/inception/internal/parallel"

// Dropout keeps each value of x with probability keep, divided by keep, and
// overwrites y with that. Which are kept follows from seed and a value's
// place alone.
func Dropout(y, x Map, keep float32, seed uint64) {
	blocks := x.Blocks()
	parallel.For(x.N*blocks, func(i int) {
		to, from := y.Plane(i/blocks, i%blocks), x.Plane(i/blocks, i%blocks)
		for j, v := range from {
			if uniform(seed, uint64(i*len(from)+j)) < keep {
				to[j] = v / keep
			} else {
				to[j] = 0
			}
		}
	})
}

// DropoutBackward overwrites dx with the gradient of Dropout, which is the
// same function.
func DropoutBackward(dx, dy Map, keep float32, seed uint64) { Dropout(dx, dy, keep, seed) }

// uniform returns number n of a seed's random numbers in [0, 1), by the mixing
// steps of SplitMix64 (Steele, Lea and Flood, 2014).
func uniform(seed, n uint64) float32 {
	z := seed + (n+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float32((z^z>>31)>>40) / (1 << 24)
}
