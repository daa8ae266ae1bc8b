package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// poolMaxBytes takes maxima, 64 bytes at a time where pixels are neighbours in
// memory too.
func poolMaxBytes(e *emitter, s *simd) {
	p := beginPool(e, s, "poolMaxInt8", "y = the taps' maximum.", 4, byteBlock)
	p.neighbours(func(vectors int) {
		best := s.registerList(e, vectors)
		first := p.firstTap()
		for v, b := range best {
			e.VMOVUPS(operand.Mem{Base: first, Disp: v * s.bytes}, b)
		}
		p.eachTap(1, func(from reg.GPVirtual) {
			for v, b := range best {
				e.VPMAXUB(operand.Mem{Base: from, Disp: v * s.bytes}, b, b)
			}
		})
		for v, b := range best {
			e.VMOVUPS(b, operand.Mem{Base: p.y, Disp: v * s.bytes})
		}
	}, func(pixels int) {
		best := make([]reg.VecVirtual, pixels)
		first := p.firstTap()
		for i := range best {
			best[i] = e.XMM()
			e.VMOVDQU(p.value(first, i, 0), best[i])
		}
		p.eachTap(1, func(from reg.GPVirtual) {
			for i, b := range best {
				e.VPMAXUB(p.value(from, i, 0), b, b)
			}
		})
		for i, b := range best {
			e.VMOVDQU(b, p.out(i, 0))
		}
	})
}

// firstTap returns the address of the first tap of the first pixel.
func (p *pool) firstTap() reg.GPVirtual {
	first := p.GP64()
	p.MOVQ(p.taps, p.tap)
	p.MOVQ(operand.Mem{Base: p.tap}, first)
	p.ADDQ(p.x, first)
	return first
}

// neighbours is walk with another body for four pixels that follow each other in
// the input too: so many vectors of bytes.
func (p *pool) neighbours(together func(vectors int), apart func(pixels int)) {
	groups, each := p.GP64(), p.name("apart")
	p.CMPQ(p.xPixel, operand.U8(byteBlock))
	p.JNE(operand.LabelRef(each))
	p.MOVQ(p.pixels, groups)
	p.SHRQ(operand.U8(2), groups)
	p.times("neighbours", groups, func() {
		together(block / p.s.bytes)
		p.ADDQ(operand.U32(block), p.y)
		p.ADDQ(operand.U32(block), p.x)
	})
	p.ANDQ(operand.U32(3), p.pixels)
	p.Label(each)
	p.walk(apart)
}

// poolSumBytes sums in 16 bits, enough for 257 taps, and scales in float32; of
// neighbours as many at once as a register holds.
func poolSumBytes(e *emitter, s *simd) {
	p := beginPool(e, s, "poolSumInt8", "y = scale * sum of the taps, rounded; at most 257 taps.", 4, byteBlock)
	scale, round := p.scale(), newByteRounder(e, s)
	sum := func(sums []reg.VecVirtual, at func(from reg.GPVirtual, i int) operand.Mem) {
		for _, r := range sums {
			kind := avx2
			if int(r.Size()) == avx512.bytes {
				kind = avx512
			}
			kind.zero(e, r)
		}
		p.eachTap(0, func(from reg.GPVirtual) {
			for i, r := range sums {
				wide := s.register(e)
				if r.Size() < wide.Size() {
					wide = e.YMM()
				}
				e.VPMOVZXBW(at(from, i), wide)
				e.VPADDW(wide, r, r)
			}
		})
	}
	store := func(words operand.Op, low operand.Op, pixel int) { // 16 sums, of which low are eight
		values := s.registerList(e, s.perBlock())
		if s == avx512 {
			e.VPMOVZXWD(words, values[0])
		} else {
			high := e.XMM()
			e.VEXTRACTI128(operand.U8(1), words, high)
			e.VPMOVZXWD(low, values[0])
			e.VPMOVZXWD(high, values[1])
		}
		for _, v := range values {
			e.VCVTDQ2PS(v, v)
			e.VMULPS(scale, v, v)
		}
		round.store(values, p.out(pixel, 0))
	}
	p.neighbours(func(vectors int) {
		sums, perRegister := s.registerList(e, 2*vectors), s.bytes/2/byteBlock
		sum(sums, func(from reg.GPVirtual, i int) operand.Mem { return operand.Mem{Base: from, Disp: i * s.bytes / 2} })
		for i, r := range sums {
			store(r.AsY(), r.AsX(), perRegister*i)
			if perRegister == 2 {
				high := e.YMM()
				e.VEXTRACTI64X4(operand.U8(1), r, high)
				store(high, high.AsX(), perRegister*i+1)
			}
		}
	}, func(pixels int) {
		sums := avx2.registerList(e, pixels)
		sum(sums, func(from reg.GPVirtual, i int) operand.Mem { return p.value(from, i, 0) })
		for i, r := range sums {
			store(r, r.AsX(), i)
		}
	})
}

// imageBytes makes bytes of three planes of float32, red, green and blue, for a run
// of pixels, four bytes each.
func imageBytes(e *emitter, s *simd) {
	e.begin("imageBytes"+s.name, "args *ImageBytesArgs",
		"Rounds colours times Scale plus Offset to bytes: three, then 0.")
	field := e.fields("ImageBytesArgs")
	to, planes, plane, vectors := field("To"), field("From"), field("Plane"), field("Pixels")
	args := e.Load(e.Param("args"), e.GP64())
	number := func(name string, colour int) reg.VecVirtual {
		all := s.register(e)
		e.VBROADCASTSS(operand.Mem{Base: args, Disp: e.offset("ImageBytesArgs", name) + 4*colour}, all)
		return all
	}
	var scale, offset [3]reg.VecVirtual
	for colour := range scale {
		scale[colour], offset[colour] = number("Scale", colour), number("Offset", colour)
	}
	zero, most := s.register(e), e.broadcastBits(s, 0x437f0000) // 255
	s.zero(e, zero)
	lanes := s.bytes / 4
	shift := map[int]uint8{8: 3, 16: 4}[lanes]
	e.SHRQ(operand.U8(shift), vectors)
	e.times("pixels", vectors, func() {
		bytes := s.registerList(e, 3)
		for colour, v := range bytes {
			at := operand.Mem{Base: planes}
			if colour > 0 {
				at.Index, at.Scale = plane, uint8(colour)
			}
			e.VMULPS(at, scale[colour], v)
			e.VADDPS(offset[colour], v, v)
			e.VMAXPS(zero, v, v) // of a NaN and a number, the last: zero
			e.VMINPS(most, v, v)
			e.VCVTPS2DQ(v, v)
			if colour > 0 {
				e.VPSLLD(operand.U8(8*colour), v, v)
			}
		}
		for _, v := range bytes[1:] {
			if s == avx512 {
				e.VPORD(v, bytes[0], bytes[0])
			} else {
				e.VPOR(v, bytes[0], bytes[0])
			}
		}
		e.VMOVUPS(bytes[0], operand.Mem{Base: to})
		e.ADDQ(operand.U32(s.bytes), to)
		e.ADDQ(operand.U32(s.bytes), planes)
	})
	e.end()
}
