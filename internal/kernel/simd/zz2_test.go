package simd_test

import (
	"fmt"
	"testing"
	"time"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
)

func TestYY(t *testing.T) {
	tile := simd.ISAs()[0].BF16.Tiles
	al := func(n int) unsafe.Pointer {
		b := make([]byte, n+4096)
		return unsafe.Pointer(uintptr(unsafe.Pointer(&b[0]))&^4095 + 4096)
	}
	off := make([]simd.GemmOffset, 1)
	out := al(1 << 20)
	for o := 0; o < 4096; o += 256 {
		for _, blk := range []int{39200, 40960} {
			g := &simd.GemmArgs{C: al(8192), A: al(8192), B: al(8192), Offsets: &off[0], Count: 0, APixel: 32, BBlock: 512, CPixel: 64, CBlock: 2048, ReLU: 1, Rounded: unsafe.Add(out, o), RoundedPixel: 32, RoundedBlock: blk}
			best := 1e9
			for range 20 {
				st := time.Now()
				for range 500 {
					tile.Gemm[2][32](g)
				}
				best = min(best, float64(time.Since(st))/500)
			}
			fmt.Printf("off %d block %d: %.0f\n", o, blk, best)
		}
	}
}
