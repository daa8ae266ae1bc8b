package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCopyWorksOnViews(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	src, dst := newViewMap(r, 3, 48, 3, 5, true, true), newViewMap(r, 3, 48, 3, 5, true, false)
	Copy(dst.Map, src.Map)
	if !slices.Equal(dst.values(), src.values()) {
		t.Error("the copy differs")
	}
	dst.check(t, "dst")
}

func TestASumAddsItsPartsInTheirOrder(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, size := range []int{1, 5, 17} { // of 17, planes are several chunks
			r := rand.New(rand.NewPCG(uint64(size), 3))
			y, whole := newViewMap(r, 3, 48, size, size, true, false), newViewMap(r, 3, 48, size, size, true, true)
			part, other := newViewMap(r, 3, 16, size, size, true, true), newViewMap(r, 3, 32, size, size, true, true)
			parts := []Part[float32]{{part.Map, 32}, {whole.Map, 0}, {other.Map, 16}, {part.Map, 0}}
			Sum(y.Map, parts)
			for i, got := range y.values() {
				image, channel, pixel := i/(48*size*size), i/(size*size)%48, i%(size*size)
				want, first := float32(0), true
				for _, p := range parts {
					if c := channel - p.From; c >= 0 && c < p.C {
						v := p.Plane(image, c/Block)[pixel*Block+c%Block]
						if want += v; first {
							want, first = v, false
						}
					}
				}
				if got != want {
					t.Fatalf("%d pixels wide, image %d, channel %d: %g, want %g", size, image, channel, got, want)
				}
			}
			y.check(t, "sum")
		}
	})
}
