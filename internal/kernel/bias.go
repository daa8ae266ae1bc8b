package kernel

import (
	"fmt"

	"github.com/inception-go/inception/internal/parallel"
)

// AddBias adds bias[k] to every pixel of channel k of y.
func AddBias(y Map, bias []float32) {
	if len(bias) < y.C {
		panic(fmt.Sprintf("kernel: AddBias has %d biases for %d channels", len(bias), y.C))
	}
	blocks := y.Blocks()
	parallel.For(y.N*blocks, func(i int) {
		plane, b := y.Plane(i/blocks, i%blocks), (*[Block]float32)(bias[i%blocks*Block:])
		for len(plane) >= Block {
			p := (*[Block]float32)(plane)
			for j := range p {
				p[j] += b[j]
			}
			plane = plane[Block:]
		}
	})
}

// BiasBackward overwrites db with the gradient of AddBias's bias: the sum of
// dy over images and pixels, in float64 and in a fixed order.
func BiasBackward(db []float32, dy Map) {
	if len(db) < dy.C {
		panic(fmt.Sprintf("kernel: BiasBackward has %d biases for %d channels", len(db), dy.C))
	}
	parallel.For(dy.Blocks(), func(block int) {
		var sum [Block]float64
		for n := range dy.N {
			plane := dy.Plane(n, block)
			for len(plane) >= Block {
				p := (*[Block]float32)(plane)
				for j, v := range p {
					sum[j] += float64(v)
				}
				plane = plane[Block:]
			}
		}
		for j, v := range sum {
			db[block*Block+j] = float32(v)
		}
	})
}
