package kernel

import (
	"slices"
	"sync"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// poolPlan is a pool over planes of one size, cut into runs of output pixels
// whose windows hold the same taps.
type poolPlan struct {
	runs          []poolRun
	xPixel, xRow  int // bytes from one window to the next, and to the one below
	width, height int // of the input
	outWidth      int
}

// poolRun is a run of output pixels of one row, or of several rows.
type poolRun struct {
	y, x    int // first output pixel, first tap's input pixel
	pixels  int
	rows    int
	taps    []simd.PoolTap
	columns int     // of taps, which come row by row
	scale   float32 // 1/divisor of an average
}

func (p Pool) plan(h, w int) *poolPlan { return p.planOf(h, w, pixelBytes) }

// planOf is plan for pixels of so many bytes.
func (p Pool) planOf(h, w, pixel int) *poolPlan { return p.planRows(h, w, pixel, 1) }

// poolKey is what a plan depends on.
type poolKey struct {
	pool                  Pool
	h, w, pixel, together int
}

// poolPlans are those of all pools so far, by poolKey: of one image, making them
// takes a hundredth of a network's time on two threads. Nobody may change them.
var poolPlans sync.Map

// planRows is planOf whose runs are of up to so many rows with the same taps.
func (p Pool) planRows(h, w, pixel, together int) *poolPlan {
	key := poolKey{p, h, w, pixel, together}
	if known, ok := poolPlans.Load(key); ok {
		return known.(*poolPlan)
	}
	made := p.layOut(h, w, pixel, together)
	poolPlans.Store(key, made)
	return made
}

func (p Pool) layOut(h, w, pixel, together int) *poolPlan {
	oh, ow := p.Out(h, w)
	plan := &poolPlan{xPixel: p.StrideW * pixel, xRow: p.StrideH * w * pixel, width: w, height: h, outWidth: ow}
	for i := 0; i < oh; {
		rows, end := spanOf(i, p.R, p.StrideH, p.PadH, p.MoreH, h), i+1
		for end < oh && spanOf(end, p.R, p.StrideH, p.PadH, p.MoreH, h) == rows {
			end++
		}
		row := p.planRow(rows, w, ow, pixel)
		for ; i < end; i += together {
			for _, run := range row {
				run.y += i * ow
				run.x += (i*p.StrideH - p.PadH + rows.first) * w
				run.rows = min(together, end-i)
				plan.runs = append(plan.runs, run)
			}
		}
		i = end
	}
	return plan
}

// planRow returns the runs of a row of ow windows as if it began at pixel 0.
func (p Pool) planRow(rows span, w, ow, pixel int) []poolRun {
	var runs []poolRun
	for j := 0; j < ow; {
		columns := spanOf(j, p.S, p.StrideW, p.PadW, p.MoreW, w)
		end := j + 1
		for end < ow && spanOf(end, p.S, p.StrideW, p.PadW, p.MoreW, w) == columns {
			end++
		}
		run := poolRun{
			y: j, pixels: end - j, x: j*p.StrideW - p.PadW + columns.first,
			taps: make([]simd.PoolTap, 0, p.R*p.S), columns: columns.end - columns.first,
		}
		for r := rows.first; r < rows.end; r++ {
			for s := columns.first; s < columns.end; s++ {
				offset := (r-rows.first)*w + s - columns.first
				run.taps = append(run.taps, simd.PoolTap{Offset: offset * pixel, Index: r*p.S + s})
			}
		}
		divisor := len(run.taps)
		if p.CountIncludePad {
			divisor = rows.counted * columns.counted
		}
		run.scale = 1 / float32(max(1, divisor))
		runs = append(runs, run)
		j = end
	}
	return runs
}

// span is the part of a window along one direction that lies in the image.
type span struct{ first, end, counted int }

func spanOf(at, window, stride, pad, more, size int) span {
	start := at*stride - pad
	return span{
		first: max(0, -start), end: min(window, size-start),
		counted: min(window, size+pad+more-start), // including padding
	}
}

// times returns the plan with factors multiplied by one more.
func (p *poolPlan) times(factor float32) *poolPlan {
	scaled := *p
	scaled.runs = slices.Clone(p.runs)
	for i := range scaled.runs {
		run := &scaled.runs[i]
		run.scale = float32(float64(factor) * float64(run.scale))
	}
	return &scaled
}

// run calls loop for every run of a plane.
func (p *poolPlan) run(a *simd.PoolArgs, y, x []float32, argmax []uint8, loop func(*simd.PoolArgs)) {
	runPool(p, a, y, x, argmax, loop, 0)
}

// runPool is run with one factor for all runs instead of their own, unless it is
// 0.
func runPool[Y, X Element](
	p *poolPlan, a *simd.PoolArgs, y []Y, x []X, argmax []uint8, loop func(*simd.PoolArgs), scale float32,
) {
	*a = simd.PoolArgs{XPixel: p.xPixel, XRow: p.xRow, YRow: p.outWidth * Block * int(unsafe.Sizeof(y[0]))}
	for i := range p.runs {
		run := &p.runs[i]
		if len(run.taps) == 0 { // a window entirely in the padding
			for row := range run.rows {
				clear(y[(run.y+row*p.outWidth)*Block:][:run.pixels*Block])
			}
			continue
		}
		// One by one: a whole struct is copied in pieces of other sizes than it was
		// written in, for which the processor waits.
		a.Y, a.X = unsafe.Pointer(&y[run.y*Block]), unsafe.Pointer(&x[run.x*Block])
		a.Taps, a.Count, a.Columns = &run.taps[0], len(run.taps), run.columns
		a.Pixels, a.Rows, a.Scale = run.pixels, run.rows, run.scale
		if argmax != nil {
			a.Argmax = unsafe.Pointer(&argmax[run.y*Block])
		}
		if scale != 0 {
			a.Scale = scale
		}
		loop(a)
	}
}

// scale writes y times the factors of its windows.
func (p *poolPlan) scale(to, y []float32) {
	copy(to, y)
	p.eachFactor(func(from, end int, factor float32) { active.Scale(to[from:end], factor) })
}

// scaleBF16 is scale of bf16.
func (p *poolPlan) scaleBF16(to []float32, y []BF16) {
	p.eachFactor(func(from, end int, factor float32) { active.BF16.Widen(to[from:end], y[from:end], factor) })
}

// eachFactor calls f for every stretch of a plane of outputs whose windows have
// the same factor. Runs of one row each cover the plane in its order.
func (p *poolPlan) eachFactor(f func(from, end int, factor float32)) {
	for i := 0; i < len(p.runs); {
		first, end := &p.runs[i], 0
		for ; i < len(p.runs) && p.runs[i].scale == first.scale; i++ {
			end = p.runs[i].y + p.runs[i].pixels
		}
		f(first.y*Block, end*Block, first.scale)
	}
}

// spread overwrites dx with each window's scaled gradient at all its taps.
func (p *poolPlan) spread(dx, scaled []float32) {
	clear(dx)
	for i := range p.runs {
		run := &p.runs[i]
		for pixel := range run.pixels {
			g := (*[Block]float32)(scaled[(run.y+pixel)*Block:])
			for _, tap := range run.taps {
				to := (*[Block]float32)(dx[run.x*Block+(tap.Offset+pixel*p.xPixel)/floatBytes:])
				for lane, v := range g {
					to[lane] += v
				}
			}
		}
	}
}
