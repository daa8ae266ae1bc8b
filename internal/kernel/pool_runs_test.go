package kernel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// TestPoolRuns compares the pooling loops with their plain Go twins.
func TestPoolRuns(t *testing.T) {
	loops := map[string]func(*runs) func(*poolArgs){
		"sum":  func(s *runs) func(*poolArgs) { return s.poolSum },
		"max":  func(s *runs) func(*poolArgs) { return s.poolMax },
		"back": func(s *runs) func(*poolArgs) { return s.poolMaxBack },
	}
	for name, loop := range loops {
		t.Run(name, func(t *testing.T) {
			eachISA(t, func(t *testing.T) {
				for pixels := range 10 {
					for _, taps := range []int{1, 2, 9} {
						for seed := range uint64(4) {
							want, got := newPoolCase(t, seed, pixels, taps), newPoolCase(t, seed, pixels, taps)
							loop(&genericISA.runs)(&want.args)
							loop(&active.runs)(&got.args)
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
	args   poolArgs
	x, y   []float32
	argmax []uint8
	taps   []poolTap
}

func newPoolCase(t testing.TB, seed uint64, pixels, taps int) *poolCase {
	r := rand.New(rand.NewPCG(seed, uint64(taps)))
	atStart := seed%2 == 0
	p := &poolCase{}
	p.args = poolArgs{count: taps, pixels: pixels, xPixel: pixelBytes * (1 + r.IntN(3)), scale: 0.25}
	for i, place := range r.Perm(taps) {
		p.taps = append(p.taps, poolTap{offset: place * pixelBytes, index: 2*i + 1})
	}
	p.x = fenced(t, (max(0, pixels-1)*p.args.xPixel+taps*pixelBytes)/floatBytes, atStart)
	for i := range p.x {
		p.x[i] = float32(r.IntN(5)) // so that maxima are shared
	}
	p.y = randomFloats(r, fenced(t, pixels*Block, atStart))
	p.argmax = make([]uint8, 0)
	if bytes := fenced(t, pixels*Block/floatBytes, atStart); pixels > 0 {
		p.argmax = unsafe.Slice((*uint8)(unsafe.Pointer(&bytes[0])), pixels*Block)
	}
	for i := range p.argmax {
		p.argmax[i] = uint8(2*r.IntN(taps+1) + 1) // one of no tap too
	}
	p.args.x, p.args.y = unsafe.Pointer(&p.x[0]), unsafe.Pointer(unsafe.SliceData(p.y))
	p.args.argmax, p.args.taps = unsafe.Pointer(unsafe.SliceData(p.argmax)), &p.taps[0]
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
