package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// outerPasses says, for 1, 2 and 3 output blocks, which of the 16 input
// channels are summed together: the pixels are walked once per pass, because
// all 16 channels' sums do not fit the registers.
var outerPasses = map[*simd][][]int{
	avx512: {{16}, {8, 8}, {8, 8}},
	avx2:   {{6, 5, 5}},
}

func outerTiles(e *emitter, s *simd, p *precision) {
	for i, passes := range outerPasses[s] {
		outerTile(e, s, p, i+1, passes)
	}
}

func outerTile(e *emitter, s *simd, p *precision, n int, passes []int) {
	e.begin(fmt.Sprintf("outer%s%s_%d", p.name, s.name, n), "args *OuterArgs",
		fmt.Sprintf("%d output blocks.", n))
	field := e.fields("OuterArgs")
	dw, xBase, dyBase := field("DW"), field("X"), field("DY")
	xPixel, dyPixel := field("XPixel"), field("DYPixel")
	dyBlock := field("DYBlock")

	channel := 0
	for _, channels := range passes {
		sums := s.registerList(e, channels*n*s.perBlock())
		for _, sum := range sums {
			s.zero(e, sum)
		}
		rows, count := field("Rows"), field("Count")
		e.times("rows", count, func() {
			x, dy, pixels := e.GP64(), e.GP64(), e.GP64()
			e.MOVQ(operand.Mem{Base: rows}, x)
			e.MOVQ(operand.Mem{Base: rows, Disp: 8}, dy)
			e.MOVQ(operand.Mem{Base: rows, Disp: 16}, pixels)
			e.ADDQ(operand.U32(24), rows)
			e.ADDQ(xBase, x)
			e.ADDQ(dyBase, dy)
			e.times("pixels", pixels, func() {
				outerPixel(e, s, p, n, sums, channel, x, dy, dyBlock)
				e.ADDQ(xPixel, x)
				e.ADDQ(dyPixel, dy)
			})
		})
		outerStore(e, s, n, sums, channel, dw, field("DWBlock"), field("Accumulate"))
		channel += channels
	}
	e.end()
}

// outerPixel adds the products of one pixel, or of a pair; sums begin at input
// channel first.
func outerPixel(
	e *emitter, s *simd, p *precision, n int, sums []reg.VecVirtual, first int, x, dy, dyBlock reg.GPVirtual,
) {
	row := s.registerList(e, n*s.perBlock())
	for v, r := range row {
		e.VMOVUPS(blockVector(s, dy, dyBlock, v, 0), r)
	}
	for c := range len(sums) / len(row) {
		p.multiply(e, s, operand.Mem{Base: x, Disp: (first + c) * 4}, row, sums[c*len(row):])
	}
}

func outerStore(e *emitter, s *simd, n int, sums []reg.VecVirtual, first int, dw, dwBlock, accumulate reg.GPVirtual) {
	vectors := n * s.perBlock()
	at := func(i int) operand.Mem {
		return blockVector(s, dw, dwBlock, i%vectors, (first+i/vectors)*block)
	}
	e.unless("overwrite", accumulate, func() {
		for i, sum := range sums {
			e.VADDPS(at(i), sum, sum)
		}
	})
	for i, sum := range sums {
		e.VMOVUPS(sum, at(i))
	}
}

// blockVector addresses vector v of blocks that lie stride apart.
func blockVector(s *simd, base, stride reg.GPVirtual, v, disp int) operand.Mem {
	m := operand.Mem{Base: base, Disp: disp + v%s.perBlock()*s.bytes}
	if scale := v / s.perBlock(); scale > 0 {
		m.Index, m.Scale = stride, uint8(scale)
	}
	return m
}
