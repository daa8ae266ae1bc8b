package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bf16Block is a channel block in bytes: 16 bf16.
const bf16Block = block / 2

// roundRun rounds float32 to bf16.
func roundRun(e *emitter) {
	r := beginRun(e, avx512, "roundBF16", "to []uint16, from []float32", "to = from, rounded to nearest even.")
	to, from, turns := r.slice("to"), r.slice("from"), r.length("from")
	e.SHRQ(operand.U8(4), turns)
	e.times("block", turns, func() {
		value, half := r.load(from, 0, 0), e.YMM()
		e.roundBF16(value, half)
		e.VMOVUPS(half, operand.Mem{Base: to})
		e.ADDQ(operand.U32(bf16Block), to)
		e.ADDQ(operand.U32(block), r.index)
	})
	e.end()
}

// widened is pixel i's bf16 as float32.
func (p *pool) widened(from reg.GPVirtual, i int) reg.VecVirtual {
	to := p.ZMM()
	p.VPMOVZXWD(p.value(from, i, 0), to)
	p.VPSLLD(operand.U8(16), to, to)
	return to
}

func poolSumBF16(e *emitter) {
	p := beginPool(e, avx512, "poolSumBF16", "y = scale * sum of the taps, rounded to bf16.", 4, bf16Block)
	scale := p.scale()
	p.walk(func(pixels int) {
		sums := avx512.registerList(e, pixels)
		for _, sum := range sums {
			avx512.zero(e, sum)
		}
		p.eachTap(0, func(from reg.GPVirtual) {
			for i, sum := range sums {
				e.VADDPS(p.widened(from, i), sum, sum)
			}
		})
		for i, sum := range sums {
			half := e.YMM()
			e.VMULPS(scale, sum, sum)
			e.roundBF16(sum, half)
			e.VMOVUPS(half, p.out(i, 0))
		}
	})
}

func poolMaxBF16(e *emitter) {
	p := beginPool(e, avx512, "poolMaxBF16", "y = the taps' maximum.", 4, bf16Block)
	p.walk(func(pixels int) {
		best := avx512.registerList(e, pixels)
		first := e.GP64()
		e.MOVQ(p.taps, p.tap)
		e.MOVQ(operand.Mem{Base: p.tap}, first)
		e.ADDQ(p.x, first)
		for i := range best {
			best[i] = p.widened(first, i)
		}
		p.eachTap(1, func(from reg.GPVirtual) {
			for i, b := range best {
				e.VMAXPS(b, p.widened(from, i), b) // of a NaN and a number, the last: the best so far
			}
		})
		for i, b := range best {
			e.VPSRLD(operand.U8(16), b, b)
			e.VPMOVDW(b, p.out(i, 0))
		}
	})
}
