package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pool walks the output pixels of a run, several at a time, and for those all
// taps of their windows.
type pool struct {
	*run
	x, y, argmax   reg.GPVirtual
	taps, count    reg.GPVirtual
	pixels, xPixel reg.GPVirtual
	xPixel3, tap   reg.GPVirtual
	together       int // pixels at a time in the main loop
	yPixel         int // bytes of an output pixel

	finish func() // emits what follows the last pixel
}

func beginPool(e *emitter, s *simd, name, doc string, together, yPixel int) *pool {
	e.begin(name+s.name, "args *PoolArgs", doc)
	return newPool(e, s, together, yPixel)
}

func newPool(e *emitter, s *simd, together, yPixel int) *pool {
	p := &pool{run: &run{emitter: e, s: s}, together: together, yPixel: yPixel, tap: e.GP64(), xPixel3: e.GP64()}
	field := e.fields("PoolArgs")
	p.x, p.y, p.argmax = field("X"), field("Y"), field("Argmax")
	p.taps, p.count = field("Taps"), field("Count")
	p.pixels, p.xPixel = field("Pixels"), field("XPixel")
	e.LEAQ(operand.Mem{Base: p.xPixel, Index: p.xPixel, Scale: 2}, p.xPixel3)
	return p
}

// beginRows is beginPool for a loop over runs below each other. The addresses in
// memory, which the garbage collector reads, never leave the map.
func beginRows(e *emitter, s *simd, name, doc string, together, yPixel int) *pool {
	e.begin(name+s.name, "args *PoolArgs", doc)
	top := e.name("run")
	e.Label(top)
	p := newPool(e, s, together, yPixel)
	p.finish = func() {
		args, step := e.Load(e.Param("args"), e.GP64()).(reg.GPVirtual), e.GP64()
		field := func(name string) operand.Mem { return operand.Mem{Base: args, Disp: e.offset("PoolArgs", name)} }
		last := e.name("last")
		e.DECQ(field("Rows"))
		e.JZ(operand.LabelRef(last))
		e.MOVQ(field("XRow"), step)
		e.ADDQ(step, field("X"))
		e.MOVQ(field("YRow"), step)
		e.ADDQ(step, field("Y"))
		e.JMP(operand.LabelRef(top))
		e.Label(last)
	}
	return p
}

// walk emits body for groups of together pixels, then for single ones.
func (p *pool) walk(body func(pixels int)) {
	groups := p.GP64()
	p.MOVQ(p.pixels, groups)
	shift := map[int]uint8{1: 0, 2: 1, 4: 2}[p.together]
	step := func(pixels int) func() {
		return func() {
			body(pixels)
			p.ADDQ(operand.U32(pixels*p.yPixel), p.y)
			p.ADDQ(operand.U32(pixels*block/4), p.argmax)
			for range pixels {
				p.ADDQ(p.xPixel, p.x)
			}
		}
	}
	if p.together > 1 {
		p.SHRQ(operand.U8(shift), groups)
		p.times("group", groups, step(p.together))
		p.ANDQ(operand.U32(p.together-1), p.pixels)
		groups = p.pixels
	}
	p.times("pixel", groups, step(1))
	if p.finish != nil {
		p.finish()
	}
	p.end()
}

// eachTap emits body for every tap of the list except the first skip ones; from
// is the address of the first pixel's value.
func (p *pool) eachTap(skip int, body func(from reg.GPVirtual)) {
	left, from := p.GP64(), p.GP64()
	p.MOVQ(p.count, left)
	p.MOVQ(p.taps, p.tap)
	for range skip {
		p.DECQ(left)
		p.ADDQ(operand.U32(16), p.tap)
	}
	p.times("tap", left, func() {
		p.MOVQ(operand.Mem{Base: p.tap}, from)
		p.ADDQ(p.x, from)
		body(from)
		p.ADDQ(operand.U32(16), p.tap)
	})
}

// value is vector v of pixel i, counted from the first pixel's address.
func (p *pool) value(from reg.GPVirtual, i, v int) operand.Mem {
	m := operand.Mem{Base: from, Disp: v * p.s.bytes}
	switch i {
	case 0:
	case 3:
		m.Index, m.Scale = p.xPixel3, 1
	default:
		m.Index, m.Scale = p.xPixel, uint8(i)
	}
	return m
}

// out is vector v of output pixel i.
func (p *pool) out(i, v int) operand.Mem {
	return operand.Mem{Base: p.y, Disp: i*p.yPixel + v*p.s.bytes}
}

// index broadcasts the tap's index.
func (p *pool) index() reg.VecVirtual {
	all := p.s.register(p.emitter)
	p.VPBROADCASTD(operand.Mem{Base: p.tap, Disp: 8}, all)
	return all
}

// scale broadcasts PoolArgs.Scale.
func (p *pool) scale() reg.VecVirtual {
	all := p.s.register(p.emitter)
	p.VBROADCASTSS(operand.Mem{Base: p.Load(p.Param("args"), p.GP64()), Disp: p.offset("PoolArgs", "Scale")}, all)
	return all
}

func poolSum(e *emitter, s *simd) {
	p := beginPool(e, s, "poolSum", "y = scale * sum of the taps.", 4, block)
	scale := p.scale()
	p.walk(func(pixels int) {
		sums := s.registerList(e, pixels*s.perBlock())
		for _, sum := range sums {
			s.zero(e, sum)
		}
		p.eachTap(0, func(from reg.GPVirtual) {
			for i, sum := range sums {
				e.VADDPS(p.value(from, i/s.perBlock(), i%s.perBlock()), sum, sum)
			}
		})
		for i, sum := range sums {
			e.VMULPS(scale, sum, sum)
			e.VMOVUPS(sum, p.out(i/s.perBlock(), i%s.perBlock()))
		}
	})
}

func poolMax(e *emitter, s *simd) {
	p := beginPool(e, s, "poolMax", "y = the taps' maximum, argmax = the index of the first tap that has it.",
		4/s.perBlock(), block)
	p.walk(func(pixels int) {
		best, which := s.registerList(e, pixels*s.perBlock()), s.registerList(e, pixels*s.perBlock())
		first := e.GP64()
		e.MOVQ(p.taps, p.tap)
		e.MOVQ(operand.Mem{Base: p.tap}, first)
		e.ADDQ(p.x, first)
		for i, b := range best {
			e.VMOVUPS(p.value(first, i/s.perBlock(), i%s.perBlock()), b)
			e.VPBROADCASTD(operand.Mem{Base: p.tap, Disp: 8}, which[i])
		}
		p.eachTap(1, func(from reg.GPVirtual) {
			index := p.index()
			for i, b := range best {
				value := s.register(e)
				e.VMOVUPS(p.value(from, i/s.perBlock(), i%s.perBlock()), value)
				p.take(value, index, b, which[i])
			}
		})
		for i, b := range best {
			e.VMOVUPS(b, p.out(i/s.perBlock(), i%s.perBlock()))
		}
		for i := range pixels {
			p.storeBytes(which[i*s.perBlock():(i+1)*s.perBlock()], operand.Mem{Base: p.argmax, Disp: i * block / 4})
		}
	})
}

// take replaces best and which where value is larger.
func (p *pool) take(value, index, best, which reg.VecVirtual) {
	const lessThan = 0x11 // LT_OQ: best < value
	if p.s == avx512 {
		mask := p.K()
		p.VCMPPS(operand.U8(lessThan), value, best, mask)
		p.VMOVAPS(value, mask, best)
		p.VMOVDQA32(index, mask, which)
		return
	}
	mask := p.s.register(p.emitter)
	p.VCMPPS(operand.U8(lessThan), value, best, mask)
	p.VBLENDVPS(mask, value, best, best)
	p.VBLENDVPS(mask, index, which, which)
}

// storeBytes narrows 16 int32 to bytes.
func (p *pool) storeBytes(from []reg.VecVirtual, to operand.Mem) {
	if p.s == avx512 {
		p.VPMOVDB(from[0], to)
		return
	}
	words, high := p.YMM(), p.XMM()
	p.VPACKUSDW(from[1], from[0], words) // within 128-bit halves
	p.VPERMQ(operand.U8(0xd8), words, words)
	p.VEXTRACTI128(operand.U8(1), words, high)
	p.VPACKUSWB(high, words.AsX(), high)
	p.VMOVDQU(high, to)
}

func poolMaxBack(e *emitter, s *simd) {
	p := beginPool(e, s, "poolMaxBack", "Adds y, a gradient, to the tap of x that argmax names.", 1, block)
	p.walk(func(int) {
		dy, which := s.registerList(e, s.perBlock()), s.registerList(e, s.perBlock())
		for v := range dy {
			e.VMOVUPS(p.out(0, v), dy[v])
			e.VPMOVZXBD(operand.Mem{Base: p.argmax, Disp: v * s.bytes / 4}, which[v])
		}
		p.eachTap(0, func(from reg.GPVirtual) {
			index := p.index()
			for v, w := range which {
				at, dx := p.value(from, 0, v), s.register(e)
				if s == avx512 {
					mask := e.K()
					e.VPCMPEQD(index, w, mask)
					e.VMOVUPS(at, dx)
					e.VADDPS(dy[v], dx, mask, dx)
				} else {
					e.VPCMPEQD(index, w, dx)
					e.VANDPS(dy[v], dx, dx)
					e.VADDPS(at, dx, dx)
				}
				e.VMOVUPS(dx, at)
			}
		})
	})
}
