package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// gemmRows is the largest tile for 1, 2 and 3 output blocks: as many accumulators
// as possible while leaving registers for B's row and a broadcast of A.
var gemmRows = map[*simd][]int{
	avx512: {14, 14, 9},
	avx2:   {6},
}

// unrolled is how many steps of a block one turn of the inner loop handles. All
// of them would be twice as long and no faster.
const unrolled = 4

// precision is what sets the tiles of one element type apart. A step of any of
// them multiplies 4 bytes of a pixel, which are one or several neighbouring
// channels, with a block of weights, and adds to a block of float32 sums.
type precision struct {
	name     string // as part of function names; empty for float32
	channels int    // that a step multiplies
	inFlight int    // sums that keep the units busy: the latency times how many begin in a cycle
	multiply func(e *emitter, s *simd, value operand.Mem, row, sums []reg.VecVirtual)
	store    func(t *gemmTile, field func(string) reg.GPVirtual)
}

var (
	float32s = &precision{"", 1, 8, multiplyFloats, (*gemmTile).storeFloats}
	bf16s    = &precision{"BF16", 2, 12, multiplyBF16, (*gemmTile).storeBF16}
)

func gemmTiles(e *emitter, s *simd, p *precision) {
	for i, rows := range gemmRows[s] {
		for m := 1; m <= rows; m++ {
			tile := &gemmTile{e: e, s: s, p: p, n: i + 1, m: m}
			tile.write()
		}
	}
}

// gemmTile writes one batch-reduce tile. All of C's tile stays in registers
// while the batch streams by; each turn loads one row of B, and per pixel
// broadcasts one value of A.
type gemmTile struct {
	e    *emitter
	s    *simd
	p    *precision
	n, m int

	sums [][]reg.VecVirtual // [set][pixel*vectors + vector]
}

// vectors is how many registers hold one pixel's outputs.
func (t *gemmTile) vectors() int { return t.n * t.s.perBlock() }

// sets is how many partial sums every output has: with fewer in flight than the
// precision asks for, multiplications wait for each other.
func (t *gemmTile) sets() int {
	sets := 1
	for sets*t.m*t.vectors() < t.p.inFlight {
		sets *= 2
	}
	return min(sets, unrolled)
}

func (t *gemmTile) write() {
	e, s := t.e, t.s
	e.begin(fmt.Sprintf("gemm%s%s_%dx%d", t.p.name, s.name, t.n, t.m), "args *GemmArgs",
		fmt.Sprintf("%d output blocks, %d pixels.", t.n, t.m))
	field := e.fields("GemmArgs")

	for range t.sets() {
		t.sums = append(t.sums, s.registerList(e, t.m*t.vectors()))
	}
	for _, set := range t.sums {
		for _, sum := range set {
			s.zero(e, sum)
		}
	}
	t.batch(field)
	for _, set := range t.sums[1:] {
		for i, sum := range set {
			e.VADDPS(sum, t.sums[0][i], t.sums[0][i])
		}
	}
	t.epilogue(field)
	e.end()
}

func (t *gemmTile) batch(field func(string) reg.GPVirtual) {
	e := t.e
	aBase, bBase := field("A"), field("B")
	offsets, count := field("Offsets"), field("Count")
	bBlock := field("BBlock")
	pixels := newStrided(e, field("APixel"), t.m)
	ahead, aheadStep := field("Ahead"), field("AheadStep")

	e.times("batch", count, func() {
		b := e.GP64()
		e.MOVQ(operand.Mem{Base: offsets}, pixels.first())
		e.MOVQ(operand.Mem{Base: offsets, Disp: 8}, b)
		e.ADDQ(operand.U32(16), offsets)
		e.ADDQ(aBase, pixels.first())
		e.ADDQ(bBase, b)
		pixels.settle(e)
		for line := range 4 {
			e.PREFETCHT1(operand.Mem{Base: ahead, Disp: line * 64})
		}
		e.ADDQ(aheadStep, ahead)

		turns := e.GP64()
		e.MOVQ(operand.U32(16/t.p.channels/unrolled), turns)
		e.times("channels", turns, func() {
			for i := range unrolled {
				t.step(i, pixels, b, bBlock)
			}
			pixels.advance(e, unrolled*4)
			e.ADDQ(operand.U32(unrolled*block), b)
		})
	})
}

// step adds the products of one input channel, or of several neighbouring ones.
func (t *gemmTile) step(i int, pixels *strided, b, bBlock reg.GPVirtual) {
	e, s := t.e, t.s
	row := s.registerList(e, t.vectors())
	for v, r := range row {
		e.VMOVUPS(blockVector(s, b, bBlock, v, i*block), r)
	}
	sums := t.sums[i%len(t.sums)]
	for pixel := range t.m {
		t.p.multiply(e, s, pixels.at(pixel, i*4), row, sums[pixel*t.vectors():])
	}
}

func multiplyFloats(e *emitter, s *simd, value operand.Mem, row, sums []reg.VecVirtual) {
	s.multiply(e, value, row, sums)
}

func multiplyBF16(e *emitter, s *simd, value operand.Mem, row, sums []reg.VecVirtual) {
	if len(row) == 1 {
		e.dotBF16(value, row[0], sums[0])
		return
	}
	all := s.register(e)
	e.VBROADCASTSS(value, all)
	for i, r := range row {
		e.dotBF16(all, r, sums[i])
	}
}

// epilogue adds C's old values and the bias, replaces negative values and stores.
func (t *gemmTile) epilogue(field func(string) reg.GPVirtual) {
	e, s := t.e, t.s
	sums := t.sums[0]
	c, cPixel, cBlock := field("C"), field("CPixel"), field("CBlock")
	at := func(base reg.GPVirtual, v int) operand.Mem { return blockVector(s, base, cBlock, v, 0) }

	e.unless("overwrite", field("Accumulate"), func() {
		from := e.GP64()
		e.MOVQ(c, from)
		for i, sum := range sums {
			e.VADDPS(at(from, i%t.vectors()), sum, sum)
			if (i+1)%t.vectors() == 0 && i+1 < len(sums) {
				e.ADDQ(cPixel, from)
			}
		}
	})
	bias := field("Bias")
	e.unless("unbiased", bias, func() {
		for v := range t.vectors() {
			r := s.register(e)
			e.VMOVUPS(operand.Mem{Base: bias, Disp: v * s.bytes}, r)
			for p := range t.m {
				sum := sums[p*t.vectors()+v]
				e.VADDPS(r, sum, sum)
			}
		}
	})
	e.unless("linear", field("ReLU"), func() {
		zero := s.register(e)
		s.zero(e, zero)
		for _, sum := range sums {
			e.VMAXPS(sum, zero, sum) // of a NaN and a number, the last: NaN stays
		}
	})
	t.p.store(t, field)
}

// storeFloats writes the sums to C.
func (t *gemmTile) storeFloats(field func(string) reg.GPVirtual) {
	t.eachVector(field("C"), field("CPixel"), field("CBlock"), func(sum reg.VecVirtual, at operand.Mem) {
		t.e.VMOVUPS(sum, at)
	})
}

// storeBF16 writes the sums to C, or rounded to Rounded.
func (t *gemmTile) storeBF16(field func(string) reg.GPVirtual) {
	e := t.e
	sums, done := e.name("sums"), e.name("done")
	rounded := field("Rounded")
	e.TESTQ(rounded, rounded)
	e.JZ(operand.LabelRef(sums))
	t.eachVector(rounded, field("RoundedPixel"), field("RoundedBlock"), func(sum reg.VecVirtual, at operand.Mem) {
		half := e.YMM()
		e.roundBF16(sum, half)
		e.VMOVUPS(half, at)
	})
	e.JMP(operand.LabelRef(done))
	e.Label(sums)
	t.storeFloats(field)
	e.Label(done)
}

// eachVector walks the tile's sums and their places, pixels and blocks so many
// bytes apart.
func (t *gemmTile) eachVector(to, pixel, block reg.GPVirtual, do func(sum reg.VecVirtual, at operand.Mem)) {
	sums := t.sums[0]
	for i, sum := range sums {
		do(sum, blockVector(t.s, to, block, i%t.vectors(), 0))
		if (i+1)%t.vectors() == 0 && i+1 < len(sums) {
			t.e.ADDQ(pixel, to)
		}
	}
}

// strided addresses pixels whose distance is in a register. x86 scales an
// index by 1, 2, 4 or 8, so with 3*stride in a second register one base
// reaches five pixels.
type strided struct {
	stride, stride3 reg.GPVirtual
	bases           []reg.GPVirtual
}

const perBase = 5

func newStrided(e *emitter, stride reg.GPVirtual, count int) *strided {
	s := &strided{stride: stride}
	for range (count + perBase - 1) / perBase {
		s.bases = append(s.bases, e.GP64())
	}
	if count > 3 {
		s.stride3 = e.GP64()
		e.LEAQ(operand.Mem{Base: stride, Index: stride, Scale: 2}, s.stride3)
	}
	return s
}

// first is the address of pixel 0; after setting it call settle.
func (s *strided) first() reg.GPVirtual { return s.bases[0] }

func (s *strided) settle(e *emitter) {
	for i, base := range s.bases[1:] {
		e.LEAQ(operand.Mem{Base: s.bases[i], Index: s.stride, Scale: 4}, base)
		e.ADDQ(s.stride, base)
	}
}

func (s *strided) advance(e *emitter, bytes int) {
	for _, base := range s.bases {
		e.ADDQ(operand.U32(bytes), base)
	}
}

func (s *strided) at(pixel, disp int) operand.Mem {
	m := operand.Mem{Base: s.bases[pixel/perBase], Disp: disp}
	switch step := pixel % perBase; step {
	case 0:
	case 3:
		m.Index, m.Scale = s.stride3, 1
	default:
		m.Index, m.Scale = s.stride, uint8(step)
	}
	return m
}
