package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// moments adds the 16 channels' sums and sums of squares in float64. The
// square of a float32 is exact there.
func moments(e *emitter, s *simd) {
	r := beginRun(e, s, "moments", "sum, sq *[16]float64, x []float32",
		"sum += x and sq += x*x, in float64.")
	x := r.slice("x")
	sums, squares := r.doubles(), r.doubles()
	half := s.bytes / 2
	r.blocks("x", 4, func(unit int) {
		for i := range sums {
			at := r.at(x, unit, 0)
			at.Disp += i * half
			value := s.register(e)
			e.VCVTPS2PD(at, value)
			e.VADDPD(value, sums[i], sums[i])
			e.VFMADD231PD(value, value, squares[i])
		}
	})
	r.addTo(r.pointer("sum"), sums)
	r.addTo(r.pointer("sq"), squares)
	e.end()
}

// normalise is the forward pass of batch norm and ReLU.
func normalise(e *emitter, s *simd) {
	r := beginRun(e, s, "normalise", "y, x []float32, k *[3][16]float32",
		"y = (x-k[2])*k[0] + k[1], and zero if that is negative.")
	x, y, k := r.slice("x"), r.slice("y"), r.pointer("k")
	scale, shift, mean := r.channels(k, 0), r.channels(k, block), r.channels(k, 2*block)
	zero := s.register(e)
	s.zero(e, zero)
	r.blocks("x", 4, func(unit int) {
		r.eachVector(func(v int) {
			value := r.load(x, unit, v)
			e.VSUBPS(mean[v], value, value)
			e.VFMADD213PS(shift[v], scale[v], value)
			e.VMAXPS(value, zero, value) // of a NaN and a number, the last: NaN stays
			e.VMOVUPS(value, r.at(y, unit, v))
		})
	})
	e.end()
}

// gradientSums is the first backward pass of batch norm and ReLU.
func gradientSums(e *emitter, s *simd) {
	r := beginRun(e, s, "gradientSums", "sum, dot *[16]float64, dy, x []float32, k *[3][16]float32",
		"sum += g and dot += g*(x-k[2]), in float64, g being dy, or zero where normalise's y is not positive.")
	dy, x, k := r.slice("dy"), r.slice("x"), r.pointer("k")
	scale := r.channels(k, 0)
	zero := s.register(e)
	s.zero(e, zero)
	sums, dots := r.doubles(), r.doubles()
	constant := func(i, v int) operand.Mem { return operand.Mem{Base: k, Disp: i*block + v*s.bytes} }
	r.blocks("dy", 2, func(unit int) {
		r.eachVector(func(v int) {
			centred := r.load(x, unit, v)
			e.VSUBPS(constant(2, v), centred, centred)
			g := r.gradient(r.at(dy, unit, v), centred, scale[v], constant(1, v), zero)
			e.VMULPS(g, centred, centred)
			for h := range 2 {
				e.VADDPD(r.double(g, h), sums[2*v+h], sums[2*v+h])
				e.VADDPD(r.double(centred, h), dots[2*v+h], dots[2*v+h])
			}
		})
	})
	r.addTo(r.pointer("sum"), sums)
	r.addTo(r.pointer("dot"), dots)
	e.end()
}

// gradientApply is the second backward pass of batch norm and ReLU.
func gradientApply(e *emitter, s *simd) {
	r := beginRun(e, s, "gradientApply", "dx, dy, x []float32, k *[5][16]float32",
		"dx = k[0]*g + k[3]*(x-k[2]) + k[4], g being dy, or zero where normalise's y is not positive.")
	dx, dy, x := r.slice("dx"), r.slice("dy"), r.slice("x")
	k := r.pointer("k")
	scale, slope := r.channels(k, 0), r.channels(k, 3*block)
	zero := s.register(e)
	s.zero(e, zero)
	constant := func(i, v int) operand.Mem { return operand.Mem{Base: k, Disp: i*block + v*s.bytes} }
	r.blocks("dy", 2, func(unit int) {
		r.eachVector(func(v int) {
			value := r.load(x, unit, v)
			e.VSUBPS(constant(2, v), value, value)
			g := r.gradient(r.at(dy, unit, v), value, scale[v], constant(1, v), zero)
			e.VFMADD213PS(constant(4, v), slope[v], value)
			e.VFMADD231PS(g, scale[v], value)
			e.VMOVUPS(value, r.at(dx, unit, v))
		})
	})
	e.end()
}

// gradient loads dy, cut where normalise's y = centred*scale + shift is not
// positive.
func (r *run) gradient(
	dy operand.Mem, centred, scale reg.VecVirtual, shift operand.Mem, zero reg.VecVirtual,
) reg.VecVirtual {
	g := r.s.register(r.emitter)
	y := r.s.register(r.emitter)
	r.VMOVAPS(centred, y)
	r.VFMADD213PS(shift, scale, y)
	const lessThan = 0x11 // LT_OQ, quiet: 0 < y
	if r.s == avx512 {
		mask := r.K()
		r.VCMPPS(operand.U8(lessThan), y, zero, mask)
		r.VMOVUPS_Z(dy, mask, g)
		return g
	}
	r.VCMPPS(operand.U8(lessThan), y, zero, y)
	r.VANDPS(dy, y, g)
	return g
}
