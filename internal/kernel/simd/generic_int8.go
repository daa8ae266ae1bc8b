package simd

import (
	"math"
	"runtime"
	"unsafe"
)

// genericInt8 is the twin in plain Go.
var genericInt8 = func() *Int8 {
	s := &Int8{
		Name: "generic", Tiles: Tiles{TileRows: [MaxTileBlocks + 1]int{1: 14, 2: 14, 3: 9}},
		PoolSum: poolSumInt8Generic, PoolSum3: poolSumInt8Generic, // the sum of all is the same in any order
		PoolMax: poolMaxInt8Generic, ImageBytes: imageBytesGeneric,
		peak: peak{peakInt8Generic, peakChains * 8},
	}
	for n := 1; n <= MaxTileBlocks; n++ {
		for m := 1; m <= s.TileRows[n]; m++ {
			s.Gemm[n][m] = func(g *GemmArgs) { gemmInt8Generic(g, n, m) }
		}
	}
	return s
}()

// byteSteps are a block's steps: four channels each.
const byteSteps = Block / 4

// RoundByte rounds to nearest, ties to even. What is below 0, and NaN, becomes 0;
// what is above 255 that.
func RoundByte(v float32) uint8 {
	if !(v > 0) {
		return 0
	}
	return uint8(math.RoundToEven(float64(min(v, 255))))
}

func gemmInt8Generic(g *GemmArgs, blocks, pixels int) {
	batch := unsafe.Slice(g.Offsets, g.Count)
	for n := range blocks {
		for i := range pixels {
			sums := int8Sums(g, batch, i*g.APixel, n*g.BBlock)
			c := (*[Block]int32)(unsafe.Add(g.C, n*g.CBlock+i*g.CPixel))
			if g.Accumulate != 0 {
				for k := range sums {
					sums[k] += c[k]
				}
			}
			if g.Bias != nil {
				for k, b := range (*[Block]int32)(unsafe.Add(g.Bias, n*PixelBytes)) {
					sums[k] += b
				}
			}
			if g.Rounded == nil {
				*c = sums
				continue
			}
			to := (*[Block]uint8)(unsafe.Add(g.Rounded, n*g.RoundedBlock+i*g.RoundedPixel))
			for k, factor := range (*[Block]float32)(unsafe.Add(g.Scale, n*PixelBytes)) {
				to[k] = RoundByte(float32(sums[k]) * factor)
			}
		}
	}
}

// int8Sums computes 16 output channels of one pixel.
func int8Sums(g *GemmArgs, batch []GemmOffset, a, b int) (sums [Block]int32) {
	for _, at := range batch {
		x := (*[byteSteps][4]uint8)(unsafe.Add(g.A, at.A+a))
		w := (*[byteSteps][Block][4]int8)(unsafe.Add(g.B, at.B+b))
		for step := range w {
			x0, x1, x2, x3 := int32(x[step][0]), int32(x[step][1]), int32(x[step][2]), int32(x[step][3])
			for k := range sums {
				four := &w[step][k]
				sums[k] += x0*int32(four[0]) + x1*int32(four[1]) + x2*int32(four[2]) + x3*int32(four[3])
			}
		}
	}
	return sums
}

// bytes returns the 16 channels of output pixel i.
func (p *PoolArgs) bytes(i int) *[Block]uint8 { return (*[Block]uint8)(unsafe.Add(p.Y, i*Block)) }

// tappedBytes returns the 16 channels of a tap of output pixel i's window.
func (p *PoolArgs) tappedBytes(t PoolTap, i int) *[Block]uint8 {
	return (*[Block]uint8)(unsafe.Add(p.X, t.Offset+i*p.XPixel))
}

// eachRow calls f for one run after the other.
func (p *PoolArgs) eachRow(f func()) {
	for f(); p.Rows > 1; f() {
		p.X, p.Y = unsafe.Add(p.X, p.XRow), unsafe.Add(p.Y, p.YRow)
		p.Rows--
	}
}

func poolSumInt8Generic(p *PoolArgs) { p.eachRow(p.sumBytes) }

func (p *PoolArgs) sumBytes() {
	taps := p.list()
	for i := range p.Pixels {
		var sum [Block]int32
		for _, t := range taps {
			for c, v := range p.tappedBytes(t, i) {
				sum[c] += int32(v)
			}
		}
		y := p.bytes(i)
		for c, v := range sum {
			y[c] = RoundByte(float32(v) * p.Scale)
		}
	}
}

func poolMaxInt8Generic(p *PoolArgs) { p.eachRow(p.maxBytes) }

func (p *PoolArgs) maxBytes() {
	taps := p.list()
	for i := range p.Pixels {
		best := *p.tappedBytes(taps[0], i)
		for _, t := range taps[1:] {
			for c, v := range p.tappedBytes(t, i) {
				best[c] = max(best[c], v)
			}
		}
		*p.bytes(i) = best
	}
}

func imageBytesGeneric(g *ImageBytesArgs) {
	to := unsafe.Slice((*[4]uint8)(g.To), g.Pixels)
	for i := range to {
		to[i][3] = 0
		for colour := range 3 {
			v := *(*float32)(unsafe.Add(g.From, colour*g.Plane+i*FloatBytes))
			scaled := float32(v * g.Scale[colour]) // without fusing it with the sum
			to[i][colour] = RoundByte(scaled + g.Offset[colour])
		}
	}
}

func peakInt8Generic(turns int) {
	x, w := [4]int32{1, 1, 1, 1}, [4]int32{1, 1, 1, 1}
	var sums [peakChains]int32
	for range turns {
		for i := range sums {
			sums[i] += x[0]*w[0] + x[1]*w[1] + x[2]*w[2] + x[3]*w[3]
		}
	}
	runtime.KeepAlive(sums)
}
