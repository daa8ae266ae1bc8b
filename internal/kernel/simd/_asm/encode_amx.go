package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/operand"
)

// tileEncodings are AMX's instructions by prefix and opcode, all VEX.128.0F38.W0.
// Go's assembler has none of them. Tiles are numbers among the operands, which are
// in the order of Go's assembler: the result is last.
var tileEncodings = map[string]struct{ prefix, opcode byte }{
	"LDTILECFG":  {prefixNone, 0x49},
	"STTILECFG":  {prefix66, 0x49},
	"TILEZERO":   {prefixF2, 0x49},
	"TILELOADD":  {prefixF2, 0x4b},
	"TILESTORED": {prefixF3, 0x4b},
	"TDPBF16PS":  {prefixF3, 0x5c},
	"TDPBUSD":    {prefix66, 0x5e},
}

const prefixNone, prefix66, prefixF3, prefixF2 = 0, 1, 2, 3

// tiles adds an instruction of tileEncodings. What it does to tiles is nothing that
// avo sees or could move.
func (e *emitter) tiles(opcode string, operands ...operand.Op) {
	i := &ir.Instruction{Opcode: opcode, Operands: operands, ISA: []string{"AMX"}}
	for _, op := range operands {
		if m, ok := op.(operand.Mem); ok {
			i.Inputs = append(i.Inputs, m)
		}
	}
	e.Instruction(i)
}

// encodeTiles returns the bytes of an instruction of tileEncodings, by Intel's
// manual, volume 2, section 2.3.
func encodeTiles(i *ir.Instruction) ([]byte, error) {
	known := tileEncodings[i.Opcode]
	var numbers []int
	var memory *operand.Mem
	for _, op := range i.Operands {
		switch op := op.(type) {
		case operand.U8:
			numbers = append(numbers, int(op))
		case operand.Mem:
			memory = &op
		default:
			return nil, fmt.Errorf("%s of %s", i.Opcode, op.Asm())
		}
	}
	const map0F38 = 2
	p0, second := byte(map0F38|7<<5), 0
	var rest []byte
	switch {
	case memory != nil && memory.Disp != 0:
		return nil, fmt.Errorf("%s with a displacement", i.Opcode)
	case memory != nil:
		tile := 0
		if len(numbers) > 0 {
			tile = numbers[0]
		}
		index := 0
		if memory.Index != nil {
			index = number(memory.Index)
		}
		p0 = map0F38 | 1<<7 | inverted(index, 3, 6) | inverted(number(memory.Base), 3, 5)
		rest = address(*memory, tile)
	case len(numbers) == 3:
		second = numbers[0]
		rest = []byte{byte(3<<6 | numbers[2]<<3 | numbers[1])}
	case len(numbers) == 1:
		rest = []byte{byte(3<<6 | numbers[0]<<3)}
	default:
		return nil, fmt.Errorf("%s of %d operands", i.Opcode, len(i.Operands))
	}
	p1 := byte(^second&15<<3) | known.prefix
	return append([]byte{0xc4, p0, p1, known.opcode}, rest...), nil
}
