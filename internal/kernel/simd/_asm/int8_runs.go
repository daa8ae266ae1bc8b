package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// poolMaxBytes takes maxima, 64 bytes at a time where pixels are neighbours in
// memory too.
func poolMaxBytes(e *emitter, s *simd) {
	p := beginRows(e, s, "poolMaxInt8", "y = the taps' maximum.", 4, byteBlock)
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

// byteSums are sums of bytes in 16 bits, enough for 257 taps, that are scaled in
// float32.
type byteSums struct {
	*pool
	scale reg.VecVirtual
	round *byteRounder
}

func beginByteSums(e *emitter, s *simd, name, doc string) *byteSums {
	p := beginRows(e, s, name, doc, 4, byteBlock)
	return &byteSums{p, p.scale(), newByteRounder(e, s)}
}

// zero clears registers of any width.
func (b *byteSums) zero(sums []reg.VecVirtual) {
	for _, r := range sums {
		kind := avx2
		if int(r.Size()) == avx512.bytes {
			kind = avx512
		}
		kind.zero(b.emitter, r)
	}
}

// add adds the bytes at an address to a register of sums.
func (b *byteSums) add(at operand.Mem, sums reg.VecVirtual) {
	wide := b.s.register(b.emitter)
	if sums.Size() < wide.Size() {
		wide = b.YMM()
	}
	b.VPMOVZXBW(at, wide)
	b.VPADDW(wide, sums, sums)
}

// perRegister is how many pixels' sums a register holds.
func (b *byteSums) perRegister() int { return b.s.bytes / 2 / byteBlock }

// store writes the results of a register, of which pixel is the first.
func (b *byteSums) store(sums reg.VecVirtual, pixel int) {
	b.storePixel(sums.AsY(), sums.AsX(), pixel)
	if int(sums.Size()) == avx512.bytes {
		high := b.YMM()
		b.VEXTRACTI64X4(operand.U8(1), sums, high)
		b.storePixel(high, high.AsX(), pixel+1)
	}
}

// storePixel writes the results of 16 sums, of which low are eight.
func (b *byteSums) storePixel(sums, low operand.Op, pixel int) {
	values := b.s.registerList(b.emitter, b.s.perBlock())
	if b.s == avx512 {
		b.VPMOVZXWD(sums, values[0])
	} else {
		high := b.XMM()
		b.VEXTRACTI128(operand.U8(1), sums, high)
		b.VPMOVZXWD(low, values[0])
		b.VPMOVZXWD(high, values[1])
	}
	for _, v := range values {
		b.VCVTDQ2PS(v, v)
		b.VMULPS(b.scale, v, v)
	}
	b.round.store(values, b.out(pixel, 0))
}

// poolSumBytes sums tap by tap; of neighbours as many at once as a register holds.
func poolSumBytes(e *emitter, s *simd) {
	b := beginByteSums(e, s, "poolSumInt8", "y = scale * sum of the taps, rounded; at most 257 taps.")
	sum := func(sums []reg.VecVirtual, at func(from reg.GPVirtual, i int) operand.Mem) {
		b.zero(sums)
		b.eachTap(0, func(from reg.GPVirtual) {
			for i, r := range sums {
				b.add(at(from, i), r)
			}
		})
	}
	b.neighbours(func(vectors int) {
		sums := s.registerList(e, 2*vectors)
		sum(sums, func(from reg.GPVirtual, i int) operand.Mem { return operand.Mem{Base: from, Disp: i * s.bytes / 2} })
		for i, r := range sums {
			b.store(r, b.perRegister()*i)
		}
	}, func(pixels int) {
		sums := avx2.registerList(e, pixels)
		sum(sums, func(from reg.GPVirtual, i int) operand.Mem { return b.value(from, i, 0) })
		for i, r := range sums {
			b.store(r, i)
		}
	})
}

// poolSum3Bytes adds up the rows of each column, and then three neighbouring
// columns: integers, whose order does not matter.
func poolSum3Bytes(e *emitter, s *simd) {
	b := beginByteSums(e, s, "poolSum3Int8",
		"y = scale * sum of rows of three neighbouring taps, rounded; the next pixel's overlap.")
	columns := func(sums []reg.VecVirtual) {
		b.zero(sums)
		left, from := e.GP64(), e.GP64()
		e.MOVQ(b.count, left)
		e.MOVQ(b.taps, b.tap)
		row := e.name("row")
		e.Label(row)
		e.MOVQ(operand.Mem{Base: b.tap}, from)
		e.ADDQ(b.x, from)
		for i, r := range sums {
			b.add(operand.Mem{Base: from, Disp: i * int(r.Size()) / 2}, r)
		}
		e.ADDQ(operand.U32(3*16), b.tap)
		e.SUBQ(operand.U32(3), left)
		e.JG(operand.LabelRef(row))
	}
	b.overlapping(func() {
		sums := s.registerList(e, (b.together+2)/b.perRegister())
		columns(sums)
		for i, r := range sums[:b.together/b.perRegister()] {
			second, third := sums[i+1], sums[i+2/b.perRegister()]
			if b.perRegister() == 2 { // the next pixels begin in the middle
				second = e.ZMM()
				e.VALIGNQ(operand.U8(4), r, third, second)
			}
			e.VPADDW(second, r, r)
			e.VPADDW(third, r, r)
			b.store(r, b.perRegister()*i)
		}
	}, func() {
		sums := avx2.registerList(e, 3)
		columns(sums)
		e.VPADDW(sums[1], sums[0], sums[0])
		e.VPADDW(sums[2], sums[0], sums[0])
		b.store(sums[0], 0)
	})
}

// overlapping emits a loop over groups of neighbours, the last of which may repeat
// pixels of the one before, and one over single pixels, for runs shorter than that.
func (p *pool) overlapping(group, single func()) {
	few, top, done, step := p.name("few"), p.name("group"), p.name("groupDone"), p.GP64()
	p.CMPQ(p.pixels, operand.U8(p.together))
	p.JL(operand.LabelRef(few))
	p.MOVQ(operand.U32(p.together), step)
	p.Label(top)
	group()
	p.SUBQ(step, p.pixels)
	p.JZ(operand.LabelRef(done))
	p.CMPQ(p.pixels, step)
	p.CMOVQLT(p.pixels, step)
	p.SHLQ(operand.U8(4), step)
	p.ADDQ(step, p.x)
	p.ADDQ(step, p.y)
	p.SHRQ(operand.U8(4), step)
	p.JMP(operand.LabelRef(top))
	p.Label(few)
	p.times("pixel", p.pixels, func() {
		single()
		p.ADDQ(operand.U32(byteBlock), p.y)
		p.ADDQ(operand.U32(byteBlock), p.x)
	})
	p.Label(done)
	p.finish()
	p.end()
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
	zero, most := s.register(e), e.broadcastBits(s, float255)
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
