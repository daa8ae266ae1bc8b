package main

// together is how many vectors of a block a transform handles side by side: a
// pair, so that loads and stores are pairs too.
const together = 2

// winograd writes one of the transforms of F(4x4, 3x3): a pass along the rows
// to temporary memory, which stays in the L1 cache, then one along the columns.
type winograd struct {
	*function
	temporary gp
	constants map[string]vec
}

func beginWinograd(file *file, name, args, doc string, constants ...string) (*winograd, func(string) gp) {
	f := file.begin(name+"NEON", "args *"+args, doc)
	field := f.fields(args)
	w := &winograd{function: f, temporary: field("Temporary"), constants: map[string]vec{}}
	f.advance(w.temporary, savedMiddle)
	base := field("Constants")
	for _, name := range constants {
		w.constants[name] = f.vector()
		f.load(at(base, f.offset("WinogradConstants", name)), w.constants[name])
	}
	return w, field
}

// pair is two vectors side by side.
type pair [together]vec

func (w *winograd) pair() pair { return pair(w.vectors(together)) }

func (w *winograd) read(from address) pair {
	p := w.pair()
	w.loadPair(from, p[0], p[1])
	return p
}

func (w *winograd) write(p pair, to address) { w.storePair(p[0], p[1], to) }

func (w *winograd) clone(from pair) pair {
	p := w.pair()
	for i := range p {
		w.copy(from[i], p[i])
	}
	return p
}

// both emits an instruction on two pairs.
func (w *winograd) both(key string, a, b, to pair) {
	for i := range to {
		w.op(key, a[i], b[i], to[i])
	}
}

// by emits an instruction on a pair and a constant.
func (w *winograd) by(key, constant string, a, to pair) {
	for i := range to {
		w.op(key, a[i], w.constants[constant], to[i])
	}
}

// savedMiddle is where the register of the temporary memory points, from where
// pairs reach all of it.
const savedMiddle = 18 * together * vector

// saved is the location of temporary pair i.
func (w *winograd) saved(i int) address { return at(w.temporary, i*together*vector-savedMiddle) }

// pointers returns registers that point at first, first+stride and so on.
func (w *winograd) pointers(first, stride gp, count int) []gp {
	list := []gp{first}
	for len(list) < count {
		next := w.general()
		w.add(list[len(list)-1], stride, next)
		list = append(list, next)
	}
	return list
}

// points are six pointers at adjacent points, which are moved from row to row and
// back to the first.
type points struct {
	adjacent  []gp
	six, back gp // points to the next row and from the last to the first
}

func (w *winograd) newPoints(first, stride gp) *points {
	p := &points{adjacent: w.pointers(first, stride, 6), six: w.general(), back: w.general()}
	w.addScaled(stride, stride, 1, p.six)
	w.add(p.six, p.six, p.six)
	w.addScaled(p.six, p.six, 2, p.back)
	return p
}

// pointRows emits body for each row of six points, of which at(j) is the j-th;
// displacement bytes into each.
func (w *winograd) pointRows(p *points, displacement int, body func(row int, at func(j int) address)) {
	for row := range 6 {
		w.scope(func() { body(row, func(j int) address { return at(p.adjacent[j], displacement) }) })
		for _, r := range p.adjacent {
			if row < 5 {
				w.add(r, p.six, r)
			} else {
				w.subtract(r, p.back, r)
			}
		}
	}
}

// winogradIn transforms windows of the input: B'dB.
func winogradIn(f *file) {
	w, field := beginWinograd(f, "winogradIn", "WinogradInArgs", "Transforms 6x6 windows to 36 points each.",
		"a", "b", "a2", "b2", "product", "sum")
	tiles, point := field("Tiles"), field("Point")
	rows := w.pointers(field("X"), field("Row"), 6)
	points := w.newPoints(field("Points"), point)
	w.times("tile", tiles, func() {
		for v := 0; v < perBlock; v += together {
			for j := range 6 {
				w.scope(func() {
					w.inward(func(i int) address { return at(rows[i], j*block+v*vector) },
						func(i int) address { return w.saved(i*6 + j) })
				})
			}
			w.pointRows(points, v*vector, func(row int, at func(j int) address) {
				w.inward(func(j int) address { return w.saved(row*6 + j) }, at)
			})
		}
		for i := range 6 {
			w.advance(rows[i], 4*block)
			w.advance(points.adjacent[i], block)
		}
	})
	w.end()
}

// inward is one transform of six values to six; see simd.Algorithm.
func (w *winograd) inward(from, to func(i int) address) {
	d := make([]pair, 6)
	for i := range d {
		d[i] = w.read(from(i))
	}
	for group, names := range [][2]string{{"a", "b2"}, {"b", "a2"}} {
		w.scope(func() {
			odd, even := w.clone(d[3]), w.clone(d[4])
			w.by("fmls", names[1], d[1], odd)
			w.by("fmls", names[1], d[2], even)
			plus := w.clone(even)
			w.by("fmla", names[0], odd, plus)
			w.by("fmls", names[0], odd, even)
			w.write(plus, to(1+2*group))
			w.write(even, to(2+2*group))
		})
	}
	end := func(i int, outer, middle, sum pair) {
		w.by("fmls", "sum", middle, sum)
		w.by("fmla", "product", outer, sum)
		w.write(sum, to(i))
	}
	end(0, d[0], d[2], d[4])
	end(5, d[1], d[3], d[5])
}

// winogradOut transforms the products back: A'mA, then bias and limit.
func winogradOut(f *file) {
	w, field := beginWinograd(f, "winogradOut", "WinogradOutArgs",
		"Makes 4x4 tiles of 36 points each, with bias and a least value.",
		"a", "b", "a2", "b2", "a3", "b3")
	tiles, point := field("Tiles"), field("Point")
	rows := w.pointers(field("Y"), field("Row"), 4)
	points := w.newPoints(field("Points"), point)
	bias, least := field("Bias"), field("Least")
	w.times("tile", tiles, func() {
		for v := 0; v < perBlock; v += together {
			w.pointRows(points, v*vector, func(row int, at func(j int) address) {
				w.outward(at, func(j int, value pair) { w.write(value, w.saved(row*4+j)) })
			})
			for j := range 4 {
				w.scope(func() {
					w.outward(func(i int) address { return w.saved(i*4 + j) }, func(i int, value pair) {
						w.both("fadd", value, w.read(at(bias, v*vector)), value)
						limit := w.read(at(least, v*vector))
						for k := range value {
							w.atLeast(value[k], limit[k])
						}
						w.write(value, at(rows[i], j*block+v*vector))
					})
				})
			}
		}
		for _, p := range points.adjacent {
			w.advance(p, block)
		}
		for _, r := range rows {
			w.advance(r, 4*block)
		}
	})
	w.end()
}

// outward is one transform of six values to four; see simd.Algorithm.
func (w *winograd) outward(from func(i int) address, store func(i int, value pair)) {
	sumA, differenceA := w.combined(from, 1)
	sumB, differenceB := w.combined(from, 3)
	w.scope(func() {
		first := w.read(from(0))
		w.both("fadd", first, sumA, first)
		w.both("fadd", first, sumB, first)
		store(0, first)
	})
	for i, powers := range [][2]string{{"a", "b"}, {"a2", "b2"}, {"a3", "b3"}} {
		byA, byB := differenceA, differenceB
		if i == 1 {
			byA, byB = sumA, sumB
		}
		w.scope(func() {
			var value pair
			if i == 2 {
				value = w.read(from(5))
				w.by("fmla", powers[0], byA, value)
			} else {
				value = w.pair()
				w.by("fmul", powers[0], byA, value)
			}
			w.by("fmla", powers[1], byB, value)
			store(i+1, value)
		})
	}
}

// combined returns the sum and the difference of two points beside each other.
func (w *winograd) combined(from func(i int) address, i int) (sum, difference pair) {
	sum, difference = w.read(from(i)), w.pair()
	w.scope(func() {
		second := w.read(from(i + 1))
		w.both("fsub", sum, second, difference)
		w.both("fadd", sum, second, sum)
	})
	return sum, difference
}

// winogradOutBack transforms tiles of the output's gradient to points: AdA'.
func winogradOutBack(f *file) {
	w, field := beginWinograd(f, "winogradOutBack", "WinogradInArgs",
		"Transforms 4x4 tiles of the output's gradient to 36 points each.", "a", "b", "a2", "b2")
	tiles, point := field("Tiles"), field("Point")
	rows := w.pointers(field("X"), field("Row"), 4)
	points := w.newPoints(field("Points"), point)
	w.times("tile", tiles, func() {
		for v := 0; v < perBlock; v += together {
			for j := range 4 {
				w.scope(func() {
					w.outwardBack(func(i int) address { return at(rows[i], j*block+v*vector) },
						func(i int) address { return w.saved(i*4 + j) })
				})
			}
			w.pointRows(points, v*vector, func(row int, at func(j int) address) {
				w.outwardBack(func(j int) address { return w.saved(row*4 + j) }, at)
			})
		}
		for _, p := range points.adjacent {
			w.advance(p, block)
		}
		for _, r := range rows {
			w.advance(r, 4*block)
		}
	})
	w.end()
}

// outwardBack is one transform of four values to six, by A; see simd.Algorithm.
func (w *winograd) outwardBack(from, to func(i int) address) {
	d := make([]pair, 4)
	for i := range d {
		d[i] = w.read(from(i))
	}
	w.write(d[0], to(0))
	w.write(d[3], to(5))
	for group, names := range [][2]string{{"a", "a2"}, {"b", "b2"}} {
		w.scope(func() {
			even, odd := w.clone(d[0]), w.clone(d[1])
			w.by("fmla", names[1], d[2], even)
			w.by("fmla", names[1], d[3], odd)
			plus := w.clone(even)
			w.by("fmla", names[0], odd, plus)
			w.by("fmls", names[0], odd, even)
			w.write(plus, to(1+2*group))
			w.write(even, to(2+2*group))
		})
	}
}

// winogradWeights transforms weights: GwG'.
func winogradWeights(f *file) {
	w, field := beginWinograd(f, "winogradWeights", "WinogradWeightsArgs",
		"Transforms 16x16 kernels of 3x3 to 36 points each.",
		"g0", "gA", "gAa", "gAa2", "gB", "gBb", "gBb2")
	tap, point := field("Tap"), field("Point")
	points := w.newPoints(field("Points"), point)
	taps := w.pointers(field("W"), tap, 9)
	lanes := w.general()
	w.set(16*perBlock/together, lanes)
	w.times("lanes", lanes, func() {
		for j := range 3 {
			w.scope(func() {
				w.weigh(func(i int) address { return at(taps[3*i+j], 0) }, func(i int) address { return w.saved(i*3 + j) })
			})
		}
		w.pointRows(points, 0, func(row int, at func(j int) address) {
			w.weigh(func(j int) address { return w.saved(row*3 + j) }, at)
		})
		for _, r := range append(taps, points.adjacent...) {
			w.advance(r, together*vector)
		}
	})
	w.end()
}

// weigh is one transform of three values to six; see simd.Algorithm.
func (w *winograd) weigh(from, to func(i int) address) {
	first, second, third := w.read(from(0)), w.read(from(1)), w.read(from(2))
	w.write(third, to(5))
	for group, names := range [][3]string{{"gA", "gAa", "gAa2"}, {"gB", "gBb", "gBb2"}} {
		w.scope(func() {
			plus := w.pair()
			w.by("fmul", names[0], first, plus)
			w.by("fmla", names[2], third, plus)
			minus := w.clone(plus)
			w.by("fmla", names[1], second, plus)
			w.by("fmls", names[1], second, minus)
			w.write(plus, to(1+2*group))
			w.write(minus, to(2+2*group))
		})
	}
	w.by("fmul", "g0", first, first)
	w.write(first, to(0))
}

// winogradWeightsBack transforms the points of gradients to those of weights: G'dG.
func winogradWeightsBack(f *file) {
	w, field := beginWinograd(f, "winogradWeightsBack", "WinogradWeightsArgs",
		"Makes gradients of 16x16 kernels of 3x3 of 36 points each.",
		"g0", "gA", "gAa", "gAa2", "gB", "gBb", "gBb2")
	tap, point := field("Tap"), field("Point")
	points := w.newPoints(field("Points"), point)
	taps := w.pointers(field("W"), tap, 9)
	lanes := w.general()
	w.set(16*perBlock/together, lanes)
	w.times("lanes", lanes, func() {
		w.pointRows(points, 0, func(row int, at func(j int) address) {
			w.weighBack(at, func(j int) address { return w.saved(row*3 + j) })
		})
		for j := range 3 {
			w.scope(func() {
				w.weighBack(func(i int) address { return w.saved(i*3 + j) }, func(i int) address { return at(taps[3*i+j], 0) })
			})
		}
		for _, r := range append(taps, points.adjacent...) {
			w.advance(r, together*vector)
		}
	})
	w.end()
}

// weighBack is one transform of six values to three, by G'; see simd.Algorithm.
func (w *winograd) weighBack(from, to func(i int) address) {
	sumA, differenceA := w.combined(from, 1)
	sumB, differenceB := w.combined(from, 3)
	for i, powers := range [][2]string{{"gA", "gB"}, {"gAa", "gBb"}, {"gAa2", "gBb2"}} {
		byA, byB := sumA, sumB
		if i == 1 {
			byA, byB = differenceA, differenceB
		}
		w.scope(func() {
			var value pair
			switch i {
			case 0:
				value = w.read(from(0))
				w.by("fmul", "g0", value, value)
				w.by("fmla", powers[0], byA, value)
			case 1:
				value = w.pair()
				w.by("fmul", powers[0], byA, value)
			case 2:
				value = w.read(from(5))
				w.by("fmla", powers[0], byA, value)
			}
			w.by("fmla", powers[1], byB, value)
			w.write(value, to(i))
		})
	}
}
