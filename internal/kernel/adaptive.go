package kernel

import "github.com/inception-go/inception/internal/kernel/simd"

// AdaptiveAvgForward overwrites y with means of x: with H input rows, output row
// i of n averages rows i*H/n, rounded down, to (i+1)*H/n, rounded up; columns
// likewise. It is PyTorch's AdaptiveAvgPool2d.
func AdaptiveAvgForward(y, x Map) {
	plan := adaptivePlan(y.H, y.W, x.H, x.W, pixelBytes)
	eachPlane(y, func(a *simd.PoolArgs, image, block, _ int) {
		plan.run(a, y.Plane(image, block), x.Plane(image, block), nil, active.PoolSum)
	})
}

// AdaptiveAvgForwardBF16 is AdaptiveAvgForward in bf16: sums are float32, and
// rounded once.
func AdaptiveAvgForwardBF16(y, x MapBF16) {
	plan := adaptivePlan(y.H, y.W, x.H, x.W, pixelBytes/2)
	eachPlane(y, func(a *simd.PoolArgs, image, block, _ int) {
		runPool(plan, a, y.Plane(image, block), x.Plane(image, block), nil, active.BF16.PoolSum, 0)
	})
}

// AdaptiveAvgBackward overwrites dx with the gradient of AdaptiveAvgForward.
func AdaptiveAvgBackward(dx, dy Map) {
	plan := adaptivePlan(dy.H, dy.W, dx.H, dx.W, pixelBytes)
	eachPlane(dy, func(_ *simd.PoolArgs, image, block, _ int) {
		scaled := borrowFloats(dy.H * dy.W * Block)
		plan.scale(scaled, dy.Plane(image, block))
		plan.spread(dx.Plane(image, block), scaled)
		returnFloats(scaled)
	})
}

// AdaptiveAvgBackwardBF16 is AdaptiveAvgBackward in bf16: sums are float32, and
// rounded once.
func AdaptiveAvgBackwardBF16(dx, dy MapBF16) {
	plan := adaptivePlan(dy.H, dy.W, dx.H, dx.W, pixelBytes)
	eachRounded(dx, func(_ *simd.PoolArgs, sum []float32, image, block, _ int) {
		scaled := borrowFloats(dy.H * dy.W * Block)
		plan.scaleBF16(scaled, dy.Plane(image, block))
		plan.spread(sum, scaled)
		returnFloats(scaled)
	})
}

// adaptivePlan has a run for every output pixel, of so many bytes, because their
// windows differ in size and spacing.
func adaptivePlan(oh, ow, h, w, pixel int) *poolPlan {
	plan := &poolPlan{xPixel: pixel, width: w, height: h}
	for i := range oh {
		top, bottom := i*h/oh, ((i+1)*h+oh-1)/oh
		for j := range ow {
			left, right := j*w/ow, ((j+1)*w+ow-1)/ow
			run := poolRun{y: i*ow + j, x: top*w + left, pixels: 1, rows: 1}
			for r := range bottom - top {
				for s := range right - left {
					run.taps = append(run.taps, simd.PoolTap{Offset: (r*w + s) * pixel})
				}
			}
			run.scale = 1 / float32(len(run.taps))
			plan.runs = append(plan.runs, run)
		}
	}
	return plan
}
