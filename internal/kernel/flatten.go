package kernel

import "github.com/inception-go/inception/internal/parallel"

// Flatten overwrites y, a 1x1 map, with the first channels of x in file order:
// channel, row, column. Padding becomes zero.
func Flatten(y, x Map, channels int) {
	pixels := x.H * x.W
	parallel.For(x.N, func(n int) {
		for i := range y.C {
			v := float32(0)
			if c := i / pixels; c < channels {
				v = x.Plane(n, c/Block)[i%pixels*Block+c%Block]
			}
			y.Plane(n, i/Block)[i%Block] = v
		}
	})
}

// FlattenBackward overwrites dx with the gradient of Flatten.
func FlattenBackward(dx, dy Map, channels int) {
	pixels := dx.H * dx.W
	parallel.For(dx.N, func(n int) {
		for i := range dx.C * pixels {
			v := float32(0)
			if i < channels*pixels {
				v = dy.Plane(n, i/Block)[i%Block]
			}
			c := i / pixels
			dx.Plane(n, c/Block)[i%pixels*Block+c%Block] = v
		}
	})
}
