package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// amxKind is what sets the tiles of a precision apart.
type amxKind struct {
	element string
	product string // the instruction
	pixel   int    // bytes of a channel block
}

var amxKinds = []*amxKind{{"BF16", "TDPBF16PS", bf16Block}, {"Int8", "TDPBUSD", byteBlock}}

func (k *amxKind) bytes() bool { return k.pixel == byteBlock }

// wideAMX writes the product of so many tiles of pixels and output blocks, all of whose
// sums stay in tiles.
func wideAMX(e *emitter, kind *amxKind, pixels, n int) {
	e.begin(fmt.Sprintf("wide%sAMX_%dx%d", kind.element, pixels, n), "args *GemmArgs, shape *TileShape",
		fmt.Sprintf("%d tiles of pixels, %d output blocks.", pixels, n))
	e.takeFullShape()
	e.zeroTiles(pixels * n)
	field := e.fields("GemmArgs")
	row := e.GP64()
	e.MOVQ(operand.U32(block), row)
	aBase, bBase := field("A"), field("B")
	offsets, count := field("Offsets"), field("Count")
	bBlock, aPixel := field("BBlock"), field("APixel")
	ahead, aheadStep := field("Ahead"), field("AheadStep")
	second := e.GP64()
	e.MOVQ(aPixel, second)
	e.SHLQ(operand.U8(4), second) // 16 pixels
	e.times("batch", count, func() {
		for line := range 4 {
			e.PREFETCHT1(operand.Mem{Base: ahead, Disp: line * 64})
		}
		e.ADDQ(aheadStep, ahead)
		a, b := e.GP64(), e.GP64()
		e.MOVQ(operand.Mem{Base: offsets}, a)
		e.MOVQ(operand.Mem{Base: offsets, Disp: 8}, b)
		e.ADDQ(operand.U32(16), offsets)
		e.ADDQ(aBase, a)
		e.ADDQ(bBase, b)
		for i := range pixels {
			if i == 1 {
				e.ADDQ(second, a)
			}
			e.tiles("TILELOADD", operand.Mem{Base: a, Index: aPixel, Scale: 1}, operand.U8(pixelTile+i))
			for j := range n {
				if i == 0 {
					if j == 1 {
						e.ADDQ(bBlock, b)
					}
					e.tiles("TILELOADD", operand.Mem{Base: b, Index: row, Scale: 1}, operand.U8(weightTile+j))
				}
				e.tiles(kind.product, operand.U8(weightTile+j), operand.U8(pixelTile+i), operand.U8(j*pixels+i))
				if i == 0 {
					const soon = 2 * amxTileSize
					for line := range 16 {
						e.PREFETCHT0(operand.Mem{Base: b, Disp: soon + line*block})
					}
				}
			}
		}
	})
	e.eachTile(pixels*n, field("C"), row, e.storeTile)
	e.end()
}

// finish writes the end of the tiles' epilogue.
func finish(e *emitter, kind *amxKind) {
	e.begin("finish"+kind.element+"AVX512", "args *FinishArgs", "y = the sums plus bias, limited and rounded.")
	field := e.fields("FinishArgs")
	from, to, bias := field("Sums"), field("Y"), field("Bias")
	added, scale, zero := e.ZMM(), e.ZMM(), e.ZMM()
	avx512.zero(e, zero)
	biased := e.maskOf(bias)
	e.TESTQ(bias, bias)
	e.CMOVQEQ(from, bias) // for a masked load of nothing is slow where there is no memory
	e.VMOVUPS_Z(operand.Mem{Base: bias}, biased, added)
	rounder := newByteRounder(e, avx512)
	limited := e.maskOf(field("ReLU"))
	if kind.bytes() {
		e.VMOVUPS(operand.Mem{Base: field("Scale")}, scale)
	}
	e.times("pixel", field("Pixels"), func() {
		v := e.ZMM()
		e.VMOVUPS(operand.Mem{Base: from}, v)
		if kind.bytes() {
			e.VPADDD(added, v, v)
			e.VCVTDQ2PS(v, v)
			e.VMULPS(scale, v, v)
			rounder.store([]reg.VecVirtual{v}, operand.Mem{Base: to})
		} else {
			half := e.YMM()
			e.VADDPS(added, v, biased, v)
			e.VMAXPS(v, zero, limited, v) // of a NaN and a number, the last: NaN stays
			e.roundBF16(v, half)
			e.VMOVUPS(half, operand.Mem{Base: to})
		}
		e.ADDQ(operand.U32(block), from)
		e.ADDQ(operand.U32(kind.pixel), to)
	})
	e.end()
}

// interleave writes a loop for each number of blocks.
func interleave(e *emitter, kind *amxKind) {
	e.begin("interleave"+kind.element+"AVX512", "args *InterleaveArgs", "to = the pixels of several blocks side by side.")
	field := e.fields("InterleaveArgs")
	from, to, apart, blocks, pixels := field("From"), field("To"), field("Apart"), field("Blocks"), field("Pixels")
	apart3 := e.GP64()
	e.LEAQ(operand.Mem{Base: apart, Index: apart, Scale: 2}, apart3)
	done := e.name("done")
	for there := block / kind.pixel; there > 0; there-- {
		fewer := e.name("fewer")
		e.CMPQ(blocks, operand.U8(there))
		e.JB(operand.LabelRef(fewer))
		e.times("pixel", pixels, func() {
			at := func(b int) operand.Mem {
				return []operand.Mem{{Base: from}, {Base: from, Index: apart, Scale: 1},
					{Base: from, Index: apart, Scale: 2}, {Base: from, Index: apart3, Scale: 1}}[b]
			}
			wide := e.ZMM()
			if kind.bytes() {
				e.VMOVDQU(at(0), wide.AsX())
			} else {
				e.VMOVDQU(at(0), wide.AsY())
			}
			// Inserting nothing gives the whole register a value that avo sees.
			for b := 1; b < there; b++ {
				if kind.bytes() {
					e.VINSERTI32X4(operand.U8(b), at(b), wide, wide)
				} else {
					e.VINSERTI64X4(operand.U8(b), at(b), wide, wide)
				}
			}
			e.VMOVUPS(wide, operand.Mem{Base: to})
			e.ADDQ(operand.U32(kind.pixel), from)
			e.ADDQ(operand.U32(block), to)
		})
		e.JMP(operand.LabelRef(done))
		e.Label(fewer)
	}
	e.Label(done)
	e.end()
}

// pairsAMX writes the product of pairs of bf16 of so many blocks, all of whose sums
// stay in tiles.
func pairsAMX(e *emitter, rows, columns int) {
	e.begin(fmt.Sprintf("pairsAMX_%dx%d", rows, columns), "args *PairsArgs, shape *TileShape",
		fmt.Sprintf("%d blocks of rows, %d of columns.", rows, columns))
	e.takeFullShape()
	field := e.fields("PairsArgs")
	c, row := e.GP64(), e.GP64()
	e.MOVQ(operand.U32(block), row)
	eachSum := func(body func(tile operand.U8, at operand.Mem)) {
		e.MOVQ(field("C"), c)
		e.eachTile(rows*columns, c, row, body)
	}
	e.zeroTiles(rows * columns)
	e.unless("overwrite", field("Accumulate"), func() {
		eachSum(e.loadTile)
	})
	a, aRow, aBlock := field("A"), field("ARow"), field("ABlock")
	b, bRow, bBlock := field("B"), field("BRow"), field("BBlock")
	step := e.GP64()
	e.MOVQ(bRow, step)
	e.SHLQ(operand.U8(4), step) // 16 positions
	e.times("step", field("Steps"), func() {
		secondA, secondB := e.GP64(), e.GP64()
		e.LEAQ(operand.Mem{Base: a, Index: aBlock, Scale: 1}, secondA)
		e.LEAQ(operand.Mem{Base: b, Index: bBlock, Scale: 1}, secondB)
		for i, from := range []reg.GPVirtual{a, secondA}[:rows] {
			e.tiles("TILELOADD", operand.Mem{Base: from, Index: aRow, Scale: 1}, operand.U8(pixelTile+i))
			for j, from := range []reg.GPVirtual{b, secondB}[:columns] {
				if i == 0 {
					e.tiles("TILELOADD", operand.Mem{Base: from, Index: bRow, Scale: 1}, operand.U8(weightTile+j))
				}
				e.tiles("TDPBF16PS", operand.U8(weightTile+j), operand.U8(pixelTile+i), operand.U8(i*columns+j))
			}
		}
		e.ADDQ(operand.U32(block), a)
		e.ADDQ(step, b)
	})
	eachSum(e.storeTile)
	e.end()
}

// takeFullShape takes the shape that is a parameter, with room of its own.
func (e *emitter) takeFullShape() {
	room := e.GP64()
	e.LEAQ(e.AllocLocal(block), room)
	e.takeShape(e.Load(e.Param("shape"), e.GP64()).(reg.GPVirtual), room)
}

// peakAMX writes a loop of nothing but products, whose tiles are full.
func peakAMX(e *emitter, kind *amxKind) {
	e.begin(fmt.Sprintf("peak%sAMX", kind.element), "turns int, shape *TileShape", "4 independent chains of products of tiles.")
	e.Attributes(attr.NOSPLIT)
	turns := e.Load(e.Param("turns"), e.GP64()).(reg.GPVirtual)
	shape := e.Load(e.Param("shape"), e.GP64()).(reg.GPVirtual)
	e.tiles("LDTILECFG", operand.Mem{Base: shape})
	e.zeroTiles(8)
	e.times("turn", turns, func() {
		for i := range sumTiles {
			e.tiles(kind.product, operand.U8(weightTile+i%2), operand.U8(pixelTile+i/2), operand.U8(i))
		}
	})
	e.end()
}
