package main

// lerp is a running average: of weights, and of squared gradients.
func lerp(f *file) {
	r := beginRun(f, "lerp", "y, x []float32, a float32", "y += a*(x-y).")
	x, y, a := r.slice("x"), r.slice("y"), r.scalar("a")
	r.blocks("x", 4, func(unit int) {
		from, to := r.read(x, unit), r.read(y, unit)
		for v := range to {
			r.op("fsub", from[v], to[v], from[v])
			r.op("fmla", from[v], a, to[v])
		}
		r.write(to, y, unit)
	})
	r.end()
}

func momentum(f *file) {
	r := beginRun(f, "momentum", "w, g, mom []float32, lr, momentum float32",
		"mom = momentum*mom + g; w -= lr*mom.")
	w, g, mom := r.slice("w"), r.slice("g"), r.slice("mom")
	lr, keep := r.scalar("lr"), r.scalar("momentum")
	r.blocks("w", 2, func(unit int) {
		speeds, old, weights := r.read(g, unit), r.read(mom, unit), r.read(w, unit)
		for v, speed := range speeds {
			r.op("fmla", old[v], keep, speed)
			r.op("fmls", speed, lr, weights[v])
		}
		r.write(speeds, mom, unit)
		r.write(weights, w, unit)
	})
	r.end()
}

func rmsProp(f *file) {
	r := beginRun(f, "rmsProp", "w, g, ms, mom []float32, lr, a, momentum, eps float32",
		"ms += a*(g*g-ms); mom = momentum*mom + lr*g/sqrt(ms+eps); w -= mom.")
	w, g, ms, mom := r.slice("w"), r.slice("g"), r.slice("ms"), r.slice("mom")
	lr, a, keep, eps := r.scalar("lr"), r.scalar("a"), r.scalar("momentum"), r.scalar("eps")
	r.blocks("w", 2, func(unit int) {
		gradients, means := r.read(g, unit), r.read(ms, unit)
		old, weights := r.read(mom, unit), r.read(w, unit)
		square := r.vector()
		for v, gradient := range gradients {
			r.op("fmul", gradient, gradient, square)
			r.op("fsub", square, means[v], square)
			r.op("fmla", square, a, means[v])
		}
		r.write(means, ms, unit)
		for v, gradient := range gradients {
			r.op("fadd", means[v], eps, means[v])
			r.unary("fsqrt", means[v], means[v])
			r.op("fmul", gradient, lr, gradient)
			r.op("fdiv", gradient, means[v], gradient)
			r.op("fmla", old[v], keep, gradient)
			r.op("fsub", weights[v], gradient, weights[v])
		}
		r.write(gradients, mom, unit)
		r.write(weights, w, unit)
	})
	r.end()
}

func adam(f *file) {
	r := beginRun(f, "adam", "w, g, m, v []float32, lr, a, b, eps float32",
		"m += a*(g-m); v += b*(g*g-v); w -= lr*m/(sqrt(v)+eps).")
	w, g, ms, vs := r.slice("w"), r.slice("g"), r.slice("m"), r.slice("v")
	lr, a, b, eps := r.scalar("lr"), r.scalar("a"), r.scalar("b"), r.scalar("eps")
	r.blocks("w", 2, func(unit int) {
		gradients, first := r.read(g, unit), r.read(ms, unit)
		second, weights := r.read(vs, unit), r.read(w, unit)
		square := r.vector()
		for v, gradient := range gradients {
			r.op("fmul", gradient, gradient, square)
			r.op("fsub", square, second[v], square)
			r.op("fmla", square, b, second[v])
			r.op("fsub", gradient, first[v], gradient)
			r.op("fmla", gradient, a, first[v])
		}
		r.write(second, vs, unit)
		r.write(first, ms, unit)
		for v := range gradients {
			r.unary("fsqrt", second[v], second[v])
			r.op("fadd", second[v], eps, second[v])
			r.op("fmul", first[v], lr, first[v])
			r.op("fdiv", first[v], second[v], first[v])
			r.op("fsub", weights[v], first[v], weights[v])
		}
		r.write(weights, w, unit)
	})
	r.end()
}
