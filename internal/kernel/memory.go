package kernel

import "unsafe"

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
