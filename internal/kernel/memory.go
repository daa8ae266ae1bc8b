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
	if memory := hugePages(floats); memory != nil {
		adviseHugePages(memory)
	}
	return floats
}

// dropFloats gives what memory nobody will use again back to the system. Garbage
// alone would keep it: beside a large heap it is not collected for long.
func dropFloats(floats []float32) {
	if memory := hugePages(floats[:cap(floats)]); memory != nil {
		discard(memory)
	}
}

// hugePages returns the whole huge pages in much memory, or nil.
func hugePages(floats []float32) []byte {
	if len(floats)*floatBytes < 2*hugePage {
		return nil
	}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(floats))), len(floats)*floatBytes)
	before := int(-uintptr(unsafe.Pointer(unsafe.SliceData(floats))) % hugePage)
	return memory[before:][:(len(memory)-before)/hugePage*hugePage]
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
