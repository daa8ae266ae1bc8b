package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// run walks slices of equal length, a block of 16 floats at a time; Go handles a
// remainder shorter than a block.
type run struct {
	*emitter
	s     *simd
	index reg.GPVirtual // the same for all slices; bytes of those with pixels of unit bytes
	unit  int           // bytes of 16 values
}

// beginRun starts a function over slices.
func beginRun(e *emitter, s *simd, name, params, doc string) *run {
	e.begin(name+s.name, params, doc)
	r := &run{emitter: e, s: s, index: e.GP64(), unit: block}
	e.XORQ(r.index, r.index)
	return r
}

// slice loads the address of a slice or pointer parameter.
func (r *run) slice(name string) reg.GPVirtual {
	return r.Load(r.Param(name).Base(), r.GP64()).(reg.GPVirtual)
}

func (r *run) length(name string) reg.GPVirtual {
	return r.Load(r.Param(name).Len(), r.GP64()).(reg.GPVirtual)
}

func (r *run) pointer(name string) reg.GPVirtual {
	return r.Load(r.Param(name), r.GP64()).(reg.GPVirtual)
}

// scalar broadcasts a float32 parameter.
func (r *run) scalar(name string) reg.VecVirtual {
	value, err := r.Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	all := r.s.register(r.emitter)
	r.VBROADCASTSS(value.Addr, all)
	return all
}

// channels loads the 16 values at base + disp.
func (r *run) channels(base reg.GPVirtual, disp int) []reg.VecVirtual {
	list := r.s.registerList(r.emitter, r.s.perBlock())
	for v, to := range list {
		r.VMOVUPS(operand.Mem{Base: base, Disp: disp + v*r.s.bytes}, to)
	}
	return list
}

// at is vector v of the block that is unit blocks ahead in a slice.
func (r *run) at(base reg.GPVirtual, unit, v int) operand.Mem {
	return operand.Mem{Base: base, Index: r.index, Scale: 1, Disp: unit*block + v*r.s.bytes}
}

// load reads vector v of a slice's block.
func (r *run) load(base reg.GPVirtual, unit, v int) reg.VecVirtual {
	to := r.s.register(r.emitter)
	r.VMOVUPS(r.at(base, unit, v), to)
	return to
}

// blocks emits body for every block of a slice as long as the named one, units
// of them per turn.
func (r *run) blocks(length string, units int, body func(unit int)) {
	turns := r.length(length)
	r.SHRQ(operand.U8(4), turns)
	if units > 1 {
		rest := r.GP64()
		r.MOVQ(turns, rest)
		r.ANDQ(operand.U32(units-1), rest)
		shift := 0
		for 1<<shift < units {
			shift++
		}
		r.SHRQ(operand.U8(shift), turns)
		r.times("turn", turns, func() {
			for unit := range units {
				body(unit)
			}
			r.ADDQ(operand.U32(units*r.unit), r.index)
		})
		turns = rest
	}
	r.times("block", turns, func() {
		body(0)
		r.ADDQ(operand.U32(r.unit), r.index)
	})
}

// eachVector emits body for both or the only vector of a block.
func (r *run) eachVector(body func(v int)) {
	for v := range r.s.perBlock() {
		body(v)
	}
}

// doubles are sums of 16 channels in float64.
type doubles []reg.VecVirtual

func (r *run) doubles() doubles {
	sums := doubles(r.s.registerList(r.emitter, 2*r.s.perBlock()))
	for _, sum := range sums {
		r.s.zero(r.emitter, sum)
	}
	return sums
}

// double converts half h of a float32 vector.
func (r *run) double(from reg.VecVirtual, h int) reg.VecVirtual {
	to := r.s.register(r.emitter)
	if r.s == avx512 {
		half := from.AsY()
		if h == 1 {
			half = r.YMM()
			r.VEXTRACTF64X4(operand.U8(1), from, half)
		}
		r.VCVTPS2PD(half, to)
		return to
	}
	half := from.AsX()
	if h == 1 {
		half = r.XMM()
		r.VEXTRACTF128(operand.U8(1), from, half)
	}
	r.VCVTPS2PD(half, to)
	return to
}

// addTo adds sums to the 16 float64 at base.
func (r *run) addTo(base reg.GPVirtual, sums doubles) {
	for i, sum := range sums {
		at := operand.Mem{Base: base, Disp: i * r.s.bytes}
		r.VADDPD(at, sum, sum)
		r.VMOVUPD(sum, at)
	}
}
