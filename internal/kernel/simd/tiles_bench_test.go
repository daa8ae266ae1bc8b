package simd_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// BenchmarkGemmTiles measures every tile on 9 taps, which fit the L1 cache,
// and says what share of the multiply-add peak that is.
func BenchmarkGemmTiles(b *testing.B) {
	eachISABench(b, func(b *testing.B, s *simd.ISA) {
		for n := 1; n <= simd.MaxTileBlocks; n++ {
			for m := 1; m <= s.TileRows[n]; m++ {
				b.Run(fmt.Sprintf("%dx%d", n, m), func(b *testing.B) {
					const taps = 9
					g, flops := benchGemm(n, m, taps)
					benchTile(b, s, flops, func() { s.Gemm[n][m](g) })
				})
			}
		}
	})
}

func benchGemm(n, m, taps int) (*simd.GemmArgs, float64) {
	r := rand.New(rand.NewPCG(1, 2))
	a := randomFloats(r, make([]float32, (m+taps)*simd.Block))
	w := randomFloats(r, make([]float32, n*taps*simd.Block*simd.Block))
	c := make([]float32, n*m*simd.Block)
	offsets := make([]simd.GemmOffset, taps)
	for i := range offsets {
		offsets[i] = simd.GemmOffset{A: i * simd.PixelBytes, B: i * simd.TapBytes}
	}
	return &simd.GemmArgs{
		C: unsafe.Pointer(&c[0]), A: unsafe.Pointer(&a[0]), B: unsafe.Pointer(&w[0]),
		Offsets: &offsets[0], Count: taps,
		APixel: simd.PixelBytes, BBlock: taps * simd.TapBytes, CPixel: simd.PixelBytes, CBlock: m * simd.PixelBytes,
	}, float64(2 * n * m * taps * simd.Block * simd.Block)
}

// BenchmarkOuterTiles is BenchmarkGemmTiles for 64 pixels of an outer tile.
func BenchmarkOuterTiles(b *testing.B) {
	eachISABench(b, func(b *testing.B, s *simd.ISA) {
		for n, tile := range s.Outer {
			if tile == nil {
				continue
			}
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				const pixels = 64
				r := rand.New(rand.NewPCG(1, 2))
				x := randomFloats(r, make([]float32, pixels*simd.Block))
				dy := randomFloats(r, make([]float32, n*pixels*simd.Block))
				dw := make([]float32, n*simd.Block*simd.Block)
				rows := []simd.OuterRow{{0, 0, pixels / 4}, {16 * simd.PixelBytes, 16 * simd.PixelBytes, pixels / 4},
					{32 * simd.PixelBytes, 32 * simd.PixelBytes, pixels / 4}, {48 * simd.PixelBytes, 48 * simd.PixelBytes, pixels / 4}}
				o := &simd.OuterArgs{
					DW: unsafe.Pointer(&dw[0]), X: unsafe.Pointer(&x[0]), DY: unsafe.Pointer(&dy[0]),
					Rows: &rows[0], Count: len(rows), XPixel: simd.PixelBytes, DYPixel: simd.PixelBytes,
					DYBlock: pixels * simd.PixelBytes, DWBlock: simd.TapBytes,
				}
				benchTile(b, s, float64(2*n*pixels*simd.Block*simd.Block), func() { tile(o) })
			})
		}
	})
}

func eachISABench(b *testing.B, bench func(b *testing.B, s *simd.ISA)) {
	for _, s := range simd.ISAs() {
		b.Run(s.Name, func(b *testing.B) { bench(b, s) })
	}
}

// benchTile reports GFLOP/s and the share of the peak. Both are the best of
// many short bursts that alternate, because the machine may be shared.
func benchTile(b *testing.B, s *simd.ISA, flops float64, call func()) {
	const burst = 200 * time.Microsecond
	tile, peak := 0.0, 0.0
	calls := int(burst.Seconds() * s.PeakRate(burst) / flops / 2)
	for b.Loop() {
		start := time.Now()
		for range calls + 1 {
			call()
		}
		tile = max(tile, float64(calls+1)*flops/time.Since(start).Seconds())
		peak = max(peak, s.PeakRate(burst))
	}
	b.ReportMetric(tile/1e9, "GFLOP/s")
	b.ReportMetric(100*tile/peak, "%peak")
	b.ReportMetric(0, "ns/op")
}
