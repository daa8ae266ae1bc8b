package main

import (
	"fmt"
	"strings"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"
)

// Neither avo nor Go's assembler has AVX512-BF16. Its instructions pass through
// avo as others of the same operands, whose names they replace, so that registers
// are allotted; then encodeAll writes them as bytes.
var encodings = map[string]byte{ // opcodes, all EVEX.512.F3.0F38.W0
	"VDPBF16PS":     0x52,
	"VCVTNEPS2BF16": 0x72,
	vexDotBytes:     0x50, // but see encodeVEX
}

// dotBF16 adds to each float32 of sums the products of two bf16 of row and two of
// value: a register, or the one pair at an address for all.
func (e *emitter) dotBF16(value operand.Op, row, sums reg.VecVirtual) {
	if _, ok := value.(operand.Mem); ok {
		e.stand(x86.VFMADDSUB231PS_BCST(value, row, sums))("VDPBF16PS")
		return
	}
	e.stand(x86.VFMADDSUB231PS(value, row, sums))("VDPBF16PS")
}

// roundBF16 rounds 16 float32 to the 16 bf16 of half a register.
func (e *emitter) roundBF16(from, to reg.VecVirtual) {
	e.stand(x86.VCVTPD2DQ(from, to))("VCVTNEPS2BF16")
}

// stand adds an instruction under another one's name.
func (e *emitter) stand(i *ir.Instruction, err error) func(opcode string) {
	return func(opcode string) {
		if err != nil {
			panic(err)
		}
		i.Opcode, i.ISA = opcode, []string{"AVX512BF16"}
		e.Instruction(i)
	}
}

// encodeAll turns the instructions of encodings into bytes; registers are known.
func encodeAll(file *ir.File) error {
	for _, f := range file.Functions() {
		for _, i := range f.Instructions() {
			encoder := encode
			if _, ok := tileEncodings[i.Opcode]; ok {
				encoder = encodeTiles
			} else if _, ok := encodings[i.Opcode]; !ok {
				continue
			}
			bytes, err := encoder(i)
			if err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			var text []string
			for _, op := range i.Operands {
				text = append(text, op.Asm())
			}
			i.Operands = []operand.Op{directives{bytes, i.OpcodeWithSuffixes() + " " + strings.Join(text, ", ")}}
			i.Opcode, i.Suffixes = "BYTE", nil
		}
	}
	return nil
}

// directives are the operands of a BYTE and whatever follows on its line.
type directives struct {
	bytes   []byte
	comment string
}

func (d directives) Asm() string {
	var b strings.Builder
	for i, v := range d.bytes {
		if i > 0 {
			b.WriteString("; BYTE ")
		}
		fmt.Fprintf(&b, "$0x%02x", v)
	}
	return b.String() + " // " + d.comment
}

// encode returns the bytes of an instruction of encodings, by Intel's manual,
// volume 2, section 2.7.
func encode(i *ir.Instruction) ([]byte, error) {
	if i.Opcode == vexDotBytes {
		return encodeVEX(i)
	}
	source, to := i.Operands[0], number(i.Operands[len(i.Operands)-1])
	second := 0 // none is all ones, and bits are stored inverted
	if len(i.Operands) == 3 {
		second = number(i.Operands[1])
	}
	const map0F38, prefixF3, length512 = 2, 2, 2 << 5
	p0, p2 := byte(map0F38), byte(length512)
	p1 := byte(^second&15<<3 | 1<<2 | prefixF3)
	p0 |= inverted(to, 3, 7) | inverted(to, 4, 4)
	p2 |= inverted(second, 4, 3)
	var rest []byte
	switch source := source.(type) {
	case reg.Register:
		p0 |= inverted(number(source), 4, 6) | inverted(number(source), 3, 5)
		rest = []byte{byte(3<<6 | to&7<<3 | number(source)&7)}
	case operand.Mem:
		const broadcast = 1 << 4
		p2 |= broadcast
		index := 0
		if source.Index != nil {
			index = number(source.Index)
		}
		p0 |= inverted(index, 3, 6) | inverted(number(source.Base), 3, 5)
		rest = address(source, to)
	default:
		return nil, fmt.Errorf("%s of %s", i.Opcode, source.Asm())
	}
	return append([]byte{0x62, p0, p1, p2, encodings[i.Opcode]}, rest...), nil
}

func number(op operand.Op) int { return int(op.(reg.Physical).PhysicalIndex()) }

// inverted returns a register's bit turned over, at another place.
func inverted(register, bit, place int) byte { return byte(^register>>bit&1) << place }

// address returns ModRM, SIB and displacement of four bytes in memory.
func address(m operand.Mem, to int) []byte {
	const element = 4 // what a short displacement counts
	base, mode := number(m.Base)&7, byte(0)
	var displacement []byte
	switch short := m.Disp / element; {
	case m.Disp == 0 && base != 5:
	case m.Disp%element == 0 && short == int(int8(short)):
		mode, displacement = 1, []byte{byte(short)}
	default:
		d := uint32(int32(m.Disp))
		mode, displacement = 2, []byte{byte(d), byte(d >> 8), byte(d >> 16), byte(d >> 24)}
	}
	mode = mode<<6 | byte(to&7<<3)
	if m.Index == nil && base != 4 {
		return append([]byte{mode | byte(base)}, displacement...)
	}
	index, scale := 4, 0 // none
	if m.Index != nil {
		index = number(m.Index) & 7
		scale = map[uint8]int{1: 0, 2: 1, 4: 2, 8: 3}[m.Scale]
	}
	return append([]byte{mode | 4, byte(scale<<6 | index<<3 | base)}, displacement...)
}
