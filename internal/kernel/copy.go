package kernel

import (
	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// Copy overwrites dst with src, a map of the same shape.
func Copy[E Element](dst, src Activation[E]) {
	eachPlanePair(dst, src, func(to, from []E) { copy(to, from) })
}

// WidenMap overwrites dst with the values of src, a map of the same shape.
func WidenMap(dst Map, src MapBF16) {
	eachPlanePair(dst, src, func(to []float32, from []BF16) { Widen(to, from) })
}

// RoundMap overwrites dst with src, a map of the same shape, rounded.
func RoundMap(dst MapBF16, src Map) {
	eachPlanePair(dst, src, func(to []BF16, from []float32) { active.BF16.Round(to, from) })
}

// Part are the channels of a map that begin at From: what a sum adds to them.
type Part[E Element] struct {
	Activation[E]
	From int
}

// at returns the part's plane of a block of the sum, or nil.
func (p Part[E]) at(image, block int) []E {
	if from := p.From / Block; block >= from && block < from+p.Blocks() {
		return p.Plane(image, block-from)
	}
	return nil
}

// Sum overwrites y with the sum of parts, in their order. Each channel of y must be
// in some part.
func Sum(y Map, parts []Part[float32]) {
	eachSumChunk(y, func(_ *scratch, image, block, from, end int) {
		to, first := y.Plane(image, block)[from:end], true
		for _, p := range parts {
			switch plane := p.at(image, block); {
			case plane == nil:
			case first:
				copy(to, plane[from:end])
				first = false
			default:
				active.Axpy(to, plane[from:end], 1)
			}
		}
	})
}

// SumBF16 is Sum in bf16: sums are float32, and rounded once.
func SumBF16(y MapBF16, parts []Part[BF16]) {
	eachSumChunk(y, func(s *scratch, image, block, from, end int) {
		sum := s.grow(sumChunk)[:end-from]
		clear(sum)
		for _, p := range parts {
			if plane := p.at(image, block); plane != nil {
				active.BF16.Add(sum, plane[from:end])
			}
		}
		active.BF16.Round(y.Plane(image, block)[from:end], sum)
	})
}

// eachSumChunk calls f for chunks [from, end) of every plane of y, which together
// with the same ones of a few parts fit in the L1 cache.
func eachSumChunk[E Element](y Activation[E], f func(s *scratch, image, block, from, end int)) {
	blocks, size := y.Blocks(), y.H*y.W*Block
	parallel.For(y.N*blocks, func(i int) {
		s := borrowScratch()
		defer s.release()
		for from := 0; from < size; from += sumChunk {
			f(s, i/blocks, i%blocks, from, min(from+sumChunk, size))
		}
	})
}

const sumChunk = 64 * Block // values

func eachPlanePair[D, S Element](dst Activation[D], src Activation[S], f func(to []D, from []S)) {
	blocks := dst.Blocks()
	parallel.For(dst.N*blocks, func(i int) { f(dst.Plane(i/blocks, i%blocks), src.Plane(i/blocks, i%blocks)) })
}

// Axpy is y += a*x.
func Axpy(y, x []float32, a float32) {
	eachChunk(len(y), func(r *simd.Runs, from, to int) { r.Axpy(y[from:to], x[from:to], a) })
}

// Scale is x *= a.
func Scale(x []float32, a float32) {
	eachChunk(len(x), func(r *simd.Runs, from, to int) { r.Scale(x[from:to], a) })
}

// EMA moves an average towards w: average = decay*average + (1-decay)*w.
func EMA(average, w []float32, decay float32) {
	eachChunk(len(average), func(r *simd.Runs, from, to int) { r.Lerp(average[from:to], w[from:to], 1-decay) })
}

// SumSquares returns the sum of the squares of several slices' values, computed in
// float64 in a fixed order.
func SumSquares(slices ...[]float32) float64 {
	all := cutAll(slices)
	sums := make([]float64, len(all))
	parallel.For(len(all), func(i int) {
		var sum, squares [Block]float64
		piece := slices[all[i].slice][all[i].from:all[i].to]
		whole := len(piece) / Block * Block
		active.Moments(&sum, &squares, piece[:whole])
		for _, v := range squares {
			sums[i] += v
		}
		for _, v := range piece[whole:] {
			sums[i] += float64(v) * float64(v)
		}
	})
	total, one := 0.0, 0.0
	for i, v := range sums {
		if one += v; all[i].to == len(slices[all[i].slice]) {
			total, one = total+one, 0
		}
	}
	return total
}

// Pieces calls f for pieces [from, to) of several slices, on all threads. It cuts
// them as the functions of whole slices do, which work on one of its pieces without
// other threads.
func Pieces(slices [][]float32, f func(slice, from, to int)) {
	all := cutAll(slices)
	parallel.For(len(all), func(i int) { f(all[i].slice, all[i].from, all[i].to) })
}

// stretch is a piece [from, to) of a slice.
type stretch struct{ slice, from, to int }

func cutAll(slices [][]float32) (all []stretch) {
	for i, s := range slices {
		for from := 0; from < len(s); from += chunk {
			all = append(all, stretch{i, from, min(len(s), from+chunk)})
		}
	}
	return all
}

// chunk is how many floats one piece of work takes from a long slice.
const chunk = 1 << 14

// eachChunk calls f for pieces of n values: whole blocks with the active loops,
// the remainder with the plain Go ones.
func eachChunk(n int, f func(r *simd.Runs, from, to int)) {
	whole := n / Block * Block
	parallel.For((whole+chunk-1)/chunk, func(i int) { f(&active.Runs, i*chunk, min((i+1)*chunk, whole)) })
	if whole < n {
		f(&simd.Generic.Runs, whole, n)
	}
}
