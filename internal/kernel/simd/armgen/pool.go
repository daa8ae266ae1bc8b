package main

// pool walks the output pixels of a run, several at a time, and for those all
// taps of their windows.
type pool struct {
	*function
	x, y, argmax   gp
	taps, count    gp
	pixels, xPixel gp
	tap            gp
	together       int // pixels at a time in the main loop
}

func beginPool(f *file, name, doc string, together int) *pool {
	p := &pool{function: f.begin(name+"NEON", "args *PoolArgs", doc), together: together}
	field := p.fields("PoolArgs")
	p.x, p.y, p.argmax = field("X"), field("Y"), field("Argmax")
	p.taps, p.count = field("Taps"), field("Count")
	p.pixels, p.xPixel = field("Pixels"), field("XPixel")
	p.tap = p.general()
	return p
}

// walk emits body for groups of together pixels, then for single ones.
func (p *pool) walk(body func(pixels int)) {
	step := func(pixels int) func() {
		return func() {
			p.scope(func() { body(pixels) })
			p.advance(p.y, pixels*block)
			p.advance(p.argmax, pixels*block/float)
			for range pixels {
				p.add(p.x, p.xPixel, p.x)
			}
		}
	}
	if p.together > 1 {
		groups := p.general()
		p.shiftRight(p.pixels, map[int]int{2: 1, 4: 2}[p.together], groups)
		p.times("group", groups, step(p.together))
		p.mask(p.pixels, p.together-1, p.pixels)
	}
	p.times("pixel", p.pixels, step(1))
	p.end()
}

// eachTap emits body for every tap of the list except the first skip ones; from
// is the address of the first pixel's value, which body may change.
func (p *pool) eachTap(skip int, body func(from gp)) {
	left, from := p.general(), p.general()
	p.move(p.count, left)
	p.move(p.taps, p.tap)
	for range skip {
		p.countDown(left)
		p.advance(p.tap, 16)
	}
	p.times("tap", left, func() {
		p.loadGP(p.tap, 0, from)
		p.add(from, p.x, from)
		body(from)
		p.advance(p.tap, 16)
	})
}

// eachPixel emits body for several pixels' blocks at from, which it moves.
func (p *pool) eachPixel(pixels int, from gp, body func(pixel int)) {
	for pixel := range pixels {
		body(pixel)
		if pixel+1 < pixels {
			p.add(from, p.xPixel, from)
		}
	}
}

// index broadcasts the tap's index.
func (p *pool) index(to vec) {
	p.scope(func() {
		place := p.general()
		p.move(p.tap, place)
		p.advance(place, 8)
		p.loadSame(place, to)
	})
}

func poolSum(f *file) {
	p := beginPool(f, "poolSum", "y = scale * sum of the taps.", 4)
	scale := p.vector()
	p.scope(func() {
		place := p.argument("args")
		p.advance(place, p.offset("PoolArgs", "Scale"))
		p.loadSame(place, scale)
	})
	p.walk(func(pixels int) {
		sums := p.vectors(pixels * perBlock)
		for _, sum := range sums {
			p.zero(sum)
		}
		p.eachTap(0, func(from gp) {
			values := p.vectors(perBlock)
			p.eachPixel(pixels, from, func(pixel int) {
				p.loadAll(at(from, 0), values)
				for v, value := range values {
					sum := sums[pixel*perBlock+v]
					p.op("fadd", sum, value, sum)
				}
			})
		})
		for _, sum := range sums {
			p.op("fmul", sum, scale, sum)
		}
		p.storeAll(sums, at(p.y, 0))
	})
}

func poolMax(f *file) {
	p := beginPool(f, "poolMax", "y = the taps' maximum, argmax = the index of the first tap that has it.", 2)
	p.walk(func(pixels int) {
		best, which := p.vectors(pixels*perBlock), p.vectors(pixels*perBlock)
		p.scope(func() {
			first := p.general()
			p.move(p.taps, p.tap)
			p.loadGP(p.tap, 0, first)
			p.add(first, p.x, first)
			p.eachPixel(pixels, first, func(pixel int) {
				p.loadAll(at(first, 0), best[pixel*perBlock:][:perBlock])
			})
			p.index(which[0])
			for _, w := range which[1:] {
				p.copy(which[0], w)
			}
		})
		p.eachTap(1, func(from gp) {
			index, larger, values := p.vector(), p.vector(), p.vectors(perBlock)
			p.index(index)
			p.eachPixel(pixels, from, func(pixel int) {
				p.loadAll(at(from, 0), values)
				for v, value := range values {
					i := pixel*perBlock + v
					p.op("fcmgt", value, best[i], larger)
					p.op("bit", value, larger, best[i])
					p.op("bit", index, larger, which[i])
				}
			})
		})
		p.storeAll(best, at(p.y, 0))
		for pixel := range pixels {
			w := which[pixel*perBlock:][:perBlock]
			p.op("uzp1.h", w[0], w[1], w[0])
			p.op("uzp1.h", w[2], w[3], w[2])
			p.op("uzp1.b", w[0], w[2], w[0])
			p.store(w[0], at(p.argmax, pixel*block/float))
		}
	})
}

func poolMaxBack(f *file) {
	p := beginPool(f, "poolMaxBack", "Adds y, a gradient, to the tap of x that argmax names.", 1)
	p.walk(func(int) {
		dy, which := p.vectors(perBlock), p.vectors(perBlock)
		p.loadAll(at(p.y, 0), dy)
		p.scope(func() {
			bytes, low, high := p.vector(), p.vector(), p.vector()
			p.load(at(p.argmax, 0), bytes)
			p.unary("ushll.b", bytes, low)
			p.unary("ushll2.b", bytes, high)
			p.unary("ushll.h", low, which[0])
			p.unary("ushll2.h", low, which[1])
			p.unary("ushll.h", high, which[2])
			p.unary("ushll2.h", high, which[3])
		})
		p.eachTap(0, func(from gp) {
			index, values, gain := p.vector(), p.vectors(perBlock), p.vector()
			p.index(index)
			p.loadAll(at(from, 0), values)
			for v, value := range values {
				p.op("cmeq", which[v], index, gain)
				p.op("and", gain, dy[v], gain)
				p.op("fadd", value, gain, value)
			}
			p.storeAll(values, at(from, 0))
		})
	})
}
