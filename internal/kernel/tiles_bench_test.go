package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// BenchmarkGemmTiles measures every tile on 9 taps, which fit the L1 cache,
// and says what share of the multiply-add peak that is.
func BenchmarkGemmTiles(b *testing.B) {
	eachISABench(b, func(b *testing.B, s *isa) {
		for n := 1; n <= maxTileBlocks; n++ {
			for m := 1; m <= s.tileRows[n]; m++ {
				b.Run(fmt.Sprintf("%dx%d", n, m), func(b *testing.B) {
					const taps = 9
					g, flops := benchGemm(n, m, taps)
					benchTile(b, s, flops, func() { s.gemm[n][m](g) })
				})
			}
		}
	})
}

func benchGemm(n, m, taps int) (*gemmArgs, float64) {
	r := rand.New(rand.NewPCG(1, 2))
	a := randomFloats(r, make([]float32, (m+taps)*Block))
	w := randomFloats(r, make([]float32, n*taps*Block*Block))
	c := make([]float32, n*m*Block)
	offsets := make([]gemmOffset, taps)
	for i := range offsets {
		offsets[i] = gemmOffset{a: i * pixelBytes, b: i * tapBytes}
	}
	return &gemmArgs{
		c: unsafe.Pointer(&c[0]), a: unsafe.Pointer(&a[0]), b: unsafe.Pointer(&w[0]),
		offsets: &offsets[0], count: taps,
		aPixel: pixelBytes, bBlock: taps * tapBytes, cPixel: pixelBytes, cBlock: m * pixelBytes,
	}, float64(2 * n * m * taps * Block * Block)
}

// BenchmarkOuterTiles is BenchmarkGemmTiles for 64 pixels of an outer tile.
func BenchmarkOuterTiles(b *testing.B) {
	eachISABench(b, func(b *testing.B, s *isa) {
		for n, tile := range s.outer {
			if tile == nil {
				continue
			}
			b.Run(fmt.Sprint(n), func(b *testing.B) {
				const pixels = 64
				r := rand.New(rand.NewPCG(1, 2))
				x := randomFloats(r, make([]float32, pixels*Block))
				dy := randomFloats(r, make([]float32, n*pixels*Block))
				dw := make([]float32, n*Block*Block)
				rows := []outerRow{{0, 0, pixels / 4}, {16 * pixelBytes, 16 * pixelBytes, pixels / 4},
					{32 * pixelBytes, 32 * pixelBytes, pixels / 4}, {48 * pixelBytes, 48 * pixelBytes, pixels / 4}}
				o := &outerArgs{
					dw: unsafe.Pointer(&dw[0]), x: unsafe.Pointer(&x[0]), dy: unsafe.Pointer(&dy[0]),
					rows: &rows[0], count: len(rows), xPixel: pixelBytes, dyPixel: pixelBytes,
					dyBlock: pixels * pixelBytes, dwBlock: tapBytes,
				}
				benchTile(b, s, float64(2*n*pixels*Block*Block), func() { tile(o) })
			})
		}
	})
}

func eachISABench(b *testing.B, bench func(b *testing.B, s *isa)) {
	for _, s := range registry {
		b.Run(s.name, func(b *testing.B) { bench(b, s) })
	}
}

// benchTile reports GFLOP/s and the share of the peak. Both are the best of
// many short bursts that alternate, because the machine may be shared.
func benchTile(b *testing.B, s *isa, flops float64, call func()) {
	const burst = 200 * time.Microsecond
	tile, peak := 0.0, 0.0
	calls := int(burst.Seconds() * s.peakRate(burst) / flops / 2)
	for b.Loop() {
		start := time.Now()
		for range calls + 1 {
			call()
		}
		tile = max(tile, float64(calls+1)*flops/time.Since(start).Seconds())
		peak = max(peak, s.peakRate(burst))
	}
	b.ReportMetric(tile/1e9, "GFLOP/s")
	b.ReportMetric(100*tile/peak, "%peak")
	b.ReportMetric(0, "ns/op")
}
