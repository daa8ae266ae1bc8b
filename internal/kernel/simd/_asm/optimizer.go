package main

// lerp is a running average: of weights, and of squared gradients.
func lerp(e *emitter, s *simd) {
	r := beginRun(e, s, "lerp", "y, x []float32, a float32", "y += a*(x-y).")
	x, y, a := r.slice("x"), r.slice("y"), r.scalar("a")
	r.blocks("x", 4, func(unit int) {
		r.eachVector(func(v int) {
			to, difference := r.load(y, unit, v), r.load(x, unit, v)
			e.VSUBPS(to, difference, difference)
			e.VFMADD231PS(difference, a, to)
			e.VMOVUPS(to, r.at(y, unit, v))
		})
	})
	e.end()
}

func momentum(e *emitter, s *simd) {
	r := beginRun(e, s, "momentum", "w, g, mom []float32, lr, momentum float32",
		"mom = momentum*mom + g; w -= lr*mom.")
	w, g, mom := r.slice("w"), r.slice("g"), r.slice("mom")
	lr, keep := r.scalar("lr"), r.scalar("momentum")
	r.blocks("w", 2, func(unit int) {
		r.eachVector(func(v int) {
			speed, weight := r.load(mom, unit, v), r.load(w, unit, v)
			e.VFMADD213PS(r.at(g, unit, v), keep, speed)
			e.VFNMADD231PS(speed, lr, weight)
			e.VMOVUPS(speed, r.at(mom, unit, v))
			e.VMOVUPS(weight, r.at(w, unit, v))
		})
	})
	e.end()
}

func rmsProp(e *emitter, s *simd) {
	r := beginRun(e, s, "rmsProp", "w, g, ms, mom []float32, lr, a, momentum, eps float32",
		"ms += a*(g*g-ms); mom = momentum*mom + lr*g/sqrt(ms+eps); w -= mom.")
	w, g, ms, mom := r.slice("w"), r.slice("g"), r.slice("ms"), r.slice("mom")
	lr, a, keep, eps := r.scalar("lr"), r.scalar("a"), r.scalar("momentum"), r.scalar("eps")
	r.blocks("w", 2, func(unit int) {
		r.eachVector(func(v int) {
			gradient, mean := r.load(g, unit, v), r.load(ms, unit, v)
			square, speed, weight := s.register(e), r.load(mom, unit, v), r.load(w, unit, v)
			e.VMULPS(gradient, gradient, square)
			e.VSUBPS(mean, square, square)
			e.VFMADD231PS(square, a, mean)
			e.VMOVUPS(mean, r.at(ms, unit, v))
			e.VADDPS(eps, mean, mean)
			e.VSQRTPS(mean, mean)
			e.VMULPS(lr, gradient, gradient)
			e.VDIVPS(mean, gradient, gradient)
			e.VFMADD213PS(gradient, keep, speed)
			e.VMOVUPS(speed, r.at(mom, unit, v))
			e.VSUBPS(speed, weight, weight)
			e.VMOVUPS(weight, r.at(w, unit, v))
		})
	})
	e.end()
}

func adam(e *emitter, s *simd) {
	r := beginRun(e, s, "adam", "w, g, m, v []float32, lr, a, b, eps float32",
		"m += a*(g-m); v += b*(g*g-v); w -= lr*m/(sqrt(v)+eps).")
	w, g, ms, vs := r.slice("w"), r.slice("g"), r.slice("m"), r.slice("v")
	lr, a, b, eps := r.scalar("lr"), r.scalar("a"), r.scalar("b"), r.scalar("eps")
	r.blocks("w", 2, func(unit int) {
		r.eachVector(func(v int) {
			gradient, first, second := r.load(g, unit, v), r.load(ms, unit, v), r.load(vs, unit, v)
			square, weight := s.register(e), r.load(w, unit, v)
			e.VMULPS(gradient, gradient, square)
			e.VSUBPS(second, square, square)
			e.VFMADD231PS(square, b, second)
			e.VMOVUPS(second, r.at(vs, unit, v))
			e.VSUBPS(first, gradient, gradient)
			e.VFMADD231PS(gradient, a, first)
			e.VMOVUPS(first, r.at(ms, unit, v))
			e.VSQRTPS(second, second)
			e.VADDPS(eps, second, second)
			e.VMULPS(lr, first, first)
			e.VDIVPS(second, first, first)
			e.VSUBPS(first, weight, weight)
			e.VMOVUPS(weight, r.at(w, unit, v))
		})
	})
	e.end()
}
