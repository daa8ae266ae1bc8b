package main

import (
	"fmt"

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
	t.zeroTiles(sumTiles)
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
	t.eachTile(sumTiles, to, row, t.storeTile)
}

// eachTile emits a body for each of the first tiles and its place in memory, one after
// the other from an address, which moves on. row holds the size of a row.
func (e *emitter) eachTile(count int, address, row reg.GPVirtual, body func(tile operand.U8, at operand.Mem)) {
	for i := range count {
		body(operand.U8(i), operand.Mem{Base: address, Index: row, Scale: 1})
		if i+1 < count {
			e.ADDQ(operand.U32(amxTileSize), address)
		}
	}
}

func (e *emitter) loadTile(tile operand.U8, at operand.Mem)  { e.tiles("TILELOADD", at, tile) }
func (e *emitter) storeTile(tile operand.U8, at operand.Mem) { e.tiles("TILESTORED", tile, at) }

// zeroTiles clears the first tiles.
func (e *emitter) zeroTiles(count int) {
	for i := range count {
		e.tiles("TILEZERO", operand.U8(i))
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
