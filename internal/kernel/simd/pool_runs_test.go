package simd_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/kernel/simd/simdtest"
)

// TestPoolRuns compares the pooling loops with their plain Go twins.
func TestPoolRuns(t *testing.T) {
	loops := map[string]func(*simd.Runs) func(*simd.PoolArgs){
		"sum":  func(s *simd.Runs) func(*simd.PoolArgs) { return s.PoolSum },
		"max":  func(s *simd.Runs) func(*simd.PoolArgs) { return s.PoolMax },
		"back": func(s *simd.Runs) func(*simd.PoolArgs) { return s.PoolMaxBack },
	}
	for name, loop := range loops {
		t.Run(name, func(t *testing.T) {
			simdtest.Each(t, func(t *testing.T, s *simd.ISA) {
				for pixels := range 10 {
					for _, taps := range []int{1, 2, 9} {
						for seed := range uint64(4) {
							want, got := newPoolCase(t, seed, pixels, taps), newPoolCase(t, seed, pixels, taps)
							loop(&simd.Generic.Runs)(&want.args)
							loop(&s.Runs)(&got.args)
							if err := got.equal(want); err != nil {
								t.Fatalf("%d pixels, %d taps, seed %d: %v", pixels, taps, seed, err)
							}
						}
					}
				}
			})
		})
	}
}

// poolCase is a run on slices that end or begin at a guard page.
type poolCase struct {
	args   simd.PoolArgs
	x, y   []float32
	argmax []uint8
	taps   []simd.PoolTap
}

func newPoolCase(t testing.TB, seed uint64, pixels, taps int) *poolCase {
	r := rand.New(rand.NewPCG(seed, uint64(taps)))
	atStart := seed%2 == 0
	p := &poolCase{}
	p.args = simd.PoolArgs{Count: taps, Pixels: pixels, XPixel: simd.PixelBytes * (1 + r.IntN(3)), Scale: 0.25}
	for i, place := range r.Perm(taps) {
		p.taps = append(p.taps, simd.PoolTap{Offset: place * simd.PixelBytes, Index: 2*i + 1})
	}
	p.x = fenced(t, (max(0, pixels-1)*p.args.XPixel+taps*simd.PixelBytes)/simd.FloatBytes, atStart)
	for i := range p.x {
		p.x[i] = float32(r.IntN(5)) // so that maxima are shared
	}
	p.y = randomFloats(r, fenced(t, pixels*simd.Block, atStart))
	p.argmax = make([]uint8, 0)
	if bytes := fenced(t, pixels*simd.Block/simd.FloatBytes, atStart); pixels > 0 {
		p.argmax = unsafe.Slice((*uint8)(unsafe.Pointer(&bytes[0])), pixels*simd.Block)
	}
	for i := range p.argmax {
		p.argmax[i] = uint8(2*r.IntN(taps+1) + 1) // one of no tap too
	}
	p.args.X, p.args.Y = unsafe.Pointer(&p.x[0]), unsafe.Pointer(unsafe.SliceData(p.y))
	p.args.Argmax, p.args.Taps = unsafe.Pointer(unsafe.SliceData(p.argmax)), &p.taps[0]
	return p
}

func (p *poolCase) equal(want *poolCase) error {
	switch {
	case !slices.Equal(p.x, want.x):
		return fmt.Errorf("x is %v, wants %v", p.x, want.x)
	case !slices.Equal(p.y, want.y):
		return fmt.Errorf("y is %v, wants %v", p.y, want.y)
	case !bytes.Equal(p.argmax, want.argmax):
		return fmt.Errorf("argmax is %v, wants %v", p.argmax, want.argmax)
	}
	return nil
}
