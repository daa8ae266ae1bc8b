package main

import "github.com/mmcloughlin/avo/operand"

// evens takes every second float, 16 of them for each 256 of its result.
func evens(e *emitter, s *simd) {
	r := beginRun(e, s, "evens", "to, from []float32", "to[256*i+j] = from[32*i+2*j] for j < 16.")
	to, from, groups := r.slice("to"), r.slice("from"), r.length("from")
	e.SHRQ(operand.U8(5), groups)
	e.times("group", groups, func() {
		for half := range 2 {
			out := operand.Mem{Base: to, Disp: half * block / 2}
			if s == avx512 {
				pairs := e.ZMM()
				e.VMOVUPS(operand.Mem{Base: from, Disp: half * block}, pairs)
				e.VPMOVQD(pairs, out) // the lower halves
				continue
			}
			first, second := e.YMM(), e.YMM()
			e.VMOVUPS(operand.Mem{Base: from, Disp: half * block}, first)
			e.VMOVUPS(operand.Mem{Base: from, Disp: half*block + s.bytes}, second)
			e.VSHUFPS(operand.U8(0x88), second, first, first) // within 128-bit halves
			e.VPERMPD(operand.U8(0xd8), first, first)
			e.VMOVUPS(first, out)
		}
		e.ADDQ(operand.U32(16*block), to)
		e.ADDQ(operand.U32(2*block), from)
	})
	e.end()
}

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
