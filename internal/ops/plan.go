package ops

import (
	"fmt"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Plan places the results of a graph's ops in one arena: two results that
// are never needed at the same time may share memory. It holds for the order
// in which Gorgonia's TapeMachine runs the graph.
type Plan struct {
	Bytes    int64 // size of the arena
	Unshared int64 // bytes needed without sharing memory

	buffers []*buffer
	order   gorgonia.Nodes
	bound   bool
}

// buffer is the memory of one owning Result, needed from the run of node number
// first to that of node number last.
type buffer struct {
	result      *Result
	first, last int
	at, bytes   int // place in the arena
}

// NewPlan plans the memory of g. The results of keep are never overwritten.
func NewPlan(g *gorgonia.ExprGraph, keep ...*gorgonia.Node) (*Plan, error) {
	order, err := gorgonia.Sort(g)
	if err != nil {
		return nil, fmt.Errorf("plan memory: %w", err)
	}
	slices.Reverse(order)
	p := &Plan{order: order}
	p.buffers = lifetimes(order, keep)
	p.Bytes = place(p.buffers)
	for _, b := range p.buffers {
		p.Unshared += int64(b.bytes)
	}
	return p, nil
}

// Position returns the number of a node in the order in which the graph runs.
func (p *Plan) Position(n *gorgonia.Node) int { return slices.Index(p.order, n) }

// Bind allocates the arena and gives every op its place in it. It must be called
// before the first run; further calls do nothing.
func (p *Plan) Bind() {
	if p.bound {
		return
	}
	p.bound = true
	float := FP32.bytes()
	arena := kernel.NewFloats(int(p.Bytes) / float)
	for _, b := range p.buffers {
		b.result.bind(arena[b.at/float : (b.at+b.bytes)/float])
	}
}

// Poison makes every run fill memory with NaN as soon as it is free, which
// reveals any reader that the plan missed. For tests.
func (p *Plan) Poison() {
	freed := map[int][]*buffer{}
	for _, b := range p.buffers {
		freed[b.last] = append(freed[b.last], b)
	}
	for i, n := range p.order {
		if o, ok := n.Op().(*op); ok {
			o.after = func() {
				for _, b := range freed[i] {
					const nan = 0x7fc07fc0 // as a float32, and as two bf16
					fill(b.result.data, math.Float32frombits(nan))
				}
			}
		}
	}
}

// WeightBytes returns how many bytes of weights the layers of an eval graph read, in
// the layouts that they are kept in.
func WeightBytes(g *gorgonia.ExprGraph) (bytes int64) {
	for _, n := range g.AllNodes() {
		if o, ok := n.Op().(*op); ok {
			bytes += int64(o.memory)
		}
	}
	return bytes
}

// lifetimes lists the memory that the ops of order own and when it is needed.
func lifetimes(order, keep gorgonia.Nodes) []*buffer {
	byRoot := map[*Result]*buffer{}
	var buffers []*buffer
	touch := func(r *Result, at int) {
		if r == nil || r.root().shape.Dims() == 0 {
			return
		}
		b := byRoot[r.root()]
		if b == nil {
			b = &buffer{result: r.root(), first: at, bytes: wholeBlocks(r.root().bytes())}
			byRoot[r.root()] = b
			buffers = append(buffers, b)
		}
		b.last = max(b.last, at)
	}
	for i, n := range order {
		o, ok := n.Op().(*op)
		if !ok {
			continue
		}
		for _, r := range append([]*Result{o.result}, o.parts...) {
			touch(r, i)
		}
		for _, in := range o.inputs {
			touch(resultOf(in), i)
		}
	}
	for _, n := range keep {
		touch(resultOf(n), len(order))
	}
	return buffers
}

// place gives each buffer, the largest first, the lowest place that no buffer
// alive at the same time holds, and returns the bytes of the whole arena.
func place(buffers []*buffer) (bytes int64) {
	bySize := slices.Clone(buffers)
	slices.SortStableFunc(bySize, func(a, b *buffer) int { return b.bytes - a.bytes })
	var placed []*buffer // in order of place
	for _, b := range bySize {
		b.at = 0
		for _, other := range placed {
			if other.last < b.first || b.last < other.first {
				continue
			}
			if b.at+b.bytes <= other.at {
				break
			}
			b.at = max(b.at, other.at+other.bytes)
		}
		i, _ := slices.BinarySearchFunc(placed, b.at, func(o *buffer, at int) int { return o.at - at })
		placed = slices.Insert(placed, i, b)
		bytes = max(bytes, int64(b.at+b.bytes))
	}
	return bytes
}

// wholeBlocks rounds up to whole blocks of float32, which keeps every place
// aligned to a cache line of the arena.
func wholeBlocks(bytes int) int {
	float := FP32.bytes()
	return Padded(max((bytes+float-1)/float, kernel.Block)) * float
}

func fill(s []float32, v float32) {
	for i := range s {
		s[i] = v
	}
}
