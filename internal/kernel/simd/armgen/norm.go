package main

// moments adds the 16 channels' sums and sums of squares in float64. The
// square of a float32 is exact there.
func moments(f *file) {
	r := beginRun(f, "moments", "sum, sq *[16]float64, x []float32", "sum += x and sq += x*x, in float64.")
	x := r.slice("x")
	sums, squares := r.doubles(), r.doubles()
	r.blocks("x", 2, func(unit int) {
		for v, value := range r.read(x, unit) {
			r.scope(func() {
				for h, wide := range r.widen(value) {
					r.op("fadd.d", sums[2*v+h], wide, sums[2*v+h])
					r.op("fmla.d", wide, wide, squares[2*v+h])
				}
			})
		}
	})
	r.addTo("sum", sums)
	r.addTo("sq", squares)
	r.end()
}

// doubles returns 16 float64 zeros, two in a register.
func (r *run) doubles() []vec {
	list := r.vectors(2 * perBlock)
	for _, v := range list {
		r.zero(v)
	}
	return list
}

// widen converts both halves of a vector to float64.
func (r *run) widen(from vec) []vec {
	wide := r.vectors(2)
	r.unary("fcvtl", from, wide[0])
	r.unary("fcvtl2", from, wide[1])
	return wide
}

// addTo adds sums to the 16 float64 that a parameter points to.
func (r *run) addTo(parameter string, sums []vec) {
	r.scope(func() {
		base, old := r.argument(parameter), r.vector()
		for i, sum := range sums {
			r.load(at(base, i*vector), old)
			r.op("fadd.d", sum, old, sum)
		}
		r.storeAll(sums, at(base, 0))
	})
}

// normalise is the forward pass of batch norm and ReLU.
func normalise(f *file) {
	r := beginRun(f, "normalise", "y, x []float32, k *[3][16]float32",
		"y = (x-k[2])*k[0] + k[1], and zero if that is negative.")
	x, y, k := r.slice("x"), r.slice("y"), r.argument("k")
	scale, shift, mean := r.channels(k, 0), r.channels(k, block), r.channels(k, 2*block)
	r.blocks("x", 4, func(unit int) {
		values := r.read(x, unit)
		results := r.vectors(perBlock)
		for v, value := range values {
			r.op("fsub", value, mean[v], value)
			r.copy(shift[v], results[v])
			r.op("fmla", value, scale[v], results[v])
			r.positive(results[v])
		}
		r.write(results, y, unit)
	})
	r.end()
}

// gradientSums is the first backward pass of batch norm and ReLU.
func gradientSums(f *file) {
	r := beginRun(f, "gradientSums", "sum, dot *[16]float64, dy, x []float32, k *[3][16]float32",
		"sum += g and dot += g*(x-k[2]), in float64, g being dy, or zero where normalise's y is not positive.")
	dy, x, k := r.slice("dy"), r.slice("x"), r.argument("k")
	scale, shift := r.channels(k, 0), r.channels(k, block)
	sums, dots := r.doubles(), r.doubles()
	r.blocks("dy", 2, func(unit int) {
		for v := range perBlock {
			r.scope(func() {
				centred, g := r.centred(x, k, unit, v), r.vector()
				r.load(at(dy, unit*block+v*vector), g)
				r.cut(g, centred, scale[v], shift[v])
				r.op("fmul", centred, g, centred)
				r.addWide(g, sums[2*v:])
				r.addWide(centred, dots[2*v:])
			})
		}
	})
	r.addTo("sum", sums)
	r.addTo("dot", dots)
	r.end()
}

// centred loads vector v of x and subtracts the mean, k[2].
func (r *run) centred(x, k gp, unit, v int) vec {
	value := r.vector()
	r.load(at(x, unit*block+v*vector), value)
	r.scope(func() {
		mean := r.vector()
		r.load(at(k, 2*block+v*vector), mean)
		r.op("fsub", value, mean, value)
	})
	return value
}

// cut clears g where normalise's y = centred*scale + shift is not positive.
func (r *run) cut(g, centred, scale, shift vec) {
	r.scope(func() {
		y := r.vector()
		r.copy(shift, y)
		r.op("fmla", centred, scale, y)
		r.unary("fcmgt.zero", y, y)
		r.op("and", g, y, g)
	})
}

func (r *run) addWide(from vec, sums []vec) {
	r.scope(func() {
		for h, wide := range r.widen(from) {
			r.op("fadd.d", sums[h], wide, sums[h])
		}
	})
}

// gradientApply is the second backward pass of batch norm and ReLU.
func gradientApply(f *file) {
	r := beginRun(f, "gradientApply", "dx, dy, x []float32, k *[5][16]float32",
		"dx = k[0]*g + k[3]*(x-k[2]) + k[4], g being dy, or zero where normalise's y is not positive.")
	dx, dy, x := r.slice("dx"), r.slice("dy"), r.slice("x")
	k := r.argument("k")
	scale, shift, slope, constant := r.channels(k, 0), r.channels(k, block), r.channels(k, 3*block), r.channels(k, 4*block)
	r.blocks("dy", 2, func(unit int) {
		gradients, results := r.read(dy, unit), r.vectors(perBlock)
		for v, g := range gradients {
			r.scope(func() {
				centred := r.centred(x, k, unit, v)
				r.cut(g, centred, scale[v], shift[v])
				r.copy(constant[v], results[v])
				r.op("fmla", centred, slope[v], results[v])
				r.op("fmla", g, scale[v], results[v])
			})
		}
		r.write(results, dx, unit)
	})
	r.end()
}
