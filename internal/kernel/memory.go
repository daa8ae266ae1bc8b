package kernel

import (
	"sync"
	"unsafe"
)

// hugePage is the size of the larger pages that x86 and Arm have.
const hugePage = 2 << 20

// NewFloats returns n zeros. Much memory is asked for in huge pages: a tile reads
// from as many pages as there are channel blocks, more than a processor remembers
// addresses of.
func NewFloats(n int) []float32 {
	floats := make([]float32, n)
	if n*floatBytes < 2*hugePage {
		return floats
	}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(floats))), n*floatBytes)
	before := int(-uintptr(unsafe.Pointer(unsafe.SliceData(floats))) % hugePage)
	if whole := (len(memory) - before) / hugePage * hugePage; whole > 0 {
		adviseHugePages(memory[before:][:whole])
	}
	return floats
}

// Slab gives out memory that is kept as long as any of it is used: many small
// slices together fill huge pages. A nil Slab gives each memory of its own.
type Slab struct {
	mu   sync.Mutex
	free []float32
}

const slabFloats = 4 * hugePage / floatBytes // taken at once

// Floats returns n zeros, which begin a cache line.
func (s *Slab) Floats(n int) []float32 {
	if s == nil || n >= slabFloats {
		return NewFloats(n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > len(s.free) {
		s.free = NewFloats(slabFloats)
	}
	floats := s.free[:n:n]
	s.free = s.free[min(roundUp(n), len(s.free)):]
	return floats
}
