package kernel

import (
	"slices"
	"sort"
	"sync"
)

// scratch is what one piece of work needs besides its operands. Calls through
// a function pointer make their arguments escape, so they live here, and are
// used again.
type scratch struct {
	gemm  gemmArgs
	outer outerArgs

	owner *product // the lists are this product's
	lists []offsetList
	rows  []outerRow

	winogradIn      winogradInArgs
	winogradOut     winogradOutArgs
	winogradWeights winogradWeightsArgs
	winogradBatch   []gemmOffset
	winogradMost    int // the tiles of a piece that the batch is for

	floats []float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func borrowScratch() *scratch { return scratches.Get().(*scratch) }

// release returns s to the pool without the addresses that would keep other
// memory alive.
func (s *scratch) release() {
	s.gemm, s.outer, s.owner = gemmArgs{}, outerArgs{}, nil
	s.winogradIn, s.winogradOut, s.winogradWeights = winogradInArgs{}, winogradOutArgs{}, winogradWeightsArgs{}
	scratches.Put(s)
}

// list returns the slot for a batch of p, empty if another product used it.
func (s *scratch) list(p *product, slot int) *offsetList {
	if s.owner != p {
		s.owner = p
		for i := range s.lists {
			s.lists[i].entries = s.lists[i].entries[:0]
		}
	}
	for len(s.lists) <= slot {
		s.lists = append(s.lists, offsetList{})
	}
	return &s.lists[slot]
}

// grow returns n floats of unknown values.
func (s *scratch) grow(n int) []float32 {
	if cap(s.floats) < n {
		s.floats = make([]float32, n)
	}
	return s.floats[:n]
}

// floatPool holds the buffers that no call uses. Unlike a sync.Pool it
// survives garbage collection: to allocate, clear and map megabytes again
// takes longer than to fill them.
var floatPool struct {
	sync.Mutex
	free [][]float32 // by growing capacity
}

// borrowFloats returns n floats of unknown values, to give to returnFloats.
func borrowFloats(n int) []float32 {
	p := &floatPool
	p.Lock()
	defer p.Unlock()
	if last := len(p.free) - 1; last >= 0 {
		at := min(last, sort.Search(len(p.free), func(i int) bool { return cap(p.free[i]) >= n }))
		b := p.free[at]
		p.free = slices.Delete(p.free, at, at+1)
		if cap(b) >= n {
			return b[:n]
		}
	}
	return make([]float32, n)
}

func returnFloats(b []float32) {
	p := &floatPool
	p.Lock()
	defer p.Unlock()
	at := sort.Search(len(p.free), func(i int) bool { return cap(p.free[i]) >= cap(b) })
	p.free = slices.Insert(p.free, at, b)
}
