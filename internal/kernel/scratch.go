package kernel

import "sync"

// scratch is what one piece of work needs besides its operands. Calls through
// a function pointer make their arguments escape, so they live here, and are
// used again.
type scratch struct {
	gemm  gemmArgs
	outer outerArgs

	owner *product // the lists are this product's
	lists []offsetList
	rows  []outerRow

	floats []float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func borrowScratch() *scratch { return scratches.Get().(*scratch) }

// release returns s to the pool without the addresses that would keep other
// memory alive.
func (s *scratch) release() {
	s.gemm, s.outer, s.owner = gemmArgs{}, outerArgs{}, nil
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

var floatPool = sync.Pool{New: func() any { return new([]float32) }}

// borrowFloats returns n floats of unknown values, to give to returnFloats.
func borrowFloats(n int) *[]float32 {
	b := floatPool.Get().(*[]float32)
	if cap(*b) < n {
		*b = make([]float32, n)
	}
	*b = (*b)[:n]
	return b
}

func returnFloats(b *[]float32) { floatPool.Put(b) }
