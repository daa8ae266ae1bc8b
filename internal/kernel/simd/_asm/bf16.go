package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// bf16Block is a channel block in bytes: 16 bf16.
const bf16Block = block / 2

// widened is pixel i's bf16 as float32.
func (p *pool) widened(from reg.GPVirtual, i int) reg.VecVirtual {
	return p.widen(p.value(from, i, 0))
}

// widen loads 16 bf16 as float32.
func (e *emitter) widen(from operand.Op) reg.VecVirtual {
	to := e.ZMM()
	e.VPMOVZXWD(from, to)
	e.VPSLLD(operand.U8(16), to, to)
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

// poolSum3BF16 adds up the rows of each column, and then three neighbouring
// columns: an output shares two of them with the next.
func poolSum3BF16(e *emitter) {
	p := beginPool(e, avx512, "poolSum3BF16",
		"y = scale * sum of rows of three neighbouring taps, which the next pixel's overlap.", 4, bf16Block)
	scale := p.scale()
	p.walk(func(pixels int) {
		columns := avx512.registerList(e, pixels+2)
		for _, sum := range columns {
			avx512.zero(e, sum)
		}
		left, from := e.GP64(), e.GP64()
		e.MOVQ(p.count, left)
		e.MOVQ(p.taps, p.tap)
		row := e.name("row")
		e.Label(row)
		e.MOVQ(operand.Mem{Base: p.tap}, from)
		e.ADDQ(p.x, from)
		for i, sum := range columns {
			e.VADDPS(e.widen(operand.Mem{Base: from, Disp: i * bf16Block}), sum, sum)
		}
		e.ADDQ(operand.U32(3*16), p.tap)
		e.SUBQ(operand.U32(3), left)
		e.JG(operand.LabelRef(row))
		for i := range pixels {
			half := e.YMM()
			e.VADDPS(columns[i+1], columns[i], columns[i])
			e.VADDPS(columns[i+2], columns[i], columns[i])
			e.VMULPS(scale, columns[i], columns[i])
			e.roundBF16(columns[i], half)
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

// poolMaxPositiveBF16 compares bits. Those of negative values and of NaN are larger
// than infinity's, so the maximum of all shows whether there was one.
func poolMaxPositiveBF16(e *emitter) {
	p := beginPool(e, avx512, "poolMaxPositiveBF16",
		"y = the taps' maximum, if none is negative or NaN; else Negative is set.", 4, bf16Block)
	all := e.YMM()
	e.VPXOR(all, all, all)
	p.finish = func() {
		bits, low, infinity, mask := e.GP32(), e.XMM(), e.YMM(), e.K()
		e.MOVL(operand.U32(0x7f80), bits)
		e.VMOVD(bits, low)
		e.VPBROADCASTW(low, infinity)
		const greater = 6
		e.VPCMPUW(operand.U8(greater), infinity, all, mask)
		found := e.GP64()
		e.KMOVQ(mask, found)
		args := e.Load(e.Param("args"), e.GP64())
		e.MOVQ(found, operand.Mem{Base: args, Disp: e.offset("PoolArgs", "Negative")})
	}
	p.walk(func(pixels int) {
		best := make([]reg.VecVirtual, pixels)
		first := e.GP64()
		e.MOVQ(p.taps, p.tap)
		e.MOVQ(operand.Mem{Base: p.tap}, first)
		e.ADDQ(p.x, first)
		for i := range best {
			best[i] = e.YMM()
			e.VMOVDQU(p.value(first, i, 0), best[i])
		}
		p.eachTap(1, func(from reg.GPVirtual) {
			for i, b := range best {
				e.VPMAXUW(p.value(from, i, 0), b, b)
			}
		})
		for i, b := range best {
			e.VPMAXUW(b, all, all)
			e.VMOVDQU(b, p.out(i, 0))
		}
	})
}

func poolArgmaxBF16(e *emitter) {
	p := beginPool(e, avx512, "poolArgmaxBF16", "y = the taps' maximum, argmax = the index of the first tap that has it.",
		4, bf16Block)
	p.walk(func(pixels int) {
		best, which := avx512.registerList(e, pixels), avx512.registerList(e, pixels)
		first := e.GP64()
		e.MOVQ(p.taps, p.tap)
		e.MOVQ(operand.Mem{Base: p.tap}, first)
		e.ADDQ(p.x, first)
		for i := range best {
			best[i] = p.widened(first, i)
			e.VPBROADCASTD(operand.Mem{Base: p.tap, Disp: 8}, which[i])
		}
		p.eachTap(1, func(from reg.GPVirtual) {
			index := p.index()
			for i, b := range best {
				p.take(p.widened(from, i), index, b, which[i])
			}
		})
		for i, b := range best {
			e.VPSRLD(operand.U8(16), b, b)
			e.VPMOVDW(b, p.out(i, 0))
			p.storeBytes(which[i:i+1], operand.Mem{Base: p.argmax, Disp: i * block / 4})
		}
	})
}

func poolMaxBackBF16(e *emitter) {
	p := beginPool(e, avx512, "poolMaxBackBF16",
		"Adds y, a gradient in bf16, to the tap of x in float32 that argmax names.", 1, bf16Block)
	p.walk(func(int) {
		dy, which := p.widen(p.out(0, 0)), e.ZMM()
		e.VPMOVZXBD(operand.Mem{Base: p.argmax}, which)
		p.eachTap(0, func(from reg.GPVirtual) {
			dx, mask := e.ZMM(), e.K()
			e.VPCMPEQD(p.index(), which, mask)
			e.VMOVUPS(p.value(from, 0, 0), dx)
			e.VADDPS(dy, dx, mask, dx)
			e.VMOVUPS(dx, p.value(from, 0, 0))
		})
	})
}
