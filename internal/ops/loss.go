package ops

import (
	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// CrossEntropy is the mean over the batch of the cross-entropy between the
// softmax of the logits and the smoothed labels, a scalar node. labels are
// read at each run.
func CrossEntropy(name string, logits *gorgonia.Node, classes int, labels *kernel.Labels,
	smoothing kernel.Smoothing) (*gorgonia.Node, error) {
	s := logits.Shape()
	probs := make([]float32, s[0]*s[1]*kernel.Block)
	o := &op{name: name + ": cross-entropy", result: newScalarResult(), wants: []bool{true}}
	o.forward = func(in []gorgonia.Value) error {
		loss := smoothing.LossForward(mapOf(in[0]), classes, *labels, probs)
		o.result.value = gorgonia.NewF32(loss)
		return nil
	}
	o.backward = func(in gorgonia.Nodes, out, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dlogits := &op{name: name + ": cross-entropy gradient", result: like(in[0])}
		dlogits.forward = func(in []gorgonia.Value) error {
			scale := in[0].Data().(float32)
			smoothing.LossBackward(dlogits.result.asMap(), classes, probs, *labels, scale)
			return nil
		}
		// The loss is an input so that its probabilities are this run's.
		node, err := dlogits.apply(grad, out)
		return gorgonia.Nodes{node}, err
	}
	return o.apply(logits)
}
