package simd

import (
	"math"
	"unsafe"
)

// Float32 returns a bf16's value.
func Float32(v uint16) float32 { return math.Float32frombits(uint32(v) << 16) }

func roundBF16Generic(to []uint16, from []float32) {
	for i, v := range from[:len(from)/Block*Block] {
		to[i] = RoundBF16(v)
	}
}

func widenBF16Generic(to []float32, from []uint16, scale float32) {
	for i, v := range from[:len(from)/Block*Block] {
		to[i] = Float32(v) * scale
	}
}

func addBF16Generic(sum []float32, x []uint16) {
	for i, v := range x[:len(x)/Block*Block] {
		sum[i] += Float32(v)
	}
}

func pairBF16Generic(to, low, high []uint16) {
	for i, v := range low[:len(low)/Block*Block] {
		to[2*i], to[2*i+1] = v, high[i]
	}
}

func packPairsGeneric(to *[Block * Block]uint16, from *[Block * Block]float32) {
	for c := range Block {
		for k := range Block {
			to[c/2*2*Block+2*k+c%2] = RoundBF16(from[c*Block+k])
		}
	}
}

func packTransposedGeneric(to *[Block * Block]uint16, from *[Block * Block]float32) {
	for c := range Block {
		for k := range Block {
			to[k/2*2*Block+2*c+k%2] = RoundBF16(from[c*Block+k])
		}
	}
}

// The sums of the loops below begin at zero in each call, as those in registers
// do. Explicit conversions prevent fused multiply-adds.

func momentsBF16Generic(sum, sq *[Block]float64, x []uint16) {
	sumRuns(sum, sq, len(x), func(at, i int) (first, second float32) {
		v := Float32(x[at+i])
		return v, float32(v * v)
	})
}

// bf16SumRun is how many pixels are summed in float32 before float64 takes their
// sum.
const bf16SumRun = 8

// sumRuns adds up two values of each of n places: runs of pixels in float32, and
// those in float64; the pixels left over one by one.
func sumRuns(sum, second *[Block]float64, n int, value func(at, lane int) (float32, float32)) {
	var sums [2][Block]float64
	for at := 0; at+Block <= n; {
		pixels := bf16SumRun
		if n-at < pixels*Block {
			pixels = 1
		}
		var run [2][Block]float32
		for range pixels {
			for lane := range Block {
				a, b := value(at, lane)
				run[0][lane] += a
				run[1][lane] += b
			}
			at += Block
		}
		for lane := range Block {
			sums[0][lane] += float64(run[0][lane])
			sums[1][lane] += float64(run[1][lane])
		}
	}
	for lane := range Block {
		sum[lane] += sums[0][lane]
		second[lane] += sums[1][lane]
	}
}

func normaliseBF16Generic(y, x []uint16, k *[3][Block]float32) {
	for at := 0; at+Block <= len(x); at += Block {
		for i, v := range (*[Block]uint16)(x[at:]) {
			value := normalised(Float32(v), k, i)
			if value < 0 {
				value = 0
			}
			y[at+i] = RoundBF16(value)
		}
	}
}

func gradientSumsBF16Generic(sum, dot *[Block]float64, dy, x []uint16, k *[3][Block]float32) {
	sumRuns(sum, dot, len(dy), func(at, i int) (first, second float32) {
		v, g := Float32(x[at+i]), Float32(dy[at+i])
		if !(normalised(v, k, i) > 0) {
			g = 0
		}
		return g, float32(g * (v - k[2][i]))
	})
}

func gradientApplyBF16Generic(dx, dy, x []uint16, k *[5][Block]float32) {
	forward := (*[3][Block]float32)(k[:])
	for at := 0; at+Block <= len(dy); at += Block {
		for i, v := range (*[Block]uint16)(x[at:]) {
			v, g := Float32(v), Float32(dy[at+i])
			if !(normalised(v, forward, i) > 0) {
				g = 0
			}
			dx[at+i] = RoundBF16(float32(k[0][i]*g) + (float32(k[3][i]*(v-k[2][i])) + k[4][i]))
		}
	}
}

// half returns the 16 channels of output pixel i.
func (p *PoolArgs) half(i int) *[Block]uint16 {
	return (*[Block]uint16)(unsafe.Add(p.Y, i*Block*bf16Bytes))
}

// tappedHalf returns the 16 channels of a tap of output pixel i's window.
func (p *PoolArgs) tappedHalf(t PoolTap, i int) *[Block]uint16 {
	return (*[Block]uint16)(unsafe.Add(p.X, t.Offset+i*p.XPixel))
}

func poolSumBF16Generic(p *PoolArgs) {
	taps := p.list()
	for i := range p.Pixels {
		var sum [Block]float32
		for _, t := range taps {
			for c, v := range p.tappedHalf(t, i) {
				sum[c] += Float32(v)
			}
		}
		y := p.half(i)
		for c, v := range sum {
			y[c] = RoundBF16(p.Scale * v)
		}
	}
}

func poolSum3BF16Generic(p *PoolArgs) {
	taps := p.list()
	for i := range p.Pixels {
		var columns [3][Block]float32
		for at, t := range taps {
			for c, v := range p.tappedHalf(t, i) {
				columns[at%3][c] += Float32(v)
			}
		}
		y := p.half(i)
		for c := range y {
			y[c] = RoundBF16(p.Scale * (columns[0][c] + columns[1][c] + columns[2][c]))
		}
	}
}

func poolMaxBF16Generic(p *PoolArgs) { eachMaximum(p, func(int, int, PoolTap) {}) }

func poolMaxPositiveBF16Generic(p *PoolArgs) {
	const infinity = 0x7f80
	p.Negative = 0
	for i := range p.Pixels {
		y := p.half(i)
		*y = [Block]uint16{}
		for _, t := range p.list() {
			for c, v := range p.tappedHalf(t, i) {
				y[c] = max(y[c], v)
				if v > infinity {
					p.Negative |= 1 << c
				}
			}
		}
	}
}

func poolArgmaxBF16Generic(p *PoolArgs) {
	eachMaximum(p, func(i, c int, t PoolTap) { p.winners(i)[c] = uint8(t.Index) })
}

// eachMaximum writes the maximum of each window, and calls found with the taps
// that are larger than those before them: the last call of a pixel's channel
// names its maximum.
func eachMaximum(p *PoolArgs, found func(i, c int, t PoolTap)) {
	for i := range p.Pixels {
		y := p.half(i)
		for at, t := range p.list() {
			for c, v := range p.tappedHalf(t, i) {
				if at == 0 || Float32(v) > Float32(y[c]) {
					y[c] = v
					found(i, c, t)
				}
			}
		}
	}
}

func poolMaxBackBF16Generic(p *PoolArgs) {
	taps := p.list()
	for i := range p.Pixels {
		dy, argmax := p.half(i), p.winners(i)
		for _, t := range taps {
			dx := p.tapped(t, i)
			for c, winner := range argmax {
				if winner == uint8(t.Index) {
					dx[c] += Float32(dy[c])
				}
			}
		}
	}
}
