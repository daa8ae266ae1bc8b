package kernel

import (
	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// Pool is the geometry of a pool.
type Pool struct {
	Window
	CountIncludePad bool // padding counts in an average's divisor
	CeilMode        bool // as in PyTorch: a last window may extend beyond the edge
}

// Out returns the size of the output for an h x w input; 0 by 0 if the window
// does not fit.
func (p Pool) Out(h, w int) (oh, ow int) {
	oh, ow = p.Window.Out(h, w)
	if p.CeilMode && oh > 0 && ow > 0 {
		oh, ow = hanging(oh, h, p.StrideH, p.PadH, p.MoreH, p.R), hanging(ow, w, p.StrideW, p.PadW, p.MoreW, p.S)
	}
	return oh, ow
}

// hanging adds to n windows the one that extends beyond the edge, if it starts
// inside the image or the padding before it.
func hanging(n, size, stride, pad, more, window int) int {
	if (size+2*pad+more-window)%stride != 0 && n*stride < size+pad {
		return n + 1
	}
	return n
}

// MaxForward overwrites y with the largest value of each window; padding
// never wins. argmax, [N][C/16][OH][OW][16], gets the winner's position in the
// window, r*S + s; of equal values the first wins.
func (p Pool) MaxForward(y, x Map, argmax []uint8) {
	plan := p.plan(x.H, x.W)
	eachPlane(y, func(a *simd.PoolArgs, image, block, index int) {
		size := y.H * y.W * Block
		plan.run(a, y.Plane(image, block), x.Plane(image, block), argmax[index*size:(index+1)*size], active.PoolMax)
	})
}

// MaxBackward overwrites dx with the gradient of MaxForward.
func (p Pool) MaxBackward(dx, dy Map, argmax []uint8) {
	plan := p.plan(dx.H, dx.W)
	eachPlane(dy, func(a *simd.PoolArgs, image, block, index int) {
		size := dy.H * dy.W * Block
		to := dx.Plane(image, block)
		clear(to)
		plan.run(a, dy.Plane(image, block), to, argmax[index*size:(index+1)*size], active.PoolMaxBack)
	})
}

// MaxForwardBF16 is MaxForward in bf16. argmax may be nil.
func (p Pool) MaxForwardBF16(y, x MapBF16, argmax []uint8) {
	if argmax == nil {
		p.forwardBF16(y, x, nil, func(a *simd.PoolArgs) {
			if active.BF16.PoolMaxPositive(a); a.Negative != 0 {
				active.BF16.PoolMax(a)
			}
		})
		return
	}
	p.forwardBF16(y, x, argmax, active.BF16.PoolArgmax)
}

// MaxBackwardBF16 is MaxBackward in bf16: sums are float32, and rounded once.
func (p Pool) MaxBackwardBF16(dx, dy MapBF16, argmax []uint8) {
	plan := p.plan(dx.H, dx.W)
	eachRounded(dx, func(a *simd.PoolArgs, sum []float32, image, block, index int) {
		size := dy.H * dy.W * Block
		clear(sum)
		runPool(plan, a, dy.Plane(image, block), sum, argmax[index*size:(index+1)*size], active.BF16.PoolMaxBack, 0)
	})
}

// AvgForwardBF16 is AvgForward in bf16: sums are float32, and rounded once.
func (p Pool) AvgForwardBF16(y, x MapBF16) {
	plan := p.planOf(x.H, x.W, pixelBytes/2)
	loop := p.sumLoop(active.BF16.PoolSum, active.BF16.PoolSum3)
	eachPlane(y, func(a *simd.PoolArgs, image, block, _ int) {
		runPool(plan, a, y.Plane(image, block), x.Plane(image, block), nil, loop, 0)
	})
}

// sumLoop returns the loop for an average's runs: sum3 where windows are one pixel
// apart and three wide, else sum.
func (p Pool) sumLoop(sum, sum3 func(*simd.PoolArgs)) func(*simd.PoolArgs) {
	if p.StrideW != 1 {
		return sum
	}
	return func(a *simd.PoolArgs) {
		if a.Columns == 3 {
			sum3(a)
		} else {
			sum(a)
		}
	}
}

func (p Pool) forwardBF16(y, x MapBF16, argmax []uint8, loop func(*simd.PoolArgs)) {
	plan := p.planOf(x.H, x.W, pixelBytes/2)
	eachPlane(y, func(a *simd.PoolArgs, image, block, index int) {
		var winners []uint8
		if argmax != nil {
			winners = argmax[index*y.H*y.W*Block:][:y.H*y.W*Block]
		}
		runPool(plan, a, y.Plane(image, block), x.Plane(image, block), winners, loop, 0)
	})
}

// AvgForward overwrites y with the mean of each window.
func (p Pool) AvgForward(y, x Map) {
	plan := p.plan(x.H, x.W)
	eachPlane(y, func(a *simd.PoolArgs, image, block, _ int) {
		plan.run(a, y.Plane(image, block), x.Plane(image, block), nil, active.PoolSum)
	})
}

// AvgBackward overwrites dx with the gradient of AvgForward.
func (p Pool) AvgBackward(dx, dy Map) {
	gradient := p.averageGradient(dx.H, dx.W, dy.H, dy.W)
	eachPlane(dy, func(a *simd.PoolArgs, image, block, _ int) {
		scaled := borrowFloats(dy.H * dy.W * Block)
		gradient.plan.scale(scaled, dy.Plane(image, block))
		gradient.run(a, dx.Plane(image, block), scaled)
		returnFloats(scaled)
	})
}

// AvgBackwardBF16 is AvgBackward in bf16: sums are float32, and rounded once.
func (p Pool) AvgBackwardBF16(dx, dy MapBF16) {
	gradient := p.averageGradient(dx.H, dx.W, dy.H, dy.W)
	eachRounded(dx, func(a *simd.PoolArgs, sum []float32, image, block, _ int) {
		scaled := borrowFloats(dy.H * dy.W * Block)
		gradient.plan.scaleBF16(scaled, dy.Plane(image, block))
		gradient.run(a, sum, scaled)
		returnFloats(scaled)
	})
}

// averageGradient is the gradient of an average pool, in two steps: each output
// times its window's factor, then the sum over the windows that a pixel is in.
type averageGradient struct {
	plan *poolPlan // the pool's own
	sum  *poolPlan // of the sum as a pool, or nil
}

func (p Pool) averageGradient(h, w, oh, ow int) averageGradient {
	g := averageGradient{plan: p.plan(h, w)}
	if p.StrideH == 1 && p.StrideW == 1 && p.PadH < p.R && p.PadW < p.S && p.MoreH+p.MoreW == 0 {
		// With stride 1 the sum is one over windows, with the complementary padding.
		back := Pool{Window: Window{R: p.R, S: p.S, StrideH: 1, StrideW: 1, PadH: p.R - 1 - p.PadH, PadW: p.S - 1 - p.PadW}}
		g.sum = back.plan(oh, ow)
	}
	return g
}

// run overwrites dx, given the scaled gradients of a plane.
func (g averageGradient) run(a *simd.PoolArgs, dx, scaled []float32) {
	if g.sum == nil {
		g.plan.spread(dx, scaled)
		return
	}
	runPool(g.sum, a, dx, scaled, nil, active.PoolSum, 1)
}

// GlobalAvgForward overwrites y, [N][C/16][1][1][16], with the mean of each
// channel's plane.
func GlobalAvgForward(y, x Map) {
	blocks := x.Blocks()
	parallel.For(x.N*blocks, func(i int) { meanOf(y.Plane(i/blocks, i%blocks), x.Plane(i/blocks, i%blocks)) })
}

// GlobalAvgForwardBF16 is GlobalAvgForward of a map in bf16, without rounding.
func GlobalAvgForwardBF16(y Map, x MapBF16) {
	blocks := x.Blocks()
	parallel.For(x.N*blocks, func(i int) {
		s := borrowScratch()
		defer s.release()
		plane := s.grow(x.H * x.W * Block)
		Widen(plane, x.Plane(i/blocks, i%blocks))
		meanOf(y.Plane(i/blocks, i%blocks), plane)
	})
}

// meanOf overwrites the 16 channels of y with the means of a plane.
func meanOf(y, plane []float32) {
	var sum [Block]float64
	pixels := len(plane) / Block
	for at := 0; at+Block <= len(plane); at += Block {
		for lane, v := range (*[Block]float32)(plane[at:]) {
			sum[lane] += float64(v)
		}
	}
	for lane, v := range sum {
		y[lane] = float32(v / float64(pixels))
	}
}

// GlobalAvgBackward overwrites dx with the gradient of GlobalAvgForward.
func GlobalAvgBackward(dx, dy Map) {
	blocks := dx.Blocks()
	scale := 1 / float32(dx.H*dx.W)
	parallel.For(dx.N*blocks, func(i int) {
		var g [Block]float32
		for lane, v := range dy.Plane(i/blocks, i%blocks) {
			g[lane] = v * scale
		}
		plane := dx.Plane(i/blocks, i%blocks)
		for at := 0; at+Block <= len(plane); at += Block {
			*(*[Block]float32)(plane[at:]) = g
		}
	})
}

// GlobalAvgBackwardBF16 is GlobalAvgBackward to a map in bf16, rounded.
func GlobalAvgBackwardBF16(dx MapBF16, dy Map) {
	blocks := dx.Blocks()
	scale := 1 / float32(dx.H*dx.W)
	parallel.For(dx.N*blocks, func(i int) {
		var g [Block]BF16
		for lane, v := range dy.Plane(i/blocks, i%blocks) {
			g[lane] = simd.RoundBF16(v * scale)
		}
		plane := dx.Plane(i/blocks, i%blocks)
		for at := 0; at+Block <= len(plane); at += Block {
			*(*[Block]BF16)(plane[at:]) = g
		}
	})
}

// eachRounded calls f for every plane of x with float32 memory, whose values, to
// which f must set it, x gets rounded.
func eachRounded(x MapBF16, f func(a *simd.PoolArgs, sum []float32, image, block, index int)) {
	eachPlane(x, func(a *simd.PoolArgs, image, block, index int) {
		sum := borrowFloats(x.H * x.W * Block)
		f(a, sum, image, block, index)
		active.BF16.Round(x.Plane(image, block), sum)
		returnFloats(sum)
	})
}

// eachPlane calls f for every plane of a pool's output.
func eachPlane[E Element](y Activation[E], f func(a *simd.PoolArgs, image, block, index int)) {
	blocks := y.Blocks()
	parallel.For(y.N*blocks, func(i int) {
		s := borrowScratch()
		defer s.release()
		f(&s.pool, i/blocks, i%blocks, i)
	})
}
