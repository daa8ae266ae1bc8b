package ops

import (
	"slices"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Norm is the batch norm of one layer: its parameters and constants.
type Norm struct {
	Gamma, Beta *Param // Gamma may be nil: scale 1
	Mean, Var   *Param // running statistics
	Eps         float32
	Frozen      bool // normalise by the running statistics and do not change them

	// Share, if any, adds sums over this batch to those of batches elsewhere, with
	// which it is normalised as one, in the order of the layers forward and in that
	// of the gradients backward. An error ends the run.
	Share func(sums []float64) error
}

// Params returns the parameters that are not nil, in file order.
func (n Norm) Params() []*Param {
	return slices.DeleteFunc([]*Param{n.Gamma, n.Beta, n.Mean, n.Var}, func(p *Param) bool { return p == nil })
}

// BatchNormReLU normalises x by the batch's own statistics, scales, shifts
// and cuts at zero. It leaves the running statistics alone: Statistics tells
// what a run has measured. A frozen Norm uses the running statistics as
// constants.
func BatchNormReLU(name string, x *gorgonia.Node, norm Norm) (*gorgonia.Node, error) {
	channels := x.Shape()[1] * kernel.Block
	b := &batchNorm{Norm: norm, mean: make([]float32, channels), variance: make([]float32, channels)}
	if !norm.Frozen {
		b.measured = [2][]float32{make([]float32, channels), make([]float32, channels)}
	}
	o := &op{name: name + ": batch norm", result: like(x), ends: name, bf16: true, norm: b}
	in := gorgonia.Nodes{x, ParamNode(x.Graph(), norm.Beta)}
	if norm.Gamma != nil {
		in = append(in, ParamNode(x.Graph(), norm.Gamma))
	}
	o.wants = []bool{true, true, true}[:len(in)]
	o.forward = func(in []gorgonia.Value) error {
		return b.forward(o.result, in[0])
	}
	o.backward = func(in gorgonia.Nodes, _, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error) {
		return b.backward(name, in, grad, need)
	}
	return o.apply(in...)
}

// Statistic is what the last run's batch says of a running statistic: the mean
// of each channel, or the variance with Bessel's correction. It is there when the
// forward pass is over, may be changed, and is overwritten by the next run.
type Statistic struct {
	Param *Param
	Data  []float32
}

// Statistics returns those of all batch norms of a graph that are not frozen,
// in the order of the layers.
func Statistics(g *gorgonia.ExprGraph) (all []Statistic) {
	for _, n := range inOrder(g) {
		if o, ok := n.Op().(*op); ok && o.norm != nil && !o.norm.Frozen {
			all = append(all, Statistic{o.norm.Mean, o.norm.measured[0]}, Statistic{o.norm.Var, o.norm.measured[1]})
		}
	}
	return all
}

// Follow moves a running statistic towards batch by momentum.
func Follow(running *Param, batch []float32, momentum float32) {
	for i, v := range batch {
		running.Data[i] += momentum * (v - running.Data[i])
	}
}

// batchNorm is a Norm with the statistics of the last batch.
type batchNorm struct {
	Norm
	mean, variance []float32
	measured       [2][]float32 // those for Statistics; nil if frozen
}

func (b *batchNorm) forward(y *Result, x gorgonia.Value) error {
	k := b.kernel()
	count, failed := float32(y.shape[0]*y.shape[2]*y.shape[3]), error(nil)
	if b.Share != nil {
		k.Share = func(sums []float64) {
			failed = b.Share(sums)
			count = float32(sums[len(sums)-1])
		}
	}
	if b.Frozen {
		copy(b.mean, b.Mean.Data)
		copy(b.variance, b.Var.Data)
		return normalising(k).run(y, x)
	}
	moments := unary{
		float: func(y, x kernel.Map) { k.Moments(x) },
		half:  func(y, x kernel.MapBF16) { k.MomentsBF16(x) },
	}
	if err := moments.run(y, x); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	copy(b.measured[0], b.mean)
	for i, v := range b.variance {
		b.measured[1][i] = count / max(count-1, 1) * v
	}
	return normalising(k).run(y, x)
}

func normalising(k kernel.BatchNorm) unary { return unary{k.Forward, k.ForwardBF16} }

// normGradient overwrites dx, dgamma, which may be nil, and dbeta.
func normGradient(k kernel.BatchNorm, dx *Result, dgamma, dbeta []float32, dy, x gorgonia.Value, frozen bool) {
	switch {
	case dx.precision == BF16:
		k.BackwardBF16(dx.asBF16(), dgamma, dbeta, bf16Of(dy), bf16Of(x), frozen)
	case frozen:
		k.BackwardFrozen(dx.asMap(), dgamma, dbeta, mapOf(dy), mapOf(x))
	default:
		k.Backward(dx.asMap(), dgamma, dbeta, mapOf(dy), mapOf(x))
	}
}

func (b *batchNorm) backward(name string, in gorgonia.Nodes, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error) {
	dgamma, dbeta := newSliceResult(len(b.mean)), newSliceResult(len(b.mean))
	o := &op{name: name + ": batch norm gradient", result: like(in[0]), parts: []*Result{dgamma, dbeta}, bf16: true}
	o.forward = func(in []gorgonia.Value) error {
		dgamma.alloc()
		dbeta.alloc()
		k, failed := b.kernel(), error(nil)
		if b.Share != nil {
			k.Share = func(sums []float64) { failed = b.Share(sums) }
		}
		normGradient(k, o.result, dgamma.data, dbeta.data, in[0], in[1], b.Frozen)
		return failed
	}
	dx, err := o.apply(grad, in[0])
	if err != nil {
		return nil, err
	}
	grads := gorgonia.Nodes{dx, nil, nil}[:len(in)]
	for i, part := range []*Result{dbeta, dgamma}[:len(in)-1] {
		if !need[i+1] {
			continue
		}
		if grads[i+1], err = besides(name+": batch norm gradient part", dx, part); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// kernel returns the batch norm with the last batch's statistics.
func (b *batchNorm) kernel() kernel.BatchNorm {
	k := kernel.BatchNorm{Mean: b.mean, Variance: b.variance, Beta: b.Beta.Data, Eps: b.Eps}
	if b.Gamma != nil {
		k.Gamma = b.Gamma.Data
	}
	return k
}

// besides makes a node for a result that the op of main fills in addition to its
// own.
func besides(name string, main *gorgonia.Node, part *Result) (*gorgonia.Node, error) {
	o := &op{name: name, result: part, bf16: true, forward: func([]gorgonia.Value) error { return nil }}
	return o.apply(main)
}

// BiasReLU adds a bias to every channel and cuts at zero.
func BiasReLU(name string, x *gorgonia.Node, bias *Param) (*gorgonia.Node, error) {
	o := &op{name: name + ": bias", result: like(x), ends: name, bf16: true, wants: []bool{true, true}}
	o.forward = func(in []gorgonia.Value) error {
		return normalising(kernel.BatchNorm{Beta: bias.Data}).run(o.result, in[0])
	}
	o.backward = func(in gorgonia.Nodes, _, grad *gorgonia.Node, _ []bool) (gorgonia.Nodes, error) {
		dbias := newSliceResult(x.Shape()[1] * kernel.Block)
		dx := &op{name: name + ": bias gradient", result: like(x), parts: []*Result{dbias}, bf16: true}
		dx.forward = func(in []gorgonia.Value) error {
			dbias.alloc()
			normGradient(kernel.BatchNorm{Beta: bias.Data}, dx.result, nil, dbias.data, in[0], in[1], true)
			return nil
		}
		main, err := dx.apply(grad, in[0])
		if err != nil {
			return nil, err
		}
		part, err := besides(name+": bias gradient part", main, dbias)
		return gorgonia.Nodes{main, part}, err
	}
	return o.apply(x, ParamNode(x.Graph(), bias))
}
