package main

import "github.com/mmcloughlin/avo/reg"

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
	r := beginRun(e, s, "normalise", "y, x []float32, k *[3][16]float32, relu bool",
		"y = (x-k[2])*k[0] + k[1], and zero if that is negative and relu is set.")
	x, y, k := r.slice("x"), r.slice("y"), r.pointer("k")
	scale, shift, mean := r.channels(k, 0), r.channels(k, block), r.channels(k, 2*block)
	zero := s.register(e)
	s.zero(e, zero)
	body := func(relu bool) func() {
		return func() {
			r.blocks("x", 4, func(unit int) {
				r.eachVector(func(v int) {
					value := r.load(x, unit, v)
					e.VSUBPS(mean[v], value, value)
					e.VFMADD213PS(shift[v], scale[v], value)
					if relu {
						e.VMAXPS(value, zero, value)
					}
					e.VMOVUPS(value, r.at(y, unit, v))
				})
			})
		}
	}
	r.when("relu", r.flag("relu"), body(true), body(false))
	e.end()
}

// gradientSums is the first backward pass of batch norm and ReLU.
func gradientSums(e *emitter, s *simd) {
	r := beginRun(e, s, "gradientSums", "sum, dot *[16]float64, dy, x, y []float32, mean *[16]float32",
		"sum += g and dot += g*(x-mean), in float64, g being dy where y > 0; dy if y is empty.")
	dy, x, y := r.slice("dy"), r.slice("x"), r.slice("y")
	mean := r.channels(r.pointer("mean"), 0)
	zero := s.register(e)
	s.zero(e, zero)
	sums, dots := r.doubles(), r.doubles()
	body := func(relu bool) func() {
		return func() {
			r.blocks("dy", 2, func(unit int) {
				r.eachVector(func(v int) {
					g := r.gradient(dy, y, zero, unit, v, relu)
					centred := r.load(x, unit, v)
					e.VSUBPS(mean[v], centred, centred)
					e.VMULPS(g, centred, centred)
					for h := range 2 {
						e.VADDPD(r.double(g, h), sums[2*v+h], sums[2*v+h])
						e.VADDPD(r.double(centred, h), dots[2*v+h], dots[2*v+h])
					}
				})
			})
		}
	}
	r.when("masked", r.length("y"), body(true), body(false))
	r.addTo(r.pointer("sum"), sums)
	r.addTo(r.pointer("dot"), dots)
	e.end()
}

// gradientApply is the second backward pass of batch norm and ReLU.
func gradientApply(e *emitter, s *simd) {
	r := beginRun(e, s, "gradientApply", "dx, dy, x, y []float32, k *[4][16]float32",
		"dx = k[0]*g + k[1]*(x-k[3]) + k[2], g being dy where y > 0; dy if y is empty.")
	dx, dy, x, y := r.slice("dx"), r.slice("dy"), r.slice("x"), r.slice("y")
	k := r.pointer("k")
	scale, slope := r.channels(k, 0), r.channels(k, block)
	offset, mean := r.channels(k, 2*block), r.channels(k, 3*block)
	zero := s.register(e)
	s.zero(e, zero)
	body := func(relu bool) func() {
		return func() {
			r.blocks("dy", 2, func(unit int) {
				r.eachVector(func(v int) {
					g := r.gradient(dy, y, zero, unit, v, relu)
					value := r.load(x, unit, v)
					e.VSUBPS(mean[v], value, value)
					e.VFMADD213PS(offset[v], slope[v], value)
					e.VFMADD231PS(g, scale[v], value)
					e.VMOVUPS(value, r.at(dx, unit, v))
				})
			})
		}
	}
	r.when("masked", r.length("y"), body(true), body(false))
	e.end()
}

// gradient loads dy, cut where y is not positive if relu is set.
func (r *run) gradient(dy, y reg.GPVirtual, zero reg.VecVirtual, unit, v int, relu bool) reg.VecVirtual {
	if !relu {
		return r.load(dy, unit, v)
	}
	return r.positive(r.at(dy, unit, v), r.at(y, unit, v), zero)
}
