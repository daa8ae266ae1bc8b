package main

// axpy and scale are used for sums of gradients, clipping and averages.
func axpy(e *emitter, s *simd) {
	r := beginRun(e, s, "axpy", "y, x []float32, a float32", "y += a*x.")
	x, y, a := r.slice("x"), r.slice("y"), r.scalar("a")
	r.blocks("x", 4, func(unit int) {
		r.eachVector(func(v int) {
			value := r.load(y, unit, v)
			e.VFMADD231PS(r.at(x, unit, v), a, value)
			e.VMOVUPS(value, r.at(y, unit, v))
		})
	})
	e.end()
}

func scale(e *emitter, s *simd) {
	r := beginRun(e, s, "scale", "x []float32, a float32", "x *= a.")
	x, a := r.slice("x"), r.scalar("a")
	r.blocks("x", 4, func(unit int) {
		r.eachVector(func(v int) {
			value := s.register(e)
			e.VMULPS(r.at(x, unit, v), a, value)
			e.VMOVUPS(value, r.at(x, unit, v))
		})
	})
	e.end()
}
