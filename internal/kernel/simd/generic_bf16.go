package simd

import (
	"math"
	"runtime"
	"unsafe"
)

// genericBF16 is the twin in plain Go. Its tiles are as large as AVX-512's, whose
// order of sums depends on the size.
var genericBF16 = func() *BF16 {
	s := &BF16{
		Tiles: Tiles{TileRows: [MaxTileBlocks + 1]int{1: 14, 2: 14, 3: 9}},
		activationRuns: activationRuns{
			Round: roundBF16Generic, Widen: widenBF16Generic, Add: addBF16Generic, Pair: pairBF16Generic,
			Moments: momentsBF16Generic, Normalise: normaliseBF16Generic,
			GradientSums: gradientSumsBF16Generic, GradientApply: gradientApplyBF16Generic,
		},
		Transforms: Transforms{F3, winogradInBF16Generic, winogradOutBF16Generic, winogradWeightsBF16Generic},
		Gradient: GradientTransforms{
			winogradInWidenedGeneric, winogradOutBackWidenedGeneric, winogradWeightsBackGeneric,
		},
		PackPairs: packPairsGeneric, PackTransposed: packTransposedGeneric,
		PoolSum: poolSumBF16Generic, PoolSum3: poolSum3BF16Generic, PoolMax: poolMaxBF16Generic,
		PoolMaxPositive: poolMaxPositiveBF16Generic,
		PoolArgmax:      poolArgmaxBF16Generic, PoolMaxBack: poolMaxBackBF16Generic,
		peak: peak{peakBF16Generic, peakChainsBF16 * 4},
	}
	for n := 1; n <= MaxTileBlocks; n++ {
		for m := 1; m <= s.TileRows[n]; m++ {
			s.Gemm[n][m] = func(g *GemmArgs) { gemmBF16Generic(g, n, m) }
		}
		s.Outer[n] = func(o *OuterArgs) { outerBF16Generic(o, n) }
	}
	return s
}()

const (
	bf16Steps    = Block / 2 // of a tile: pairs of channels
	bf16Sets     = 4         // most partial sums of an output
	bf16InFlight = 12        // sums that a tile keeps in flight
)

// bf16SetsOf returns how many partial sums a tile has for every output: step i
// of a block adds to sum i modulo that.
func bf16SetsOf(blocks, pixels int) int {
	sets := 1
	for sets*blocks*pixels < bf16InFlight && sets < bf16Sets {
		sets *= 2
	}
	return sets
}

func gemmBF16Generic(g *GemmArgs, blocks, pixels int) {
	batch, sets := unsafe.Slice(g.Offsets, g.Count), bf16SetsOf(blocks, pixels)
	for n := range blocks {
		for i := range pixels {
			sums := bf16Sums(g, batch, sets, i*g.APixel, n*g.BBlock)
			bf16Epilogue(&sums, g, n, i)
		}
	}
}

// bf16Epilogue finishes and stores the sums of block n of pixel i.
func bf16Epilogue(sums *[Block]float32, g *GemmArgs, n, i int) {
	c := func() *[Block]float32 { return (*[Block]float32)(unsafe.Add(g.C, n*g.CBlock+i*g.CPixel)) } // if there is any
	if g.Accumulate != 0 {
		for k, old := range c() {
			sums[k] += old
		}
	}
	gemmEpilogue(sums, g, n)
	if g.Rounded == nil {
		*c() = *sums
		return
	}
	to := (*[Block]uint16)(unsafe.Add(g.Rounded, n*g.RoundedBlock+i*g.RoundedPixel))
	roundBF16Generic(to[:], sums[:])
}

// bf16Sums computes 16 output channels of one pixel.
func bf16Sums(g *GemmArgs, batch []GemmOffset, sets, a, b int) [Block]float32 {
	var sums [bf16Sets][Block]float32
	for _, at := range batch {
		x := (*[Block]uint16)(unsafe.Add(g.A, at.A+a))
		w := (*[bf16Steps][Block][2]uint16)(unsafe.Add(g.B, at.B+b))
		for step := range w {
			low, high := widen(x[2*step]), widen(x[2*step+1])
			to := &sums[step%sets]
			for k, pair := range w[step] {
				to[k] = dotBF16(to[k], low, high, pair)
			}
		}
	}
	for set := 1; set < sets; set++ {
		for k := range sums[0] {
			sums[0][k] += sums[set][k]
		}
	}
	return sums[0]
}

func outerBF16Generic(o *OuterArgs, blocks int) {
	for n := range blocks {
		dw := (*[Block][Block]float32)(unsafe.Add(o.DW, n*o.DWBlock))
		var sums [Block][Block]float32
		for _, row := range unsafe.Slice(o.Rows, o.Count) {
			for i := range row.Pixels {
				x := (*[Block][2]uint16)(unsafe.Add(o.X, row.X+i*o.XPixel))
				dy := (*[Block][2]uint16)(unsafe.Add(o.DY, row.DY+i*o.DYPixel+n*o.DYBlock))
				for c := range sums {
					low, high := widen(x[c][0]), widen(x[c][1])
					for k, pair := range dy {
						sums[c][k] = dotBF16(sums[c][k], low, high, pair)
					}
				}
			}
		}
		for c := range sums {
			for k, sum := range sums[c] {
				if o.Accumulate != 0 {
					sum += dw[c][k]
				}
				dw[c][k] = sum
			}
		}
	}
}

// dotBF16 is VDPBF16PS: two fused multiply-adds, the upper channel's first. In
// float64 a product of two bf16 is exact, and a sum of it and a float32 rounds to
// float32 as if it had been exact too.
func dotBF16(sum float32, low, high float64, w [2]uint16) float32 {
	sum = flush(float32(high*widen(w[1]) + float64(flush(sum))))
	return flush(float32(low*widen(w[0]) + float64(sum)))
}

// widen returns a bf16's value, 0 if it is below 2^-126.
func widen(v uint16) float64 { return float64(flush(math.Float32frombits(uint32(v) << 16))) }

// flush returns 0, with its sign, for values below 2^-126.
func flush(v float32) float32 {
	const exponent, sign = 0x7f800000, 0x80000000
	if bits := math.Float32bits(v); bits&exponent == 0 {
		return math.Float32frombits(bits & sign)
	}
	return v
}

// RoundBF16 rounds to nearest, ties to even; NaN stays NaN.
func RoundBF16(v float32) uint16 {
	bits := math.Float32bits(flush(v))
	if v != v {
		return uint16(bits>>16) | 1<<6 // a quiet one
	}
	return uint16((bits + 0x7fff + bits>>16&1) >> 16)
}

func peakBF16Generic(turns int) {
	half := [2]uint16{0x3f00, 0x3f00} // 0.5, twice
	var sums [peakChainsBF16]float32
	for range turns {
		for i := range sums {
			sums[i] = dotBF16(sums[i], 0.5, 0.5, half)
		}
	}
	runtime.KeepAlive(sums)
}
