package simd_test

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
)

func TestZZ(t *testing.T) {
	s := simd.ISAs()[0]
	for _, bytes := range []bool{false, true} {
		unit, tile := 2, s.BF16.Tiles
		if bytes {
			unit, tile = 1, s.Int8.Tiles
		}
		for _, sh := range [][3]int{{2, 32, 0}, {2, 32, 1}, {2, 32, 4}, {2, 32, 18}, {2, 32, 72}, {2, 17, 0}, {2, 17, 18}, {2, 17, 72}, {2, 16, 72}, {2, 8, 18}, {2, 8, 72}, {1, 32, 18}, {1, 32, 72}, {1, 17, 72}, {1, 8, 72}} {
			n, m, count := sh[0], sh[1], sh[2]
			al := func(n int) unsafe.Pointer {
				b := make([]byte, n+64)
				return unsafe.Pointer(uintptr(unsafe.Pointer(&b[0]))&^63 + 64)
			}
			plane := 1225 * 16 * unit
			a := make([]byte, plane*(count+1)+64)
			w := al(n * (count + 1) * 256 * unit)
			off := make([]simd.GemmOffset, count+1)
			for i := range off {
				off[i] = simd.GemmOffset{A: i * plane, B: i * 256 * unit}
			}
			out := al(n * plane)
			c := al(n * 32 * 64)
			bias := al(n * 64)
			scale := al(n * 64)
			g := &simd.GemmArgs{C: c, A: unsafe.Pointer(&a[0]), B: w, Offsets: &off[0], Count: count, APixel: 16 * unit, BBlock: count * 256 * unit, CPixel: 64, CBlock: 32 * 64, Bias: bias, ReLU: 1, Rounded: out, RoundedPixel: 16 * unit, RoundedBlock: plane, Scale: scale}
			time1 := func(f func()) float64 {
				best := 1e9
				for range 20 {
					st := time.Now()
					for range 500 {
						f()
					}
					best = min(best, float64(time.Since(st))/500)
				}
				return best
			}
			one := time1(func() { tile.Gemm[n][m](g) })
			two := time1(func() { tile.Gemm[n][m](g); tile.Gemm[n][m-1](g) }) / 2
			fmt.Printf("bytes %t %dx%d count %d: %.0f ns, alternating %.0f ns; %.0f GFLOP/s\n", bytes, n, m, count, one, two, float64(2*256*n*m*count)/one)
		}
	}
}
