package kernel

import (
	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// Flatten overwrites y, a 1x1 map, with the first channels of x in file order:
// channel, row, column. Padding becomes zero.
func Flatten(y, x Map, channels int) { flatten(y, x, channels, func(v float32) float32 { return v }) }

// FlattenBF16 is Flatten of a map in bf16 to one in float32.
func FlattenBF16(y Map, x MapBF16, channels int) { flatten(y, x, channels, simd.Float32) }

func flatten[E Element](y Map, x Activation[E], channels int, value func(E) float32) {
	pixels := x.H * x.W
	parallel.For(x.N, func(n int) {
		for i := range y.C {
			v := float32(0)
			if c := i / pixels; c < channels {
				v = value(x.Plane(n, c/Block)[i%pixels*Block+c%Block])
			}
			y.Plane(n, i/Block)[i%Block] = v
		}
	})
}

// FlattenBackward overwrites dx with the gradient of Flatten.
func FlattenBackward(dx, dy Map, channels int) {
	unflatten(dx, dy, channels, func(v float32) float32 { return v })
}

// FlattenBackwardBF16 overwrites dx with the gradient of FlattenBF16, rounded.
func FlattenBackwardBF16(dx MapBF16, dy Map, channels int) {
	unflatten(dx, dy, channels, simd.RoundBF16)
}

func unflatten[E Element](dx Activation[E], dy Map, channels int, rounded func(float32) E) {
	pixels := dx.H * dx.W
	parallel.For(dx.N, func(n int) {
		for i := range dx.C * pixels {
			v := float32(0)
			if i < channels*pixels {
				v = dy.Plane(n, i/Block)[i%Block]
			}
			c := i / pixels
			dx.Plane(n, c/Block)[i%pixels*Block+c%Block] = rounded(v)
		}
	})
}
