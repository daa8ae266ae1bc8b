package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// winogradKind is an algorithm and what it takes.
type winogradKind struct {
	name   string // as part of function names
	output int    // pixels of a tile's row
	pixel  int    // bytes of one of the map's
	half   bool   // points are bf16 too, and nothing is fused, so that plain Go gives the same bits
}

var (
	floatWinograd   = winogradKind{"", 4, block, false}
	bf16Winograd    = winogradKind{"BF16", 3, bf16Block, true}
	widenedWinograd = winogradKind{"WidenedBF16", 4, bf16Block, false} // for gradients of weights
)

// winograd writes one of an algorithm's transforms: a pass along the rows to temporary
// memory, which stays in the L1 cache, then one along the columns.
type winograd struct {
	*emitter
	winogradKind
	s         *simd
	point     int // bytes of a point of the input
	window    int // pixels of a window's row
	temporary reg.GPVirtual
	constants map[string]operand.Op
}

func beginWinograd(
	e *emitter, s *simd, kind winogradKind, name, args, doc string, constants ...string,
) (*winograd, func(string) reg.GPVirtual) {
	w := &winograd{emitter: e, winogradKind: kind, s: s, point: block, window: kind.output + 2,
		constants: map[string]operand.Op{}}
	if kind.half {
		w.point = bf16Block
	}
	e.begin(name+kind.name+s.name, "args *"+args, doc)
	field := e.fields(args)
	w.temporary = field("Temporary")
	base := field("Constants")
	for _, name := range constants {
		at := operand.Mem{Base: base, Disp: e.offset("WinogradConstants", name)}
		w.constants[name] = at
		if s == avx512 {
			all := s.register(e)
			e.VMOVUPS(at, all)
			w.constants[name] = all
		}
	}
	return w, field
}

// load reads a vector.
func (w *winograd) load(from operand.Mem) reg.VecVirtual {
	r := w.s.register(w.emitter)
	w.VMOVUPS(from, r)
	return r
}

// loadPixel reads a vector of a pixel.
func (w *winograd) loadPixel(from operand.Mem) reg.VecVirtual {
	if w.pixel == bf16Block {
		return w.widen(from)
	}
	return w.load(from)
}

// storePixel writes a vector of a pixel, or of a point of the input.
func (w *winograd) storePixel(value reg.VecVirtual, to operand.Mem) {
	if w.half {
		rounded := w.YMM()
		w.roundBF16(value, rounded)
		value = rounded
	}
	w.VMOVUPS(value, to)
}

// save writes a vector of temporary pixel i, and saved reads it.
func (w *winograd) save(i int, value reg.VecVirtual) { w.VMOVUPS(value, w.at(i)) }

func (w *winograd) saved(i int) reg.VecVirtual { return w.load(w.at(i)) }

func (w *winograd) at(i int) operand.Mem {
	return operand.Mem{Base: w.temporary, Disp: i * w.s.bytes}
}

// scaled returns x times a constant.
func (w *winograd) scaled(constant string, x reg.VecVirtual) reg.VecVirtual {
	product := w.s.register(w.emitter)
	w.VMULPS(w.constants[constant], x, product)
	return product
}

// add adds x times a constant to sum, and subtract subtracts it.
func (w *winograd) add(sum reg.VecVirtual, constant string, x reg.VecVirtual) {
	if w.half {
		w.VADDPS(w.scaled(constant, x), sum, sum)
		return
	}
	w.VFMADD231PS(w.constants[constant], x, sum)
}

func (w *winograd) subtract(sum reg.VecVirtual, constant string, x reg.VecVirtual) {
	if w.half {
		w.VSUBPS(w.scaled(constant, x), sum, sum)
		return
	}
	w.VFNMADD231PS(w.constants[constant], x, sum)
}

// around returns middle plus and minus x times a constant; middle is lost.
func (w *winograd) around(middle reg.VecVirtual, constant string, x reg.VecVirtual) (plus, minus reg.VecVirtual) {
	if w.half {
		product, plus := w.scaled(constant, x), w.s.register(w.emitter)
		w.VADDPS(product, middle, plus)
		w.VSUBPS(product, middle, middle)
		return plus, middle
	}
	plus = w.copy(middle)
	w.VFMADD231PS(w.constants[constant], x, plus)
	w.VFNMADD231PS(w.constants[constant], x, middle)
	return plus, middle
}

func (w *winograd) copy(from reg.VecVirtual) reg.VecVirtual {
	r := w.s.register(w.emitter)
	w.VMOVAPS(from, r)
	return r
}

// pointRows emits body for each row of a window's points; at(j, v) is vector v of the
// row's j-th point.
func (w *winograd) pointRows(first, stride reg.GPVirtual, body func(row int, at func(j, v int) operand.Mem)) {
	low, high, next := w.GP64(), w.GP64(), w.GP64() // high is three points on
	w.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, next)
	w.MOVQ(first, low)
	w.LEAQ(operand.Mem{Base: first, Index: next, Scale: 1}, high)
	w.LEAQ(operand.Mem{Base: next, Index: stride, Scale: 2}, next)
	if w.window == 6 {
		w.ADDQ(stride, next)
	}
	for row := range w.window {
		body(row, func(j, v int) operand.Mem {
			m := operand.Mem{Base: low, Disp: v * w.s.bytes}
			if j >= 3 {
				m.Base = high
			}
			if j%3 > 0 {
				m.Index, m.Scale = stride, uint8(j%3)
			}
			return m
		})
		if row < w.window-1 {
			w.ADDQ(next, low)
			w.ADDQ(next, high)
		}
	}
}

// winogradIn transforms windows of the input: B'dB.
func winogradIn(e *emitter, s *simd, kind winogradKind) {
	w, field := beginWinograd(e, s, kind, "winogradIn", "WinogradInArgs", "Transforms windows to points.",
		"a", "b", "a2", "b2", "product", "sum")
	x, row, tiles := field("X"), field("Row"), field("Tiles")
	to, point := field("Points"), field("Point")
	below := e.GP64() // three rows on
	e.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, below)
	e.ADDQ(x, below)
	pixel := func(i, j, v int) operand.Mem {
		m := operand.Mem{Base: x, Disp: j*w.pixel + v*s.bytes}
		if i >= 3 {
			m.Base = below
		}
		if i%3 > 0 {
			m.Index, m.Scale = row, uint8(i%3)
		}
		return m
	}
	e.times("tile", tiles, func() {
		for v := range s.perBlock() {
			for j := range w.window {
				w.inward(func(i int) reg.VecVirtual { return w.loadPixel(pixel(i, j, v)) },
					func(i int, value reg.VecVirtual) { w.save(i*w.window+j, value) })
			}
			w.pointRows(to, point, func(row int, at func(j, v int) operand.Mem) {
				w.inward(func(j int) reg.VecVirtual { return w.saved(row*w.window + j) },
					func(j int, value reg.VecVirtual) { w.storePixel(value, at(j, v)) })
			})
		}
		e.ADDQ(operand.U32(w.output*w.pixel), x)
		e.ADDQ(operand.U32(w.output*w.pixel), below)
		e.ADDQ(operand.U32(w.point), to)
	})
	e.end()
}

// inward is one transform of a row or column of a window; see Algorithm.
func (w *winograd) inward(load func(i int) reg.VecVirtual, store func(i int, value reg.VecVirtual)) {
	d := make([]reg.VecVirtual, 5)
	for _, i := range []int{1, 3, 2, 4} {
		d[i] = load(i)
	}
	for pair, names := range [][2]string{{"a", "b2"}, {"b", "a2"}} {
		odd, even := w.copy(d[3]), w.copy(d[4])
		w.subtract(odd, names[1], d[1])
		w.subtract(even, names[1], d[2])
		plus, minus := w.around(even, names[0], odd)
		store(1+2*pair, plus)
		store(2+2*pair, minus)
	}
	end := func(i int, outer, middle, sum reg.VecVirtual) {
		w.subtract(sum, "sum", middle)
		w.add(sum, "product", outer)
		store(i, sum)
	}
	end(0, load(0), d[2], d[4])
	if w.window == 6 {
		end(5, d[1], d[3], load(5))
	}
}

// winogradOut transforms the products back: A'mA, then bias and limit.
func winogradOut(e *emitter, s *simd, kind winogradKind) {
	w, field := beginWinograd(e, s, kind, "winogradOut", "WinogradOutArgs",
		"Makes tiles of points, with bias and a least value.",
		"a", "b", "a2", "b2", "a3", "b3")
	y, row, tiles := field("Y"), field("Row"), field("Tiles")
	from, point := field("Points"), field("Point")
	bias, least := field("Bias"), field("Least")
	last := e.GP64() // row 3, if there is one
	if w.output > 3 {
		e.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, last)
		e.ADDQ(y, last)
	}
	e.times("tile", tiles, func() {
		for v := range s.perBlock() {
			w.pointRows(from, point, func(row int, at func(j, v int) operand.Mem) {
				w.outward(func(j int) operand.Mem { return at(j, v) },
					func(j int, value reg.VecVirtual) { w.save(row*w.output+j, value) })
			})
			for j := range w.output {
				w.outward(func(i int) operand.Mem { return w.at(i*w.output + j) }, func(i int, value reg.VecVirtual) {
					to := operand.Mem{Base: y, Disp: j*w.pixel + v*s.bytes}
					if i == 3 {
						to.Base = last
					} else if i > 0 {
						to.Index, to.Scale = row, uint8(i)
					}
					limit := w.load(operand.Mem{Base: least, Disp: v * s.bytes})
					e.VADDPS(operand.Mem{Base: bias, Disp: v * s.bytes}, value, value)
					e.VMAXPS(value, limit, value) // of a NaN and a number, the last: NaN stays
					w.storePixel(value, to)
				})
			}
		}
		e.ADDQ(operand.U32(block), from)
		e.ADDQ(operand.U32(w.output*w.pixel), y)
		if w.output > 3 {
			e.ADDQ(operand.U32(w.output*w.pixel), last)
		}
	})
	e.end()
}

// outward is one transform of points to a tile's row or column; see Algorithm.
func (w *winograd) outward(from func(i int) operand.Mem, store func(i int, value reg.VecVirtual)) {
	sumA, differenceA := w.pair(from, 1)
	sumB, differenceB := w.pair(from, 3)
	first := w.load(from(0))
	w.VADDPS(sumA, first, first)
	w.VADDPS(sumB, first, first)
	store(0, first)
	for i, powers := range [][2]string{{"a", "b"}, {"a2", "b2"}, {"a3", "b3"}}[:w.output-1] {
		byA, byB := differenceA, differenceB
		if i == 1 {
			byA, byB = sumA, sumB
		}
		value := w.s.register(w.emitter)
		if i == 2 {
			w.VMOVUPS(from(5), value)
			w.add(value, powers[0], byA)
		} else {
			w.VMULPS(w.constants[powers[0]], byA, value)
		}
		w.add(value, powers[1], byB)
		store(i+1, value)
	}
}

// pair returns the sum and the difference of two points beside each other.
func (w *winograd) pair(from func(i int) operand.Mem, i int) (sum, difference reg.VecVirtual) {
	sum, difference = w.load(from(i)), w.s.register(w.emitter)
	second := w.load(from(i + 1))
	w.VSUBPS(second, sum, difference)
	w.VADDPS(second, sum, sum)
	return sum, difference
}

// winogradWeights transforms weights: GwG'.
func winogradWeights(e *emitter, s *simd, kind winogradKind) {
	w, field := beginWinograd(e, s, kind, "winogradWeights", "WinogradWeightsArgs",
		"Transforms 16x16 kernels of 3x3 to points.",
		"g0", "gA", "gAa", "gAa2", "gB", "gBb", "gBb2")
	to, point := field("Points"), field("Point")
	w.eachLane(field("W"), field("Tap"), to, func(tap func(i, j int) operand.Mem) {
		for j := range 3 {
			w.weigh(func(i int) operand.Mem { return tap(i, j) }, func(i int) operand.Mem { return w.at(i*3 + j) })
		}
		w.pointRows(to, point, func(row int, at func(j, v int) operand.Mem) {
			w.weigh(func(j int) operand.Mem { return w.at(row*3 + j) }, func(j int) operand.Mem { return at(j, 0) })
		})
	})
	e.end()
}

// eachLane emits body for each vector of the 16x16 values of a tap, and of a point.
func (w *winograd) eachLane(first, apart, points reg.GPVirtual, body func(tap func(i, j int) operand.Mem)) {
	middle, bottom := w.GP64(), w.GP64() // rows of taps
	w.LEAQ(operand.Mem{Base: apart, Index: apart, Scale: 2}, middle)
	w.LEAQ(operand.Mem{Base: first, Index: middle, Scale: 2}, bottom)
	w.ADDQ(first, middle)
	rows := []reg.GPVirtual{first, middle, bottom}
	lanes := w.GP64()
	w.MOVQ(operand.U32(16*w.s.perBlock()), lanes)
	w.times("lanes", lanes, func() {
		body(func(i, j int) operand.Mem {
			m := operand.Mem{Base: rows[i]}
			if j > 0 {
				m.Index, m.Scale = apart, uint8(j)
			}
			return m
		})
		for _, r := range append(rows, points) {
			w.ADDQ(operand.U32(w.s.bytes), r)
		}
	})
}

// weigh is one transform of three weights; see Algorithm.
func (w *winograd) weigh(from, to func(i int) operand.Mem) {
	first, second, third := w.load(from(0)), w.load(from(1)), w.load(from(2))
	if w.window == 6 {
		w.VMOVUPS(third, to(5))
	}
	for pair, names := range [][3]string{{"gA", "gAa", "gAa2"}, {"gB", "gBb", "gBb2"}} {
		even := w.scaled(names[0], first)
		w.add(even, names[2], third)
		plus, minus := w.around(even, names[1], second)
		w.VMOVUPS(plus, to(1+2*pair))
		w.VMOVUPS(minus, to(2+2*pair))
	}
	w.VMULPS(w.constants["g0"], first, first)
	w.VMOVUPS(first, to(0))
}
