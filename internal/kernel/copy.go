package kernel

import (
	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// Copy overwrites dst with src, a map of the same shape.
func Copy[E Element](dst, src Activation[E]) {
	eachPlanePair(dst, src, func(to, from []E) { copy(to, from) })
}

// Add is dst += src for maps of the same shape.
func Add(dst, src Map) {
	eachPlanePair(dst, src, func(to, from []float32) { active.Axpy(to, from, 1) })
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
type Part struct {
	MapBF16
	From int
}

// SumBF16 overwrites y with the sum of parts, in their order: float32, and rounded
// once. Each channel of y must be in some part.
func SumBF16(y MapBF16, parts []Part) {
	blocks := y.Blocks()
	parallel.For(y.N*blocks, func(i int) {
		image, block := i/blocks, i%blocks
		to := y.Plane(image, block)
		s := borrowScratch()
		defer s.release()
		for at := 0; at < len(to); at += sumChunk {
			end := min(at+sumChunk, len(to))
			sum := s.grow(sumChunk)[:end-at]
			clear(sum)
			for _, p := range parts {
				if from := p.From / Block; block >= from && block < from+p.Blocks() {
					active.BF16.Add(sum, p.Plane(image, block-from)[at:end])
				}
			}
			active.BF16.Round(to[at:end], sum)
		}
	})
}

const sumChunk = 64 * Block // values summed at once, in the L1 cache

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
