package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// winogradOutBack transforms tiles of the output's gradient to points: AdA'.
func winogradOutBack(e *emitter, s *simd, kind winogradKind) {
	w, field := beginWinograd(e, s, kind, "winogradOutBack", "WinogradInArgs",
		"Transforms tiles of the output's gradient to points.", "a", "b", "a2", "b2")
	x, row, tiles := field("X"), field("Row"), field("Tiles")
	to, point := field("Points"), field("Point")
	last := e.GP64() // row 3
	e.LEAQ(operand.Mem{Base: row, Index: row, Scale: 2}, last)
	e.ADDQ(x, last)
	pixel := func(i, j, v int) operand.Mem {
		m := operand.Mem{Base: x, Disp: j*w.pixel + v*s.bytes}
		if i == 3 {
			m.Base = last
		} else if i > 0 {
			m.Index, m.Scale = row, uint8(i)
		}
		return m
	}
	e.times("tile", tiles, func() {
		for v := range s.perBlock() {
			for j := range w.output {
				w.outwardBack(func(i int) reg.VecVirtual { return w.loadPixel(pixel(i, j, v)) },
					func(i int) operand.Mem { return w.at(i*w.output + j) })
			}
			w.pointRows(to, point, func(row int, at func(j, v int) operand.Mem) {
				w.outwardBack(func(j int) reg.VecVirtual { return w.saved(row*w.output + j) },
					func(j int) operand.Mem { return at(j, v) })
			})
		}
		e.ADDQ(operand.U32(w.output*w.pixel), x)
		e.ADDQ(operand.U32(w.output*w.pixel), last)
		e.ADDQ(operand.U32(w.point), to)
	})
	e.end()
}

// outwardBack is one transform of a tile's row or column to points, by A.
func (w *winograd) outwardBack(load func(i int) reg.VecVirtual, to func(i int) operand.Mem) {
	d := make([]reg.VecVirtual, w.output)
	for i := range d {
		d[i] = load(i)
	}
	w.VMOVUPS(d[0], to(0))
	w.VMOVUPS(d[3], to(5))
	for pair, names := range [][2]string{{"a", "a2"}, {"b", "b2"}} {
		even, odd := w.copy(d[0]), w.copy(d[1])
		w.add(even, names[1], d[2])
		w.add(odd, names[1], d[3])
		plus, minus := w.around(even, names[0], odd)
		w.VMOVUPS(plus, to(1+2*pair))
		w.VMOVUPS(minus, to(2+2*pair))
	}
}

// winogradWeightsBack transforms the points of gradients to those of weights: G'dG.
func winogradWeightsBack(e *emitter, s *simd) {
	w, field := beginWinograd(e, s, floatWinograd, "winogradWeightsBack", "WinogradWeightsArgs",
		"Makes gradients of 16x16 kernels of 3x3 of their points.",
		"g0", "gA", "gAa", "gAa2", "gB", "gBb", "gBb2")
	from, point := field("Points"), field("Point")
	w.eachLane(field("W"), field("Tap"), from, func(tap func(i, j int) operand.Mem) {
		w.pointRows(from, point, func(row int, at func(j, v int) operand.Mem) {
			w.weighBack(func(j int) operand.Mem { return at(j, 0) }, func(j int) operand.Mem { return w.at(row*3 + j) })
		})
		for j := range 3 {
			w.weighBack(func(i int) operand.Mem { return w.at(i*3 + j) }, func(i int) operand.Mem { return tap(i, j) })
		}
	})
	e.end()
}

// weighBack is one transform of points to three taps, by G'.
func (w *winograd) weighBack(from, to func(i int) operand.Mem) {
	sumA, differenceA := w.pair(from, 1)
	sumB, differenceB := w.pair(from, 3)
	first, third := w.scaled("g0", w.load(from(0))), w.load(from(5))
	w.add(first, "gA", sumA)
	w.add(first, "gB", sumB)
	second := w.scaled("gAa", differenceA)
	w.add(second, "gBb", differenceB)
	w.add(third, "gAa2", sumA)
	w.add(third, "gBb2", sumB)
	for i, value := range []reg.VecVirtual{first, second, third} {
		w.VMOVUPS(value, to(i))
	}
}
