package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// byteBlock is a channel block in bytes: 16 of them.
const byteBlock = block / 4

// byteSteps are a block's steps: four channels each.
const byteSteps = 4

// byteDot is a way to add the products of bytes to 32-bit sums. All give the same
// integers.
type byteDot struct {
	name string // as part of function names, before the vector extension's
	s    *simd
	rows []int // the largest tile for 1, 2 and 3 output blocks
	// inFlight is how many sums keep the units busy.
	inFlight int
	step     func(t *byteTile, i int, pixels *strided, b, bBlock reg.GPVirtual)
}

var byteDots = []*byteDot{
	{"Int8", avx512, []int{14, 14, 9}, 10, (*byteTile).dotStep}, // AVX512-VNNI
	{"Int8VNNI", avx2, []int{6}, 10, (*byteTile).dotStep},       // AVX-VNNI
	{"Int8", avx2, []int{4}, 4, (*byteTile).wideStep},
}

// int8Family is all of it.
func int8Family(e *emitter) {
	for _, d := range byteDots {
		d.tiles(e)
	}
	for _, s := range []*simd{avx512, avx2} {
		poolSumBytes(e, s)
		poolSum3Bytes(e, s)
		poolMaxBytes(e, s)
		imageBytes(e, s)
	}
	for _, d := range byteDots {
		d.peak(e)
	}
}

func (d *byteDot) tiles(e *emitter) {
	for i, rows := range d.rows {
		for m := 1; m <= rows; m++ {
			tile := &byteTile{gemmTile{e: e, s: d.s, n: i + 1, m: m}, d}
			tile.write()
		}
	}
}

// byteTile writes a batch-reduce tile of bytes: pixels without a sign, weights with
// one, sums of 32 bits. The sums begin with the bias.
type byteTile struct {
	gemmTile
	d *byteDot
}

func (t *byteTile) write() {
	e, s := t.e, t.s
	e.begin(fmt.Sprintf("gemm%s%s_%dx%d", t.d.name, s.name, t.n, t.m), "args *GemmArgs",
		fmt.Sprintf("%d output blocks, %d pixels.", t.n, t.m))
	field := e.fields("GemmArgs")
	sets, sums := 1, t.m*t.vectors()
	for sets*sums < t.d.inFlight && sets < byteSteps && 2*sets*sums+t.vectors() < s.registers {
		sets *= 2
	}
	for range sets {
		t.sums = append(t.sums, s.registerList(e, sums))
	}
	t.begin(field("Bias"))
	t.batch(field)
	for _, set := range t.sums[1:] {
		for i, sum := range set {
			e.VPADDD(sum, t.sums[0][i], t.sums[0][i])
		}
	}
	t.epilogue(field)
	e.end()
}

// begin sets the first sums to the bias, if there is one, by loads, since additions
// at the end would take the units of the products.
func (t *byteTile) begin(bias reg.GPVirtual) {
	e, s := t.e, t.s
	for _, set := range t.sums[1:] {
		for _, sum := range set {
			s.zero(e, sum)
		}
	}
	unbiased, begun := e.name("unbiased"), e.name("begun")
	e.TESTQ(bias, bias)
	e.JZ(operand.LabelRef(unbiased))
	for i, sum := range t.sums[0] {
		e.VMOVUPS(operand.Mem{Base: bias, Disp: i % t.vectors() * s.bytes}, sum)
	}
	e.JMP(operand.LabelRef(begun))
	e.Label(unbiased)
	for _, sum := range t.sums[0] {
		s.zero(e, sum)
	}
	e.Label(begun)
}

func (t *byteTile) batch(field func(string) reg.GPVirtual) {
	e := t.e
	aBase, bBase := field("A"), field("B")
	offsets, count := field("Offsets"), field("Count")
	bBlock := field("BBlock")
	pixels := newStrided(e, field("APixel"), t.m)
	ahead, aheadStep := field("Ahead"), field("AheadStep")
	e.times("batch", count, func() {
		for line := range 4 {
			e.PREFETCHT1(operand.Mem{Base: ahead, Disp: line * 64})
		}
		e.ADDQ(aheadStep, ahead)
		b := e.GP64()
		e.MOVQ(operand.Mem{Base: offsets}, pixels.first())
		e.MOVQ(operand.Mem{Base: offsets, Disp: 8}, b)
		e.ADDQ(operand.U32(16), offsets)
		e.ADDQ(aBase, pixels.first())
		e.ADDQ(bBase, b)
		pixels.settle(e)
		for i := range byteSteps {
			t.d.step(t, i, pixels, b, bBlock)
		}
	})
}

// dotStep adds the products of four channels by one instruction for each vector.
func (t *byteTile) dotStep(i int, pixels *strided, b, bBlock reg.GPVirtual) {
	e, s := t.e, t.s
	row := s.registerList(e, t.vectors())
	for v, r := range row {
		e.VMOVUPS(blockVector(s, b, bBlock, v, i*block), r)
	}
	sums := t.sums[i%len(t.sums)]
	for pixel := range t.m {
		all := s.register(e)
		e.VPBROADCASTD(pixels.at(pixel, i*4), all)
		for v, r := range row {
			e.dotBytes(s, r, all, sums[pixel*t.vectors()+v])
		}
	}
}

// wideStep widens to 16 bits, since the instruction that multiplies bytes
// saturates its sums of two: the even channels of four, then the odd ones.
func (t *byteTile) wideStep(i int, pixels *strided, b, bBlock reg.GPVirtual) {
	e, s := t.e, t.s
	even, odd := s.registerList(e, t.vectors()), s.registerList(e, t.vectors())
	for v := range even {
		e.VMOVDQU(blockVector(s, b, bBlock, v, i*block), odd[v])
		e.VPSLLW(operand.U8(8), odd[v], even[v])
		e.VPSRAW(operand.U8(8), even[v], even[v])
		e.VPSRAW(operand.U8(8), odd[v], odd[v])
	}
	for pixel := range t.m {
		low, high := s.register(e), s.register(e)
		e.VPBROADCASTD(pixels.at(pixel, i*4), high)
		e.VPSLLW(operand.U8(8), high, low)
		e.VPSRLW(operand.U8(8), low, low)
		e.VPSRLW(operand.U8(8), high, high)
		for v := range even {
			sum, products := t.sums[0][pixel*t.vectors()+v], s.register(e)
			e.VPMADDWD(low, even[v], products)
			e.VPADDD(products, sum, sum)
			e.VPMADDWD(high, odd[v], products)
			e.VPADDD(products, sum, sum)
		}
	}
}

// epilogue adds C's old values, and stores sums to C or results to Rounded.
func (t *byteTile) epilogue(field func(string) reg.GPVirtual) {
	e := t.e
	c, cPixel, cBlock := field("C"), field("CPixel"), field("CBlock")
	e.unless("overwrite", field("Accumulate"), func() {
		from := e.GP64()
		e.MOVQ(c, from)
		t.eachVector(from, cPixel, cBlock, func(sum reg.VecVirtual, at operand.Mem) { e.VPADDD(at, sum, sum) })
	})
	partial, done := e.name("sums"), e.name("done")
	rounded := field("Rounded")
	e.TESTQ(rounded, rounded)
	e.JZ(operand.LabelRef(partial))
	t.scale(field)
	store := t.storeBytes
	if t.s == avx512 {
		store = t.packBytes
	}
	store(rounded, field("RoundedPixel"), field("RoundedBlock"))
	e.JMP(operand.LabelRef(done))
	e.Label(partial)
	t.eachVector(c, cPixel, cBlock, func(sum reg.VecVirtual, at operand.Mem) { e.VMOVUPS(sum, at) })
	e.Label(done)
}

// dotBytes adds to each sum the products of four bytes of weights and pixels.
func (e *emitter) dotBytes(s *simd, weights, pixels, sums reg.VecVirtual) {
	i, err := x86.VFMADDSUB231PS(weights, pixels, sums) // has the same operands
	if err != nil {
		panic(err)
	}
	i.Opcode, i.ISA = "VPDPBUSD", []string{"AVX512VNNI"} // Go's assembler knows it, though avo does not
	if s == avx2 {
		i.Opcode, i.ISA = vexDotBytes, []string{"AVXVNNI"}
	}
	e.Instruction(i)
}

// peak writes a loop of nothing but the products of a way, on registers.
func (d *byteDot) peak(e *emitter) {
	s := d.s
	e.begin("peak"+d.name+s.name, "turns int", "12 independent chains of sums of four products.")
	turns := e.GP64()
	e.Load(e.Param("turns"), turns)
	ones := e.broadcastBits(s, 0x01010101)
	chains := s.registerList(e, peakChains)
	for _, chain := range chains {
		s.zero(e, chain)
	}
	wide := d.name == "Int8" && s == avx2
	e.times("turn", turns, func() {
		for _, chain := range chains {
			if !wide {
				e.dotBytes(s, ones, ones, chain)
				continue
			}
			for range 2 {
				products := s.register(e)
				e.VPMADDWD(ones, ones, products)
				e.VPADDD(products, chain, chain)
			}
		}
	})
	e.end()
}
