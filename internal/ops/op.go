// Package ops puts the kernels into Gorgonia's expression graph.
//
// Every function that makes a node checks shapes at once and allocates
// nothing: memory comes with the first run, or from a Plan. An op owns the
// memory of its result and returns it from Do, so nodes never share memory
// unless one is declared a view of another (see Result).
package ops

import (
	"fmt"
	"hash"
	"hash/fnv"
	"runtime/debug"
	"sync/atomic"

	"github.com/chewxy/hm"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// op adapts one kernel to Gorgonia's SDOp.
type op struct {
	id     uint64
	name   string // the layer's name and the operation, for errors and graphs
	dims   []int  // of every input; 0 for a scalar
	result *Result
	parts  []*Result // filled besides result, read by nodes of their own
	inputs gorgonia.Nodes
	part   *channelRange // set if the op is a view of some channels
	layers []Layer       // facts for tables and exports; none for gradient ops
	ends   string        // the layer whose output it holds, if another op has that layer's facts
	bf16   bool          // it reads activations in bf16 too
	int8   bool          // or in bytes
	memory int           // bytes of the weights that it reads
	norm   *batchNorm    // of a batch norm in training

	// forward reads the inputs' values and fills result.
	forward func(in []gorgonia.Value) error

	// done, if any, hears the result of every run.
	done func(values []float32)

	// after, if any, runs when Do is done. Poison, of tests, and Observe, of calibration,
	// use it, one of them at a time.
	after func()

	// wants says which inputs have a derivative. backward makes their nodes:
	// need[i] says whether input i's is required; others may stay nil. grad
	// has out's shape.
	wants    []bool
	backward func(in gorgonia.Nodes, out, grad *gorgonia.Node, need []bool) (gorgonia.Nodes, error)
}

var _ gorgonia.SDOp = (*op)(nil)

// ids keeps two ops with equal inputs from becoming one node: Gorgonia merges
// nodes whose hashes agree; see Distinctly.
var ids atomic.Uint64

// apply gives o its identity and puts it into the graph.
func (o *op) apply(in ...*gorgonia.Node) (*gorgonia.Node, error) {
	o.id = ids.Add(1)
	o.inputs = in
	o.dims = make([]int, len(in))
	for i, n := range in {
		o.dims[i] = n.Shape().Dims()
		if precisionOf(n) == BF16 && !o.bf16 {
			return nil, fmt.Errorf("%s: cannot be computed in bf16", o.name)
		}
		if precisionOf(n) == INT8 && !o.int8 {
			return nil, fmt.Errorf("%s: cannot be computed in int8", o.name)
		}
	}
	if o.wants == nil {
		o.wants = make([]bool, len(in))
	}
	out, err := gorgonia.ApplyOp(o, in...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.name, err)
	}
	return out, nil
}

// OnDone makes every run of the graph call f with the values of n, a parameter's
// gradient, as soon as they are there.
func OnDone(n *gorgonia.Node, f func(values []float32)) { n.Op().(*op).done = f }

// Arity is the number of inputs.
func (o *op) Arity() int { return len(o.dims) }

// Type is a fresh function type at each call, since unification changes it.
func (o *op) Type() hm.Type {
	a := hm.TypeVariable('a')
	types := make([]hm.Type, 0, len(o.dims)+1)
	for _, d := range append(append([]int{}, o.dims...), o.result.shape.Dims()) {
		if d == 0 {
			types = append(types, a)
		} else {
			types = append(types, gorgonia.TensorType{Dims: d, Of: a})
		}
	}
	return hm.NewFnType(types...)
}

// InferShape is the result's shape, known since the op was made.
func (o *op) InferShape(...gorgonia.DimSizer) (tensor.Shape, error) {
	return o.result.shape.Clone(), nil
}

// Do runs the kernel. It turns a panic into an error, because on Gorgonia's
// goroutine a panic would end the process.
func (o *op) Do(in ...gorgonia.Value) (v gorgonia.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: %v\n%s", o.name, r, debug.Stack())
		}
	}()
	o.result.alloc()
	if err := o.forward(in); err != nil {
		return nil, fmt.Errorf("%s: %w", o.name, err)
	}
	if o.done != nil {
		o.done(o.result.data)
	}
	if o.after != nil {
		o.after()
	}
	return o.result.value, nil
}

// ReturnsPtr says that the result is the op's own memory.
func (o *op) ReturnsPtr() bool { return true }

// CallsExtern is false: no cgo, no device.
func (o *op) CallsExtern() bool { return false }

// OverwritesInput is -1: no input changes.
func (o *op) OverwritesInput() int { return -1 }

// WriteHash writes the op's identity, which no other op shares.
func (o *op) WriteHash(h hash.Hash) { fmt.Fprintf(h, "inception op %d", o.id) }

// Hashcode is the short form of WriteHash.
func (o *op) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

// String is the layer's name and the operation.
func (o *op) String() string { return o.name }

// DiffWRT says which inputs have a derivative.
func (o *op) DiffWRT(int) []bool { return o.wants }

// SymDiff makes the gradient nodes of all inputs that have one.
func (o *op) SymDiff(in gorgonia.Nodes, out, grad *gorgonia.Node) (gorgonia.Nodes, error) {
	return o.backward(in, out, grad, o.wants)
}
