package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFlattenGivesTheOrderOfFiles(t *testing.T) {
	for _, c := range []struct{ channels, h, w int }{{128, 4, 4}, {24, 2, 3}, {10, 1, 1}} {
		r := rand.New(rand.NewPCG(1, 2))
		flat := c.channels * c.h * c.w
		x := newViewMap(r, 2, roundUp(c.channels), c.h, c.w, true, true)
		y := newViewMap(r, 2, roundUp(flat), 1, 1, true, false)
		Flatten(y.Map, x.Map, c.channels)
		for n := range 2 {
			plain := x.values()[n*x.C*c.h*c.w:][:flat]
			got := y.values()[n*y.C:][:y.C]
			padded := slices.ContainsFunc(got[flat:], func(v float32) bool { return v != 0 })
			if padded || !slices.Equal(got[:flat], plain) {
				t.Errorf("%+v: image %d is %v, want %v and zeros", c, n, got, plain)
			}
		}
		dx := newViewMap(r, 2, x.C, c.h, c.w, true, false)
		FlattenBackward(dx.Map, y.Map, c.channels)
		for i, v := range dx.values() {
			want := x.values()[i]
			if i/(c.h*c.w)%x.C >= c.channels {
				want = 0
			}
			if v != want {
				t.Fatalf("%+v: gradient %d is %g, want %g", c, i, v, want)
			}
		}
		x.check(t, "x")
		y.check(t, "y")
		dx.check(t, "dx")
	}
}
