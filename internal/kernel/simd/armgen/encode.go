package main

import "fmt"

// The instructions on vector registers, encoded by the Arm Architecture
// Reference Manual, chapter C7.2. Their names here are LLVM's and the manual's.

// word emits an instruction by its code.
func (f *function) word(code uint32, format string, operands ...any) {
	llvm := fmt.Sprintf(format, operands...)
	f.line(fmt.Sprintf("WORD $0x%08x // %s", code, llvm), llvm)
}

// shaped is the code of an instruction and the arrangement of its operands.
type shaped struct {
	code   uint32
	shapes [2]string // of the result and of the sources
}

func same(code uint32, shape string) shaped { return shaped{code, [2]string{shape, shape}} }

// three are instructions of two sources.
var three = map[string]shaped{
	"fadd":   same(0x4e20d400, "4s"),
	"fsub":   same(0x4ea0d400, "4s"),
	"fmul":   same(0x6e20dc00, "4s"),
	"fdiv":   same(0x6e20fc00, "4s"),
	"fmla":   same(0x4e20cc00, "4s"), // adds the product
	"fmls":   same(0x4ea0cc00, "4s"), // subtracts it
	"fadd.d": same(0x4e60d400, "2d"),
	"fmla.d": same(0x4e60cc00, "2d"),
	"fcmgt":  same(0x6ea0e400, "4s"), // all ones where the first is greater
	"cmeq":   same(0x6ea08c00, "4s"),
	"and":    same(0x4e201c00, "16b"),
	"bic":    same(0x4e601c00, "16b"), // the first without the bits of the second
	"bit":    same(0x6ea01c00, "16b"), // replaces bits by the first's where the second is one
	"uzp1":   same(0x4e801800, "4s"),
	"uzp1.h": same(0x4e401800, "8h"), // the even elements of both
	"uzp1.b": same(0x4e001800, "16b"),
	"trn1":   same(0x4e802800, "4s"), // the even elements of both, in turn
	"trn2":   same(0x4e806800, "4s"), // the odd ones
	"trn1.d": same(0x4ec02800, "2d"),
	"trn2.d": same(0x4ec06800, "2d"),
}

// two are instructions of one source. Those of zero compare with it.
var two = map[string]struct {
	shaped
	rest string
}{
	"fsqrt":      {same(0x6ea1f800, "4s"), ""},
	"fcmgt.zero": {same(0x4ea0c800, "4s"), ", #0.0"},
	"fcmlt.zero": {same(0x4ea0e800, "4s"), ", #0.0"},
	"fcvtl":      {shaped{0x0e617800, [2]string{"2d", "2s"}}, ""}, // float64 of the lower half
	"fcvtl2":     {shaped{0x4e617800, [2]string{"2d", "4s"}}, ""}, // of the upper half
	"ushll.b":    {shaped{0x2f08a400, [2]string{"8h", "8b"}}, ", #0"},
	"ushll2.b":   {shaped{0x6f08a400, [2]string{"8h", "16b"}}, ", #0"},
	"ushll.h":    {shaped{0x2f10a400, [2]string{"4s", "4h"}}, ", #0"},
	"ushll2.h":   {shaped{0x6f10a400, [2]string{"4s", "8h"}}, ", #0"},
}

// mnemonic is a key of three or two without what follows the dot.
func mnemonic(key string) string {
	for i, c := range key {
		if c == '.' {
			return key[:i]
		}
	}
	return key
}

// op emits an instruction of three: to = a op b.
func (f *function) op(key string, a, b, to vec) {
	i, ok := three[key]
	if !ok {
		panic("no instruction " + key)
	}
	f.word(i.code|uint32(b)<<16|uint32(a)<<5|uint32(to), "%s v%d.%s, v%d.%s, v%d.%[5]s",
		mnemonic(key), to, i.shapes[0], a, i.shapes[1], b)
}

// unary emits an instruction of two: to = op from.
func (f *function) unary(key string, from, to vec) {
	i, ok := two[key]
	if !ok {
		panic("no instruction " + key)
	}
	f.word(i.code|uint32(from)<<5|uint32(to), "%s v%d.%s, v%d.%s%s",
		mnemonic(key), to, i.shapes[0], from, i.shapes[1], i.rest)
}

// multiplyAdd is to += a * element of b.
func (f *function) multiplyAdd(a, b vec, element int, to vec) {
	f.word(0x4f801000|uint32(element&1)<<21|uint32(element>>1)<<11|uint32(b)<<16|uint32(a)<<5|uint32(to),
		"fmla v%d.4s, v%d.4s, v%d.s[%d]", to, a, b, element)
}

func (f *function) copy(from, to vec) {
	f.word(0x4ea01c00|uint32(from)<<16|uint32(from)<<5|uint32(to), "mov v%d.16b, v%d.16b", to, from)
}

func (f *function) zero(to vec) { f.word(0x6f00e400|uint32(to), "movi v%d.2d, #0000000000000000", to) }

// half sets all elements to 0.5.
func (f *function) half(to vec) { f.word(0x4f03f400|uint32(to), "fmov v%d.4s, #0.50000000", to) }

// broadcast fills to with one element of from.
func (f *function) broadcast(from, to vec, element int) {
	f.word(0x4e040400|uint32(element)<<19|uint32(from)<<5|uint32(to), "dup v%d.4s, v%d.s[%d]", to, from, element)
}

// address is a place in memory: a base and either an index register or a
// displacement.
type address struct {
	base         gp
	displacement int
	index        gp
	indexed      bool
}

func at(base gp, displacement int) address { return address{base: base, displacement: displacement} }

func indexed(base, index gp) address { return address{base: base, index: index, indexed: true} }

func (a address) plus(bytes int) address {
	a.displacement += bytes
	return a
}

func (a address) String() string {
	switch {
	case a.indexed:
		return fmt.Sprintf("[x%d, x%d]", a.base, a.index)
	case a.displacement != 0:
		return fmt.Sprintf("[x%d, #%d]", a.base, a.displacement)
	}
	return fmt.Sprintf("[x%d]", a.base)
}

// width is the part of a register that a load fills, which clears the rest.
type width struct {
	name              byte
	bytes             int
	scaled, any, with uint32 // codes for multiples of bytes, any displacement, and an index
}

var (
	single    = width{'s', 4, 0xbd400000, 0xbc400000, 0xbc606800}
	double    = width{'d', 8, 0xfd400000, 0xfc400000, 0xfc606800}
	quadruple = width{'q', 16, 0x3dc00000, 0x3cc00000, 0x3ce06800}
)

// storing is the difference of a quadruple's codes for a store and a load.
const storing = 0x00400000

func (f *function) load(from address, to vec) { f.loadPart(quadruple, from, to) }

func (f *function) loadPart(w width, from address, to vec) { f.access(w, 0, "ld", from, to) }

func (f *function) store(from vec, to address) { f.access(quadruple, storing, "st", to, from) }

func (f *function) access(w width, less uint32, verb string, a address, v vec) {
	code, kind := uint32(a.base)<<5|uint32(v), "r"
	switch {
	case a.indexed && a.displacement == 0:
		code |= w.with - less | uint32(a.index)<<16
	case a.displacement >= 0 && a.displacement%w.bytes == 0 && a.displacement/w.bytes < 1<<12:
		code |= w.scaled - less | uint32(a.displacement/w.bytes)<<10
	case a.displacement >= -1<<8 && a.displacement < 1<<8:
		code |= w.any - less | uint32(a.displacement&0x1ff)<<12
		kind = "ur"
	default:
		panic(fmt.Sprintf("%s: no instruction reaches %v", f.name, a))
	}
	f.word(code, "%s%s %c%d, %v", verb, kind, w.name, v, a)
}

// loadPair and storePair move two adjacent vectors.
func (f *function) loadPair(from address, first, second vec) {
	f.pair(0xad400000, "ldp", from, first, second)
}

func (f *function) storePair(first, second vec, to address) {
	f.pair(0xad000000, "stp", to, first, second)
}

func (f *function) pair(code uint32, name string, a address, first, second vec) {
	scaled := a.displacement / vector
	if a.indexed || a.displacement%vector != 0 || scaled < -1<<6 || scaled >= 1<<6 {
		panic(fmt.Sprintf("%s: no pair reaches %v", f.name, a))
	}
	f.word(code|uint32(scaled&0x7f)<<15|uint32(second)<<10|uint32(a.base)<<5|uint32(first),
		"%s q%d, q%d, %v", name, first, second, a)
}

// loadAll and storeAll move adjacent vectors, in pairs.
func (f *function) loadAll(from address, to []vec) {
	for i := 0; i+1 < len(to); i += 2 {
		f.loadPair(from.plus(i*vector), to[i], to[i+1])
	}
	if len(to)%2 == 1 {
		f.load(from.plus((len(to)-1)*vector), to[len(to)-1])
	}
}

func (f *function) storeAll(from []vec, to address) {
	for i := 0; i+1 < len(from); i += 2 {
		f.storePair(from[i], from[i+1], to.plus(i*vector))
	}
	if len(from)%2 == 1 {
		f.store(from[len(from)-1], to.plus((len(from)-1)*vector))
	}
}

// loadSame fills a register with the 4 bytes at an address without displacement.
func (f *function) loadSame(base gp, to vec) {
	f.word(0x4d40c800|uint32(base)<<5|uint32(to), "ld1r { v%d.4s }, [x%d]", to, base)
}

// atLeast replaces the elements of v that are below limit's; NaN and -0 stay, as
// in the other implementations.
func (f *function) atLeast(v, limit vec) {
	f.scope(func() {
		below := f.vector()
		f.op("fcmgt", limit, v, below)
		f.op("bit", limit, below, v)
	})
}

// positive replaces negative elements by zero; NaN and -0 stay.
func (f *function) positive(v vec) {
	f.scope(func() {
		below := f.vector()
		f.unary("fcmlt.zero", v, below)
		f.op("bic", v, below, v)
	})
}
