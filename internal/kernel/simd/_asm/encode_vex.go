package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/reg"
)

// vexDotBytes is VPDPBUSD of AVX-VNNI. Go's assembler knows only that of AVX-512,
// under the same name.
const vexDotBytes = "VEXVPDPBUSD"

// encodeVEX returns the bytes of vexDotBytes on three registers, by Intel's manual,
// volume 2, section 2.3.5: VEX.256.66.0F38.W0 50 /r.
func encodeVEX(i *ir.Instruction) ([]byte, error) {
	for _, op := range i.Operands {
		if r, ok := op.(reg.Physical); !ok || r.PhysicalIndex() > 15 {
			return nil, fmt.Errorf("%s of %s", i.Opcode, op.Asm())
		}
	}
	source, second, to := number(i.Operands[0]), number(i.Operands[1]), number(i.Operands[2])
	const map0F38, prefix66, length256, noIndex = 2, 1, 1 << 2, 1 << 6
	p0 := byte(map0F38|noIndex) | inverted(to, 3, 7) | inverted(source, 3, 5)
	p1 := byte(^second&15<<3 | length256 | prefix66)
	return []byte{0xc4, p0, p1, 0x50, byte(3<<6 | to&7<<3 | source&7)}, nil
}
