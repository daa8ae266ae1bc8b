package main

import "github.com/mmcloughlin/avo/operand"

// transpose writes a 16x16 block with rows and columns exchanged: 8 rows of 4
// columns at a time, rows i and i+4 in the halves of one register, so that
// no shuffle crosses halves.
func transpose(e *emitter) {
	e.begin("transposeAVX2", "to, from *[256]float32", "to = from with rows and columns exchanged.")
	to, from := e.GP64(), e.GP64()
	e.Load(e.Param("to"), to)
	e.Load(e.Param("from"), from)
	for row := 0; row < 16; row += 8 {
		for column := 0; column < 16; column += 4 {
			at := func(i int) operand.Mem {
				return operand.Mem{Base: from, Disp: (row+i)*block + column*4}
			}
			rows := avx2.registerList(e, 4)
			for i, r := range rows {
				e.VBROADCASTF128(at(i), r) // a load of the lower half alone would leave the upper one undefined to avo
				e.VINSERTF128(operand.U8(1), at(i+4), r, r)
			}
			pairs := avx2.registerList(e, 4)
			e.VUNPCKLPS(rows[1], rows[0], pairs[0])
			e.VUNPCKHPS(rows[1], rows[0], pairs[1])
			e.VUNPCKLPS(rows[3], rows[2], pairs[2])
			e.VUNPCKHPS(rows[3], rows[2], pairs[3])
			for i := range 4 {
				column8 := e.YMM()
				if i%2 == 0 {
					e.VUNPCKLPD(pairs[i/2+2], pairs[i/2], column8)
				} else {
					e.VUNPCKHPD(pairs[i/2+2], pairs[i/2], column8)
				}
				e.VMOVUPS(column8, operand.Mem{Base: to, Disp: (column+i)*block + row*4})
			}
		}
	}
	e.end()
}
