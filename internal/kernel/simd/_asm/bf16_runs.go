package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// beginHalfRun starts a function over slices of bf16. No multiplication is fused
// with an addition, so that plain Go gives the same bits.
func beginHalfRun(e *emitter, name, params, doc string) *run {
	r := beginRun(e, avx512, name, params, doc)
	r.unit = bf16Block
	return r
}

// half is the block of bf16 that is unit blocks ahead in a slice.
func (r *run) half(base reg.GPVirtual, unit int) operand.Mem {
	return operand.Mem{Base: base, Index: r.index, Scale: 1, Disp: unit * bf16Block}
}

// full is the block of 4-byte values that is unit blocks ahead in a slice beside
// those of bf16.
func (r *run) full(base reg.GPVirtual, unit int) operand.Mem {
	return operand.Mem{Base: base, Index: r.index, Scale: 2, Disp: unit * block}
}

// storeHalf rounds 16 float32 to a slice's block.
func (r *run) storeHalf(from reg.VecVirtual, to operand.Mem) {
	half := r.YMM()
	r.roundBF16(from, half)
	r.VMOVUPS(half, to)
}

// roundRun rounds float32 to bf16.
func roundRun(e *emitter) {
	r := beginHalfRun(e, "roundBF16", "to []uint16, from []float32", "to = from, rounded to nearest even.")
	to, from := r.slice("to"), r.slice("from")
	r.blocks("from", 4, func(unit int) {
		value := e.ZMM()
		e.VMOVUPS(r.full(from, unit), value)
		r.storeHalf(value, r.half(to, unit))
	})
	e.end()
}

// widenRun makes float32 of bf16, times a factor.
func widenRun(e *emitter) {
	r := beginHalfRun(e, "widenBF16", "to []float32, from []uint16, scale float32", "to = from * scale.")
	to, from, scale := r.slice("to"), r.slice("from"), r.scalar("scale")
	r.blocks("from", 4, func(unit int) {
		value := e.widen(r.half(from, unit))
		e.VMULPS(scale, value, value)
		e.VMOVUPS(value, r.full(to, unit))
	})
	e.end()
}

// addRun adds bf16 to float32.
func addRun(e *emitter) {
	r := beginHalfRun(e, "addBF16", "sum []float32, x []uint16", "sum += x.")
	sum, x := r.slice("sum"), r.slice("x")
	r.blocks("x", 4, func(unit int) {
		value := e.widen(r.half(x, unit))
		e.VADDPS(r.full(sum, unit), value, value)
		e.VMOVUPS(value, r.full(sum, unit))
	})
	e.end()
}

// pairRun interleaves two slices.
func pairRun(e *emitter) {
	r := beginHalfRun(e, "pairBF16", "to, low, high []uint16", "to[2*i] = low[i], to[2*i+1] = high[i].")
	to, low, high := r.slice("to"), r.slice("low"), r.slice("high")
	r.blocks("low", 4, func(unit int) {
		pair, first := e.widen(r.half(high, unit)), e.ZMM()
		e.VPMOVZXWD(r.half(low, unit), first)
		e.VPORD(first, pair, pair)
		e.VMOVUPS(pair, r.full(to, unit))
	})
	e.end()
}

// packPairs rounds the weights of a tap and puts the pairs of neighbouring rows
// together.
func packPairs(e *emitter) {
	e.begin("packPairsBF16AVX512", "to *[256]uint16, from *[256]float32", "to[row/2][column][row%2] = from[row][column].")
	to, from := e.Load(e.Param("to"), e.GP64()), e.Load(e.Param("from"), e.GP64())
	for row := 0; row < 16; row += 2 {
		var halves [2]reg.VecVirtual
		for i := range halves {
			half, wide := e.YMM(), e.ZMM()
			e.roundBF16(e.loadBlock(from, (row+i)*block), half)
			e.VPMOVZXWD(half, wide)
			halves[i] = wide
		}
		e.VPSLLD(operand.U8(16), halves[1], halves[1])
		e.VPORD(halves[0], halves[1], halves[1])
		e.VMOVUPS(halves[1], operand.Mem{Base: to, Disp: row / 2 * block})
	}
	e.end()
}

func (e *emitter) loadBlock(base reg.Register, disp int) reg.VecVirtual {
	to := e.ZMM()
	e.VMOVUPS(operand.Mem{Base: base, Disp: disp}, to)
	return to
}

// packTransposed rounds the weights of a tap and puts the pairs of neighbouring
// columns together: a transposition of 16x8 pairs.
func packTransposed(e *emitter) {
	e.begin("packTransposedBF16AVX512", "to *[256]uint16, from *[256]float32",
		"to[column/2][row][column%2] = from[row][column].")
	to, from := e.Load(e.Param("to"), e.GP64()), e.Load(e.Param("from"), e.GP64())
	var quarters [2][4]reg.VecVirtual // by half of the rows and pair of columns modulo 4
	for h := range quarters {
		var rows [4]reg.VecVirtual // each with the one 4 below in its upper half
		for i := range rows {
			low, high, both := e.YMM(), e.YMM(), e.ZMM()
			e.roundBF16(e.loadBlock(from, (8*h+i)*block), low)
			e.roundBF16(e.loadBlock(from, (8*h+i+4)*block), high)
			e.VPMOVZXWD(low, both) // gives the whole register a value that avo sees
			e.VINSERTI64X4(operand.U8(0), low, both, both)
			e.VINSERTI64X4(operand.U8(1), high, both, both)
			rows[i] = both
		}
		pairs := avx512.registerList(e, 4)
		e.VPUNPCKLDQ(rows[1], rows[0], pairs[0])
		e.VPUNPCKHDQ(rows[1], rows[0], pairs[1])
		e.VPUNPCKLDQ(rows[3], rows[2], pairs[2])
		e.VPUNPCKHDQ(rows[3], rows[2], pairs[3])
		for i := range 4 {
			quarters[h][i] = e.ZMM()
			if i%2 == 0 {
				e.VPUNPCKLQDQ(pairs[i/2+2], pairs[i/2], quarters[h][i])
			} else {
				e.VPUNPCKHQDQ(pairs[i/2+2], pairs[i/2], quarters[h][i])
			}
		}
	}
	const evenLanes, oddLanes = 0x88, 0xdd // of the first operand, then of the second
	for i := range 4 {
		for half, lanes := range []uint8{evenLanes, oddLanes} {
			row := e.ZMM()
			e.VSHUFI64X2(operand.U8(lanes), quarters[1][i], quarters[0][i], row)
			e.VMOVUPS(row, operand.Mem{Base: to, Disp: (i + 4*half) * block})
		}
	}
	e.end()
}

// sumRun is how many pixels are summed in float32 before float64 takes their sum:
// bf16 have 8 bits, and so few of them seldom a sum of more than 24.
const sumRun = 8

// sums emits a body for every block of a slice as long as the named one, which adds
// to two registers, and adds those of every run of blocks to first and second.
func (r *run) sums(length string, first, second doubles, body func(unit int, sums [2]reg.VecVirtual)) {
	add := func(units int) {
		sums := [2]reg.VecVirtual{r.ZMM(), r.ZMM()}
		for _, sum := range sums {
			avx512.zero(r.emitter, sum)
		}
		for unit := range units {
			body(unit, sums)
		}
		for h := range first {
			r.VADDPD(r.double(sums[0], h), first[h], first[h])
			r.VADDPD(r.double(sums[1], h), second[h], second[h])
		}
		r.ADDQ(operand.U32(units*r.unit), r.index)
	}
	turns, rest := r.length(length), r.GP64()
	r.SHRQ(operand.U8(4), turns)
	r.MOVQ(turns, rest)
	r.ANDQ(operand.U32(sumRun-1), rest)
	r.SHRQ(operand.U8(3), turns)
	r.times("turn", turns, func() { add(sumRun) })
	r.times("block", rest, func() { add(1) })
}

// momentsBF16 is moments of bf16.
func momentsBF16(e *emitter) {
	r := beginHalfRun(e, "momentsBF16", "sum, sq *[16]float64, x []uint16", "sum += x and sq += x*x, in float64.")
	x := r.slice("x")
	sums, squares := r.doubles(), r.doubles()
	r.sums("x", sums, squares, func(unit int, sums [2]reg.VecVirtual) {
		value := e.widen(r.half(x, unit))
		e.VADDPS(value, sums[0], sums[0])
		e.VMULPS(value, value, value)
		e.VADDPS(value, sums[1], sums[1])
	})
	r.addTo(r.pointer("sum"), sums)
	r.addTo(r.pointer("sq"), squares)
	e.end()
}

// normaliseBF16 is normalise of bf16.
func normaliseBF16(e *emitter) {
	r := beginHalfRun(e, "normaliseBF16", "y, x []uint16, k *[3][16]float32",
		"y = (x-k[2])*k[0] + k[1], and zero if that is negative.")
	x, y, k := r.slice("x"), r.slice("y"), r.pointer("k")
	scale, shift, mean := r.channels(k, 0)[0], r.channels(k, block)[0], r.channels(k, 2*block)[0]
	zero := e.ZMM()
	avx512.zero(e, zero)
	r.blocks("x", 4, func(unit int) {
		value := e.widen(r.half(x, unit))
		e.VSUBPS(mean, value, value)
		e.VMULPS(scale, value, value)
		e.VADDPS(shift, value, value)
		e.VMAXPS(value, zero, value) // of a NaN and a number, the last: NaN stays
		r.storeHalf(value, r.half(y, unit))
	})
	e.end()
}

// gradientSumsBF16 is gradientSums of bf16.
func gradientSumsBF16(e *emitter) {
	r := beginHalfRun(e, "gradientSumsBF16", "sum, dot *[16]float64, dy, x []uint16, k *[3][16]float32",
		"sum += g and dot += g*(x-k[2]), in float64, g being dy, or zero where normalise's y is not positive.")
	dy, x, k := r.slice("dy"), r.slice("x"), r.pointer("k")
	scale, shift, mean := r.channels(k, 0)[0], r.channels(k, block)[0], r.channels(k, 2*block)[0]
	sums, dots := r.doubles(), r.doubles()
	r.sums("dy", sums, dots, func(unit int, sums [2]reg.VecVirtual) {
		centred, g := r.halfGradient(r.half(dy, unit), r.half(x, unit), scale, shift, mean)
		e.VMULPS(g, centred, centred)
		e.VADDPS(g, sums[0], sums[0])
		e.VADDPS(centred, sums[1], sums[1])
	})
	r.addTo(r.pointer("sum"), sums)
	r.addTo(r.pointer("dot"), dots)
	e.end()
}

// gradientApplyBF16 is gradientApply of bf16.
func gradientApplyBF16(e *emitter) {
	r := beginHalfRun(e, "gradientApplyBF16", "dx, dy, x []uint16, k *[5][16]float32",
		"dx = k[0]*g + (k[3]*(x-k[2]) + k[4]), g being dy, or zero where normalise's y is not positive.")
	dx, dy, x, k := r.slice("dx"), r.slice("dy"), r.slice("x"), r.pointer("k")
	scale, shift, mean := r.channels(k, 0)[0], r.channels(k, block)[0], r.channels(k, 2*block)[0]
	slope, offset := r.channels(k, 3*block)[0], r.channels(k, 4*block)[0]
	r.blocks("dy", 2, func(unit int) {
		value, g := r.halfGradient(r.half(dy, unit), r.half(x, unit), scale, shift, mean)
		e.VMULPS(slope, value, value)
		e.VADDPS(offset, value, value)
		e.VMULPS(scale, g, g)
		e.VADDPS(g, value, value)
		r.storeHalf(value, r.half(dx, unit))
	})
	e.end()
}

// halfGradient loads x - mean and dy, cut where normaliseBF16's y, before its
// rounding, is not positive.
func (r *run) halfGradient(dy, x operand.Mem, scale, shift, mean reg.VecVirtual) (centred, g reg.VecVirtual) {
	centred, g = r.widen(x), r.ZMM()
	r.VSUBPS(mean, centred, centred)
	y, mask, zero := r.ZMM(), r.K(), r.ZMM()
	r.VMULPS(scale, centred, y)
	r.VADDPS(shift, y, y)
	avx512.zero(r.emitter, zero)
	const lessThan = 0x11 // LT_OQ, quiet: 0 < y
	r.VCMPPS(operand.U8(lessThan), y, zero, mask)
	r.VPMOVZXWD_Z(dy, mask, g)
	r.VPSLLD(operand.U8(16), g, g)
	return centred, g
}
