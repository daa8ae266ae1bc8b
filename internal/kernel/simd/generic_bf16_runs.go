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
	var first, second [Block]float64
	for at := 0; at+Block <= len(x); at += Block {
		for i, v := range (*[Block]uint16)(x[at:]) {
			d := float64(Float32(v))
			first[i] += d
			second[i] += float64(d * d)
		}
	}
	addSums(sum, &first)
	addSums(sq, &second)
}

func addSums(to, from *[Block]float64) {
	for i, v := range from {
		to[i] += v
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
	var first, second [Block]float64
	for at := 0; at+Block <= len(dy); at += Block {
		for i, v := range (*[Block]uint16)(x[at:]) {
			v, g := Float32(v), Float32(dy[at+i])
			if !(normalised(v, k, i) > 0) {
				g = 0
			}
			first[i] += float64(g)
			second[i] += float64(float32(g * (v - k[2][i])))
		}
	}
	addSums(sum, &first)
	addSums(dot, &second)
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

func poolMaxBF16Generic(p *PoolArgs) { eachMaximum(p, func(int, int, PoolTap) {}) }

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
