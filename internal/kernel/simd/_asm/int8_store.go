package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// scale multiplies the sums by their channel's factor, in float32.
func (t *byteTile) scale(field func(string) reg.GPVirtual) {
	e, s := t.e, t.s
	factors := field("Scale")
	for v := range t.vectors() {
		factor := s.register(e)
		e.VMOVUPS(operand.Mem{Base: factors, Disp: v * s.bytes}, factor)
		for p := range t.m {
			sum := t.sums[0][p*t.vectors()+v]
			e.VCVTDQ2PS(sum, sum)
			e.VMULPS(factor, sum, sum)
		}
	}
}

// storeBytes rounds the sums to bytes.
func (t *byteTile) storeBytes(to, pixel, apart reg.GPVirtual) {
	per := t.s.perBlock()
	b := newByteRounder(t.e, t.s)
	for p := range t.m {
		from := t.e.GP64()
		t.e.MOVQ(to, from)
		for n := range t.n {
			at := p*t.vectors() + n*per
			b.store(t.sums[0][at:at+per], operand.Mem{Base: from})
			if n+1 < t.n {
				t.e.ADDQ(apart, from)
			}
		}
		if p+1 < t.m {
			t.e.ADDQ(pixel, to)
		}
	}
}

// float255 are the bits of the largest byte.
const float255 = 0x437f0000

// packed is how many pixels of a block packBytes makes one register of.
const packed = 4

// packBytes is storeBytes for four pixels of a block at a time: that takes the vector
// units five operations for each register of sums, those of scale included, where
// VPMOVUSDB of one pixel would make it six.
func (t *byteTile) packBytes(to, pixel, apart reg.GPVirtual) {
	e, s := t.e, t.s
	most, order := e.broadcastBits(s, float255), e.pixelsOfQuarters()
	pixel3 := e.GP64()
	e.LEAQ(operand.Mem{Base: pixel, Index: pixel, Scale: 2}, pixel3)
	for p := 0; p < t.m; p += packed {
		from, count := e.GP64(), min(packed, t.m-p)
		e.MOVQ(to, from)
		for n := range t.n {
			var values []reg.VecVirtual
			for i := range count {
				v := t.sums[0][(p+i)*t.vectors()+n]
				e.VMINPS(v, most, v) // of a number and a NaN, the last: NaN stays, and becomes the least integer
				e.VCVTPS2DQ(v, v)
				values = append(values, v)
			}
			all := e.packQuarters(values)
			e.VPERMD(all, order, all)
			e.storeQuarters(all, from, pixel, pixel3, count)
			if n+1 < t.n {
				e.ADDQ(apart, from)
			}
		}
		if p+packed < t.m {
			e.LEAQ(operand.Mem{Base: to, Index: pixel, Scale: packed}, to)
		}
	}
}

// pixelsOfQuarters is the order of packQuarters' 32-bit words in which the bytes of
// a pixel are neighbours: 0, 4, 8, 12, 1 and so on.
func (e *emitter) pixelsOfQuarters() reg.VecVirtual {
	half, bytes, order := e.GP64(), e.XMM(), e.ZMM()
	e.MOVQ(operand.U64(0x0d0905010c080400), half)
	e.VMOVQ(half, bytes)
	e.MOVQ(operand.U64(0x0f0b07030e0a0602), half)
	e.VPINSRQ(operand.U8(1), half, bytes, bytes)
	e.VPMOVZXBD(bytes, order)
	return order
}

// packQuarters makes one register of up to four with 16 integers each, whose range
// becomes that of bytes: each quarter has four bytes of each.
func (e *emitter) packQuarters(values []reg.VecVirtual) reg.VecVirtual {
	pair := func(i int) reg.VecVirtual {
		words := e.ZMM()
		e.VPACKSSDW(values[min(i+1, len(values)-1)], values[i], words)
		return words
	}
	low := pair(0)
	high := low
	if len(values) > 2 {
		high = pair(2)
	}
	e.VPACKUSWB(high, low, low)
	return low
}

// storeQuarters writes the first quarters to pixels that lie so many bytes apart.
func (e *emitter) storeQuarters(all reg.VecVirtual, to, pixel, pixel3 reg.GPVirtual, count int) {
	places := []operand.Mem{
		{Base: to}, {Base: to, Index: pixel, Scale: 1}, {Base: to, Index: pixel, Scale: 2}, {Base: to, Index: pixel3, Scale: 1},
	}
	scattered, stored := e.name("scattered"), e.name("stored")
	whole := count == packed
	if whole {
		e.CMPQ(pixel, operand.U8(byteBlock))
		e.JNE(operand.LabelRef(scattered))
		e.VMOVUPS(all, operand.Mem{Base: to})
		e.JMP(operand.LabelRef(stored))
		e.Label(scattered)
	}
	e.VMOVUPS(all.AsX(), places[0])
	for i := 1; i < count; i++ {
		e.VEXTRACTI32X4(operand.U8(i), all, places[i])
	}
	if whole {
		e.Label(stored)
	}
}

// byteRounder rounds float32 to bytes: to nearest even, below 0 and NaN 0, above
// 255 that.
type byteRounder struct {
	*emitter
	s          *simd
	zero, most reg.VecVirtual
}

func newByteRounder(e *emitter, s *simd) *byteRounder {
	b := &byteRounder{emitter: e, s: s, zero: s.register(e)}
	s.zero(e, b.zero)
	if s == avx2 {
		b.most = b.broadcast(float255)
	}
	return b
}

// broadcastBits fills a register with a number of 32 bits.
func (e *emitter) broadcastBits(s *simd, bits uint32) reg.VecVirtual {
	number, low, all := e.GP32(), e.XMM(), s.register(e)
	e.MOVL(operand.U32(bits), number)
	e.VMOVD(number, low)
	e.VPBROADCASTD(low, all)
	return all
}

func (b *byteRounder) broadcast(bits uint32) reg.VecVirtual { return b.broadcastBits(b.s, bits) }

// store writes the 16 values of a block's registers.
func (b *byteRounder) store(values []reg.VecVirtual, at operand.Mem) {
	for _, v := range values {
		b.VMAXPS(b.zero, v, v) // of a NaN and a number, the last: zero
		if b.s == avx2 {
			b.VMINPS(b.most, v, v)
		}
		b.VCVTPS2DQ(v, v) // too large is 2^31 without a sign
	}
	if b.s == avx512 {
		b.VPMOVUSDB(values[0], at)
		return
	}
	words := values[0]
	b.VPACKUSDW(values[1], words, words) // in halves
	b.VPERMQ(operand.U8(0xd8), words, words)
	high := b.XMM()
	b.VEXTRACTI128(operand.U8(1), words, high)
	b.VPACKUSWB(high, words.AsX(), high)
	b.VMOVDQU(high, at)
}
