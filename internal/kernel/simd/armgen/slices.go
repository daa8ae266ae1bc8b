package main

// run walks slices of equal length, a block of 16 floats at a time; Go handles a
// remainder shorter than a block.
type run struct {
	*function
	slices []gp
}

// beginRun starts a function over slices.
func beginRun(f *file, name, parameters, doc string) *run {
	return &run{function: f.begin(name+"NEON", parameters, doc)}
}

// slice loads the address of a slice that blocks walks.
func (r *run) slice(name string) gp {
	s := r.argument(name)
	r.slices = append(r.slices, s)
	return s
}

// channels loads the 16 values at base + displacement.
func (r *run) channels(base gp, displacement int) []vec {
	list := r.vectors(perBlock)
	r.loadAll(at(base, displacement), list)
	return list
}

// blocks emits body for unroll blocks at a time, then for the rest singly.
func (r *run) blocks(length string, unroll int, body func(unit int)) {
	count := r.length(length)
	r.shiftRight(count, 4, count)
	step := func(units int) func() {
		return func() {
			for unit := range units {
				r.scope(func() { body(unit) })
			}
			for _, s := range r.slices {
				r.advance(s, units*block)
			}
		}
	}
	groups := r.general()
	r.shiftRight(count, map[int]int{2: 1, 4: 2}[unroll], groups)
	r.times("group", groups, step(unroll))
	r.mask(count, unroll-1, count)
	r.times("block", count, step(1))
}

// read loads a slice's block that is unit blocks ahead.
func (r *run) read(slice gp, unit int) []vec { return r.channels(slice, unit*block) }

func (r *run) write(values []vec, slice gp, unit int) { r.storeAll(values, at(slice, unit*block)) }

// evens takes every other value, for the windows of a stride of 2.
func evens(f *file) {
	r := beginRun(f, "evens", "to, from []float32", "to[256*i+j] = from[32*i+2*j] for j < 16.")
	to, from, groups := r.slice("to"), r.slice("from"), r.length("from")
	r.shiftRight(groups, 5, groups)
	r.times("group", groups, func() {
		pairs, values := r.vectors(2*perBlock), r.vectors(perBlock)
		r.loadAll(at(from, 0), pairs)
		for v, value := range values {
			r.op("uzp1", pairs[2*v], pairs[2*v+1], value)
		}
		r.storeAll(values, at(to, 0))
		r.advance(to, 16*block)
		r.advance(from, 2*block)
	})
	r.end()
}

// axpy and scale are used for sums of gradients, clipping and averages.
func axpy(f *file) {
	r := beginRun(f, "axpy", "y, x []float32, a float32", "y += a*x.")
	x, y, a := r.slice("x"), r.slice("y"), r.scalar("a")
	r.blocks("x", 4, func(unit int) {
		from, to := r.read(x, unit), r.read(y, unit)
		for v := range to {
			r.op("fmla", from[v], a, to[v])
		}
		r.write(to, y, unit)
	})
	r.end()
}

func scale(f *file) {
	r := beginRun(f, "scale", "x []float32, a float32", "x *= a.")
	x, a := r.slice("x"), r.scalar("a")
	r.blocks("x", 4, func(unit int) {
		values := r.read(x, unit)
		for _, v := range values {
			r.op("fmul", v, a, v)
		}
		r.write(values, x, unit)
	})
	r.end()
}
