package kernel

import (
	"fmt"

	"github.com/inception-go/inception/internal/parallel"
)

// BiasBackward overwrites db with the gradient of a bias, one value per channel,
// given the gradient dy of the sum: dy added up over images and pixels, in
// float64 and in a fixed order.
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
