package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Direction says in which direction of the classes the answer for an image is
// looked at: it sets direction, which is zero, from the image's logits. 1 for a
// class is that class' logit; 1 and -1 are the difference of two.
type Direction func(row int, logits, direction []float32)

// Score is the inner product of the logits of each image with its direction,
// summed over the batch, a scalar node. An image's derivatives are those of its
// own product where no layer mixes the images of a batch. choose is called at each
// run.
func Score(name string, logits *gorgonia.Node, classes int, choose *Direction) (*gorgonia.Node, error) {
	rows := logits.Shape()[0]
	directions := make([]float32, rows*classes)
	o := &op{name: name + ": score", result: newScalarResult(), wants: []bool{true}}
	o.forward = func(in []gorgonia.Value) error {
		clear(directions)
		values := planar(mapOf(in[0]), classes, func(plane []float32) []float32 { return plane })
		var score float32
		for row := range rows {
			of, direction := values[row*classes:][:classes], directions[row*classes:][:classes]
			(*choose)(row, of, direction)
			for class, v := range of {
				score += v * direction[class]
			}
		}
		o.result.value = gorgonia.NewF32(score)
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dlogits := &op{name: name + ": score gradient", result: like(in[0])}
		dlogits.forward = func(in []gorgonia.Value) error {
			scale, to := in[0].Data().(float32), dlogits.result.asMap()
			for row := range rows {
				for block := range to.Blocks() {
					clear(to.Plane(row, block))
				}
				for class, v := range directions[row*classes:][:classes] {
					to.Plane(row, class/kernel.Block)[class%kernel.Block] = scale * v
				}
			}
			return nil
		}
		// The score is an input so that its directions are those of this run.
		node, err := dlogits.apply(grad, out)
		return gorgonia.Nodes{node}, err
	}
	return o.apply(logits)
}
