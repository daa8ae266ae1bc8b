package kernel

import (
	"slices"
	"sort"
	"sync"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// scratch is what one piece of work needs besides its operands. Arguments of
// calls through a function pointer escape to the heap, so they are kept here and
// reused.
type scratch struct {
	gemm  simd.GemmArgs
	outer simd.OuterArgs
	pairs simd.PairsArgs

	finish     simd.FinishArgs
	interleave simd.InterleaveArgs
	pool       simd.PoolArgs
	image      simd.ImageBytesArgs

	batch []simd.GemmOffset
	rows  []simd.OuterRow

	winogradIn      simd.WinogradInArgs
	winogradOut     simd.WinogradOutArgs
	winogradWeights simd.WinogradWeightsArgs
	floats          []float32
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func borrowScratch() *scratch { return scratches.Get().(*scratch) }

// release returns s to the pool, without addresses that would keep other memory
// alive.
func (s *scratch) release() {
	*s = scratch{batch: s.batch, rows: s.rows, floats: s.floats}
	scratches.Put(s)
}

// blocks returns the batch of count channel blocks that lie apart by so many
// bytes, and whose weights, of tap bytes, follow each other.
func (s *scratch) blocks(count, apart, tap int) *simd.GemmOffset {
	s.batch = slices.Grow(s.batch[:0], count+1)
	for i := range count {
		s.batch = append(s.batch, simd.GemmOffset{A: i * apart, B: i * tap})
	}
	return &s.batch[0]
}

// grow returns n floats of unknown values.
func (s *scratch) grow(n int) []float32 {
	if cap(s.floats) < n {
		s.floats = make([]float32, n)
	}
	return s.floats[:n]
}

// growTurned is grow, with room for a transposed block beside them.
func (s *scratch) growTurned(n int) (floats []float32, turned *[Block * Block]float32) {
	all := s.grow(n + Block*Block)
	return all[:n], (*[Block * Block]float32)(all[n:])
}

// alignedFloats is grow whose first float begins a cache line.
func (s *scratch) alignedFloats(n int) []float32 {
	const line = 64 / floatBytes
	floats := s.grow(n + line)
	skip := -int(uintptr(unsafe.Pointer(&floats[0]))/floatBytes) & (line - 1)
	return floats[skip:][:n]
}

// floatPool holds the buffers that no call is using. Unlike a sync.Pool it
// survives garbage collection, because allocating, clearing and mapping megabytes
// again takes longer than filling them.
var floatPool struct {
	sync.Mutex
	free [][]float32 // by growing capacity
}

// borrowFloats returns n floats of unknown values; give them back to returnFloats.
// Where no buffer is large enough a new one takes the largest one's place.
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
		dropFloats(b)
	}
	return NewFloats(n)
}

func returnFloats(b []float32) {
	p := &floatPool
	p.Lock()
	defer p.Unlock()
	at := sort.Search(len(p.free), func(i int) bool { return cap(p.free[i]) >= cap(b) })
	p.free = slices.Insert(p.free, at, b)
}
