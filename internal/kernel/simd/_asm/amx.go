package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// AMX multiplies tiles: registers of up to 16 rows of 64 bytes, which
// TileShape describes. A product adds a tile of pixels times one of weights, whose
// rows are the steps, to one of sums. It takes as many cycles as the larger of
// both has rows, and its sum can be added to again after some fifty: so tiles of
// sums come in fours.
const (
	sumTiles    = 4 // tiles 0 to 3
	pixelTile   = 4 // of the first half of the pixels; the next is that of the second
	weightTile  = 6 // of the first output block; the next is that of the second
	amxBlocks   = 2
	amxHalves   = 2
	amxTileSize = 16 * block
	bf16Rows    = 8 // of weights, in a channel block
)

// amxKind is what sets the tiles of a precision apart.
type amxKind struct {
	element string
	product string // the instruction
	bytes   bool
}

var amxKinds = []*amxKind{{"BF16", "TDPBF16PS", false}, {"Int8", "TDPBUSD", true}}

func amxFamily(e *emitter) {
	for n := 1; n <= amxBlocks; n++ {
		for h := 1; h <= amxHalves; h++ {
			t := &amxTile{emitter: e, n: n, h: h}
			t.write()
		}
	}
	for _, kind := range amxKinds {
		for pixels := 1; pixels <= amxBlocks; pixels++ {
			for n := 1; n <= amxBlocks; n++ {
				wideAMX(e, kind, pixels, n)
			}
		}
		finish(e, kind)
		interleave(e, kind)
		peakAMX(e, kind)
	}
	for rows := 1; rows <= amxBlocks; rows++ {
		for columns := 1; columns <= amxBlocks; columns++ {
			pairsAMX(e, rows, columns)
		}
	}
}

// amxTile writes a batch-reduce tile of bf16 of n output blocks, and of pixels in h
// tiles.
type amxTile struct {
	*emitter
	n, h int

	shape  reg.GPVirtual // address of the TileShape
	stored reg.GPVirtual // address of room for the tiles of sums
}

// sets is how many partial sums every output has.
func (t *amxTile) sets() int { return sumTiles / (t.n * t.h) }

// sum returns the number of a tile of sums. Those of the second half of the pixels
// are the last two, so that a shape serves all n.
func (t *amxTile) sum(set, half, block int) int {
	if t.h == 1 {
		return set*t.n + block
	}
	return half*2 + block + set
}

func (t *amxTile) write() {
	t.begin(fmt.Sprintf("gemmBF16AMX_%dx%d", t.n, t.h), "args *GemmArgs, shape *TileShape",
		fmt.Sprintf("%d output blocks, pixels in %d tiles.", t.n, t.h))
	t.Attributes(0) // its frame is larger than what may be used without asking
	const line = 64
	room := t.AllocLocal(sumTiles*amxTileSize + line)
	addresses := func() {
		t.shape, t.stored = t.Load(t.Param("shape"), t.GP64()).(reg.GPVirtual), t.GP64()
		t.LEAQ(room, t.stored)
		t.ADDQ(operand.I8(line-1), t.stored)
		t.ANDQ(operand.I8(-line), t.stored)
	}
	addresses()
	t.takeShape(t.shape, t.stored)
	for i := range sumTiles {
		t.tiles("TILEZERO", operand.U8(i))
	}
	t.batch(t.fields("GemmArgs"))
	addresses() // again, because the batch has no registers left for them
	t.storeSums()
	t.epilogue(t.fields("GemmArgs"))
	t.end()
}

// takeShape gives the tiles a shape. That takes as long as ten products, and asking
// for the one that they have, which may be another thread's by now, as one.
func (e *emitter) takeShape(shape, room reg.GPVirtual) {
	has := e.name("has")
	wanted, same := e.ZMM(), e.K()
	e.tiles("STTILECFG", operand.Mem{Base: room})
	e.VMOVUPS(operand.Mem{Base: shape}, wanted)
	e.VPCMPEQD(operand.Mem{Base: room}, wanted, same)
	e.KORTESTW(same, same)
	e.JCS(operand.LabelRef(has))
	e.tiles("LDTILECFG", operand.Mem{Base: shape})
	e.Label(has)
}

// batch adds up the products.
func (t *amxTile) batch(field func(string) reg.GPVirtual) {
	aBase, bBase := field("A"), field("B")
	offsets, count := field("Offsets"), field("Count")
	bBlock, aPixel := field("BBlock"), field("APixel")
	ahead, aheadStep := field("Ahead"), field("AheadStep")
	row, second, pair := t.GP64(), t.GP64(), t.GP64()
	t.MOVQ(operand.U32(block), row)
	if t.h == 2 {
		t.rows(0, second)
		t.IMULQ(aPixel, second)
	}
	t.LEAQ(operand.Mem{Base: aPixel, Index: aPixel, Scale: 1}, pair)
	top, done := t.name("batch"), t.name("batchDone")
	t.TESTQ(count, count)
	t.JZ(operand.LabelRef(done))
	t.Label(top)
	for set := range t.sets() {
		for line := range 4 {
			t.PREFETCHT1(operand.Mem{Base: ahead, Disp: line * 64})
		}
		t.ADDQ(aheadStep, ahead)
		a, b, next := t.GP64(), t.GP64(), t.GP64()
		t.MOVQ(operand.Mem{Base: offsets}, a)
		t.MOVQ(operand.Mem{Base: offsets, Disp: 8}, b)
		t.ADDQ(operand.U32(16), offsets)
		t.MOVQ(operand.Mem{Base: offsets}, next)
		t.ADDQ(aBase, next)
		t.ADDQ(aBase, a)
		t.ADDQ(bBase, b)
		for half := range t.h {
			from := operand.Mem{Base: a, Index: aPixel, Scale: 1}
			if half == 1 {
				t.ADDQ(second, a)
			}
			t.tiles("TILELOADD", from, operand.U8(pixelTile+half))
			for n := range t.n {
				if half == 0 {
					if n == 1 {
						t.ADDQ(bBlock, b)
					}
					t.tiles("TILELOADD", operand.Mem{Base: b, Index: row, Scale: 1}, operand.U8(weightTile+n))
				}
				t.tiles("TDPBF16PS", operand.U8(weightTile+n), operand.U8(pixelTile+half), operand.U8(t.sum(set, half, n)))
				if half == 0 {
					const soon = 2 * bf16Rows * block
					for line := range bf16Rows {
						t.PREFETCHT0(operand.Mem{Base: b, Disp: soon + line*block})
					}
				}
				if n == 0 {
					for range 4 {
						t.PREFETCHT0(operand.Mem{Base: next})
						t.PREFETCHT0(operand.Mem{Base: next, Index: pair, Scale: 1})
						t.LEAQ(operand.Mem{Base: next, Index: pair, Scale: 2}, next)
					}
				}
			}
		}
		t.DECQ(count)
		if set+1 < t.sets() {
			t.JZ(operand.LabelRef(done))
		}
	}
	t.JNZ(operand.LabelRef(top))
	t.Label(done)
}

// rows loads how many pixels a half has.
func (t *amxTile) rows(half int, to reg.GPVirtual) {
	t.MOVBQZX(operand.Mem{Base: t.shape, Disp: t.offset("TileShape", "Rows") + pixelTile + half}, to)
}

// storeSums writes the tiles of sums to memory, where vectors can reach them.
func (t *amxTile) storeSums() {
	row, to := t.GP64(), t.GP64()
	t.MOVQ(operand.U32(block), row)
	t.MOVQ(t.stored, to)
	for i := range sumTiles {
		t.tiles("TILESTORED", operand.U8(i), operand.Mem{Base: to, Index: row, Scale: 1})
		if i+1 < sumTiles {
			t.ADDQ(operand.U32(amxTileSize), to)
		}
	}
}

// epilogue is that of the other tiles, a row at a time.
func (t *amxTile) epilogue(field func(string) reg.GPVirtual) {
	accumulate, biased, limited := t.maskOf(field("Accumulate")), t.maskOf(field("Bias")), t.maskOf(field("ReLU"))
	zero := t.ZMM()
	avx512.zero(t.emitter, zero)
	rounded := field("Rounded")
	sums, done := t.name("sums"), t.name("done")
	each := func(base string, store func(v reg.VecVirtual, at operand.Mem)) {
		bias := t.orStored(field("Bias"), field("Bias"))
		c, cBlock := t.orStored(field("C"), field("Accumulate")), t.orNothing(field("CBlock"), field("Accumulate"))
		cPixel := t.orNothing(field("CPixel"), field("Accumulate"))
		to, pixel, blockApart := field(base), field(base+"Pixel"), field(base+"Block")
		for n := range t.n {
			added := t.ZMM()
			t.VMOVUPS_Z(operand.Mem{Base: bias, Disp: n * block}, biased, added)
			old, at := t.GP64(), t.GP64()
			t.MOVQ(c, old)
			t.MOVQ(to, at)
			for half := range t.h {
				left, from := t.GP64(), t.GP64()
				t.rows(half, left)
				t.MOVQ(t.stored, from)
				t.times("row", left, func() {
					v := t.ZMM()
					place := func(set int) operand.Mem {
						return operand.Mem{Base: from, Disp: t.sum(set, half, n) * amxTileSize}
					}
					t.VMOVUPS(place(0), v)
					for set := 1; set < t.sets(); set++ {
						t.VADDPS(place(set), v, v)
					}
					t.VADDPS(operand.Mem{Base: old}, v, accumulate, v)
					t.VADDPS(added, v, biased, v)
					t.VMAXPS(v, zero, limited, v) // of a NaN and a number, the last: NaN stays
					store(v, operand.Mem{Base: at})
					t.ADDQ(operand.U32(block), from)
					t.ADDQ(cPixel, old)
					t.ADDQ(pixel, at)
				})
			}
			if n+1 < t.n {
				t.ADDQ(cBlock, c)
				t.ADDQ(blockApart, to)
			}
		}
	}
	t.TESTQ(rounded, rounded)
	t.JZ(operand.LabelRef(sums))
	each("Rounded", func(v reg.VecVirtual, at operand.Mem) {
		half := t.YMM()
		t.roundBF16(v, half)
		t.VMOVUPS(half, at)
	})
	t.JMP(operand.LabelRef(done))
	t.Label(sums)
	each("C", func(v reg.VecVirtual, at operand.Mem) { t.VMOVUPS(v, at) })
	t.Label(done)
}

// orStored returns an address that masked instructions may read: the given one, or
// that of the stored sums if what counts is zero. Even those that read nothing are
// slow, if memory is not there.
func (t *amxTile) orStored(address, counts reg.GPVirtual) reg.GPVirtual {
	t.TESTQ(counts, counts)
	t.CMOVQEQ(t.stored, address)
	return address
}

// orNothing returns a distance, or zero if what counts is zero.
func (t *amxTile) orNothing(distance, counts reg.GPVirtual) reg.GPVirtual {
	zero := t.GP64()
	t.XORQ(zero, zero)
	t.TESTQ(counts, counts)
	t.CMOVQEQ(zero, distance)
	return distance
}

// maskOf returns a mask of all lanes, or of none if r is zero.
func (e *emitter) maskOf(r reg.GPVirtual) reg.Register {
	lanes, mask := e.GP32(), e.K()
	e.XORL(lanes, lanes)
	e.CMPQ(r, operand.U8(1))
	e.SBBL(lanes, lanes)
	e.NOTL(lanes)
	e.KMOVW(lanes, mask)
	return mask
}

// peakAMX writes a loop of nothing but products, whose tiles are full.
func peakAMX(e *emitter, kind *amxKind) {
	e.begin(fmt.Sprintf("peak%sAMX", kind.element), "turns int, shape *TileShape", "4 independent chains of products of tiles.")
	e.Attributes(attr.NOSPLIT)
	turns := e.Load(e.Param("turns"), e.GP64()).(reg.GPVirtual)
	shape := e.Load(e.Param("shape"), e.GP64()).(reg.GPVirtual)
	e.tiles("LDTILECFG", operand.Mem{Base: shape})
	for i := range 8 {
		e.tiles("TILEZERO", operand.U8(i))
	}
	e.times("turn", turns, func() {
		for i := range sumTiles {
			e.tiles(kind.product, operand.U8(weightTile+i%2), operand.U8(pixelTile+i/2), operand.U8(i))
		}
	})
	e.end()
}

// wideAMX writes the product of so many tiles of pixels and output blocks, all of whose
// sums stay in tiles.
func wideAMX(e *emitter, kind *amxKind, pixels, n int) {
	e.begin(fmt.Sprintf("wide%sAMX_%dx%d", kind.element, pixels, n), "args *GemmArgs, shape *TileShape",
		fmt.Sprintf("%d tiles of pixels, %d output blocks.", pixels, n))
	room := e.GP64()
	e.LEAQ(e.AllocLocal(block), room)
	e.takeShape(e.Load(e.Param("shape"), e.GP64()).(reg.GPVirtual), room)
	for i := range pixels * n {
		e.tiles("TILEZERO", operand.U8(i))
	}
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
	c := field("C")
	for i := range pixels * n {
		e.tiles("TILESTORED", operand.U8(i), operand.Mem{Base: c, Index: row, Scale: 1})
		if i+1 < pixels*n {
			e.ADDQ(operand.U32(amxTileSize), c)
		}
	}
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
	if kind.bytes {
		e.VMOVUPS(operand.Mem{Base: field("Scale")}, scale)
	}
	e.times("pixel", field("Pixels"), func() {
		v := e.ZMM()
		e.VMOVUPS(operand.Mem{Base: from}, v)
		if kind.bytes {
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
		e.ADDQ(operand.U32(map[bool]int{true: byteBlock, false: bf16Block}[kind.bytes]), to)
	})
	e.end()
}

// interleave writes a loop for each number of blocks.
func interleave(e *emitter, kind *amxKind) {
	pixel := map[bool]int{true: byteBlock, false: bf16Block}[kind.bytes]
	e.begin("interleave"+kind.element+"AVX512", "args *InterleaveArgs", "to = the pixels of several blocks side by side.")
	field := e.fields("InterleaveArgs")
	from, to, apart, blocks, pixels := field("From"), field("To"), field("Apart"), field("Blocks"), field("Pixels")
	apart3 := e.GP64()
	e.LEAQ(operand.Mem{Base: apart, Index: apart, Scale: 2}, apart3)
	done := e.name("done")
	for there := block / pixel; there > 0; there-- {
		fewer := e.name("fewer")
		e.CMPQ(blocks, operand.U8(there))
		e.JB(operand.LabelRef(fewer))
		e.times("pixel", pixels, func() {
			at := func(b int) operand.Mem {
				return []operand.Mem{{Base: from}, {Base: from, Index: apart, Scale: 1},
					{Base: from, Index: apart, Scale: 2}, {Base: from, Index: apart3, Scale: 1}}[b]
			}
			wide := e.ZMM()
			if kind.bytes {
				e.VMOVDQU(at(0), wide.AsX())
			} else {
				e.VMOVDQU(at(0), wide.AsY())
			}
			// Inserting nothing gives the whole register a value that avo sees.
			for b := 1; b < there; b++ {
				if kind.bytes {
					e.VINSERTI32X4(operand.U8(b), at(b), wide, wide)
				} else {
					e.VINSERTI64X4(operand.U8(b), at(b), wide, wide)
				}
			}
			e.VMOVUPS(wide, operand.Mem{Base: to})
			e.ADDQ(operand.U32(pixel), from)
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
	room := e.GP64()
	e.LEAQ(e.AllocLocal(block), room)
	e.takeShape(e.Load(e.Param("shape"), e.GP64()).(reg.GPVirtual), room)
	field := e.fields("PairsArgs")
	c, row := e.GP64(), e.GP64()
	e.MOVQ(operand.U32(block), row)
	eachSum := func(do func(tile operand.U8, at operand.Mem)) {
		e.MOVQ(field("C"), c)
		for i := range rows * columns {
			do(operand.U8(i), operand.Mem{Base: c, Index: row, Scale: 1})
			if i+1 < rows*columns {
				e.ADDQ(operand.U32(amxTileSize), c)
			}
		}
	}
	for i := range rows * columns {
		e.tiles("TILEZERO", operand.U8(i))
	}
	e.unless("overwrite", field("Accumulate"), func() {
		eachSum(func(tile operand.U8, at operand.Mem) { e.tiles("TILELOADD", at, tile) })
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
	eachSum(func(tile operand.U8, at operand.Mem) { e.tiles("TILESTORED", tile, at) })
	e.end()
}
