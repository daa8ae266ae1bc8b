package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// winograd writes one of the transforms of F(4x4, 3x3): a pass along the rows
// to temporary memory, which stays in the L1 cache, then one along the columns.
type winograd struct {
	*emitter
	s         *simd
	temporary reg.GPVirtual
	constants map[string]operand.Op
}

func beginWinograd(
	e *emitter, s *simd, name, args, doc string, constants ...string,
) (*winograd, func(string) reg.GPVirtual) {
	e.begin(name+s.name, "args *"+args, doc)
	field := e.fields(args)
	w := &winograd{emitter: e, s: s, temporary: field("Temporary"), constants: map[string]operand.Op{}}
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

func (w *winograd) copy(from reg.VecVirtual) reg.VecVirtual {
	r := w.s.register(w.emitter)
	w.VMOVAPS(from, r)
	return r
}

// saved is the location of a vector of temporary pixel i.
func (w *winograd) saved(i int) operand.Mem {
	return operand.Mem{Base: w.temporary, Disp: i * w.s.bytes}
}

// pointRows emits body for each row of six points; at(j, v) is vector v of the
// row's j-th point.
func (w *winograd) pointRows(first, stride reg.GPVirtual, body func(row int, at func(j, v int) operand.Mem)) {
	low, high, six := w.GP64(), w.GP64(), w.GP64() // high is three points on
	w.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, six)
	w.MOVQ(first, low)
	w.LEAQ(operand.Mem{Base: first, Index: six, Scale: 1}, high)
	w.ADDQ(six, six)
	for row := range 6 {
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
		if row < 5 {
			w.ADDQ(six, low)
			w.ADDQ(six, high)
		}
	}
}

// winogradIn transforms windows of the input: B'dB.
func winogradIn(e *emitter, s *simd) {
	w, field := beginWinograd(e, s, "winogradIn", "WinogradInArgs", "Transforms 6x6 windows to 36 points each.",
		"a", "b", "a2", "b2", "product", "sum")
	x, row, tiles := field("X"), field("Row"), field("Tiles")
	to, point := field("Points"), field("Point")
	below := e.GP64() // three rows on
	e.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, below)
	e.ADDQ(x, below)
	pixel := func(i, j, v int) operand.Mem {
		m := operand.Mem{Base: x, Disp: j*block + v*s.bytes}
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
			for j := range 6 {
				w.inward(func(i int) operand.Mem { return pixel(i, j, v) }, func(i int) operand.Mem { return w.saved(i*6 + j) })
			}
			w.pointRows(to, point, func(row int, at func(j, v int) operand.Mem) {
				w.inward(func(j int) operand.Mem { return w.saved(row*6 + j) }, func(j int) operand.Mem { return at(j, v) })
			})
		}
		e.ADDQ(operand.U32(4*block), x)
		e.ADDQ(operand.U32(4*block), below)
		e.ADDQ(operand.U32(block), to)
	})
	e.end()
}

// inward is one transform of six values to six; see WinogradNumbers.
func (w *winograd) inward(from, to func(i int) operand.Mem) {
	d := make([]reg.VecVirtual, 6)
	for _, i := range []int{1, 3, 2, 4} {
		d[i] = w.load(from(i))
	}
	for pair, names := range [][2]string{{"a", "b2"}, {"b", "a2"}} {
		odd, even := w.copy(d[3]), w.copy(d[4])
		w.VFNMADD231PS(w.constants[names[1]], d[1], odd)
		w.VFNMADD231PS(w.constants[names[1]], d[2], even)
		plus := w.copy(even)
		w.VFMADD231PS(w.constants[names[0]], odd, plus)
		w.VFNMADD231PS(w.constants[names[0]], odd, even)
		w.VMOVUPS(plus, to(1+2*pair))
		w.VMOVUPS(even, to(2+2*pair))
	}
	end := func(i int, outer, middle, sum reg.VecVirtual) {
		w.VFNMADD231PS(w.constants["sum"], middle, sum)
		w.VFMADD231PS(w.constants["product"], outer, sum)
		w.VMOVUPS(sum, to(i))
	}
	end(0, w.load(from(0)), d[2], d[4])
	end(5, d[1], d[3], w.load(from(5)))
}

// winogradOut transforms the products back: A'mA, then bias and limit.
func winogradOut(e *emitter, s *simd) {
	w, field := beginWinograd(e, s, "winogradOut", "WinogradOutArgs",
		"Makes 4x4 tiles of 36 points each, with bias and a least value.",
		"a", "b", "a2", "b2", "a3", "b3")
	y, row, tiles := field("Y"), field("Row"), field("Tiles")
	from, point := field("Points"), field("Point")
	bias, least := field("Bias"), field("Least")
	last := e.GP64() // row 3
	e.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, last)
	e.ADDQ(y, last)
	e.times("tile", tiles, func() {
		for v := range s.perBlock() {
			w.pointRows(from, point, func(row int, at func(j, v int) operand.Mem) {
				w.outward(func(j int) operand.Mem { return at(j, v) }, func(j int, value reg.VecVirtual) {
					e.VMOVUPS(value, w.saved(row*4+j))
				})
			})
			for j := range 4 {
				w.outward(func(i int) operand.Mem { return w.saved(i*4 + j) }, func(i int, value reg.VecVirtual) {
					to := operand.Mem{Base: y, Disp: j*block + v*s.bytes}
					if i == 3 {
						to.Base = last
					} else if i > 0 {
						to.Index, to.Scale = row, uint8(i)
					}
					limit := w.load(operand.Mem{Base: least, Disp: v * s.bytes})
					e.VADDPS(operand.Mem{Base: bias, Disp: v * s.bytes}, value, value)
					e.VMAXPS(value, limit, value) // of a NaN and a number, the last: NaN stays
					e.VMOVUPS(value, to)
				})
			}
		}
		e.ADDQ(operand.U32(block), from)
		e.ADDQ(operand.U32(4*block), y)
		e.ADDQ(operand.U32(4*block), last)
	})
	e.end()
}

// outward is one transform of six values to four; see WinogradNumbers.
func (w *winograd) outward(from func(i int) operand.Mem, store func(i int, value reg.VecVirtual)) {
	pair := func(i int) (sum, difference reg.VecVirtual) {
		sum, difference = w.load(from(i)), w.s.register(w.emitter)
		second := w.load(from(i + 1))
		w.VSUBPS(second, sum, difference)
		w.VADDPS(second, sum, sum)
		return sum, difference
	}
	sumA, differenceA := pair(1)
	sumB, differenceB := pair(3)
	first := w.load(from(0))
	w.VADDPS(sumA, first, first)
	w.VADDPS(sumB, first, first)
	store(0, first)
	for i, powers := range [][2]string{{"a", "b"}, {"a2", "b2"}, {"a3", "b3"}} {
		byA, byB := differenceA, differenceB
		if i == 1 {
			byA, byB = sumA, sumB
		}
		value := w.s.register(w.emitter)
		if i == 2 {
			w.VMOVUPS(from(5), value)
			w.VFMADD231PS(w.constants[powers[0]], byA, value)
		} else {
			w.VMULPS(w.constants[powers[0]], byA, value)
		}
		w.VFMADD231PS(w.constants[powers[1]], byB, value)
		store(i+1, value)
	}
}

// winogradWeights transforms weights: GwG'.
func winogradWeights(e *emitter, s *simd) {
	w, field := beginWinograd(e, s, "winogradWeights", "WinogradWeightsArgs",
		"Transforms 16x16 kernels of 3x3 to 36 points each.",
		"g0", "gA", "gAa", "gAa2", "gB", "gBb", "gBb2")
	to, point := field("Points"), field("Point")
	top, tap := field("W"), field("Tap")
	middle, bottom := e.GP64(), e.GP64() // rows of taps
	e.LEAQ(operand.Mem{Base: tap, Index: tap, Scale: 2}, middle)
	e.LEAQ(operand.Mem{Base: top, Index: middle, Scale: 2}, bottom)
	e.ADDQ(top, middle)
	lanes := e.GP64()
	e.MOVQ(operand.U32(16*s.perBlock()), lanes)
	e.times("lanes", lanes, func() {
		for j := range 3 {
			w.weigh(func(i int) operand.Mem {
				m := operand.Mem{Base: []reg.GPVirtual{top, middle, bottom}[i]}
				if j > 0 {
					m.Index, m.Scale = tap, uint8(j)
				}
				return m
			}, func(i int) operand.Mem { return w.saved(i*3 + j) })
		}
		w.pointRows(to, point, func(row int, at func(j, v int) operand.Mem) {
			w.weigh(func(j int) operand.Mem { return w.saved(row*3 + j) }, func(j int) operand.Mem { return at(j, 0) })
		})
		for _, r := range []reg.GPVirtual{top, middle, bottom, to} {
			e.ADDQ(operand.U32(s.bytes), r)
		}
	})
	e.end()
}

// weigh is one transform of three values to six; see WinogradNumbers.
func (w *winograd) weigh(from, to func(i int) operand.Mem) {
	first, second, third := w.load(from(0)), w.load(from(1)), w.load(from(2))
	w.VMOVUPS(third, to(5))
	for pair, names := range [][3]string{{"gA", "gAa", "gAa2"}, {"gB", "gBb", "gBb2"}} {
		plus := w.s.register(w.emitter)
		w.VMULPS(w.constants[names[0]], first, plus)
		w.VFMADD231PS(w.constants[names[2]], third, plus)
		minus := w.copy(plus)
		w.VFMADD231PS(w.constants[names[1]], second, plus)
		w.VFNMADD231PS(w.constants[names[1]], second, minus)
		w.VMOVUPS(plus, to(1+2*pair))
		w.VMOVUPS(minus, to(2+2*pair))
	}
	w.VMULPS(w.constants["g0"], first, first)
	w.VMOVUPS(first, to(0))
}
