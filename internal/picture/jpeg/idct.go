package jpeg

// The inverse transform of Loeffler, Ligtenberg and Moschytz ("Practical fast
// 1-D DCT algorithms with 11 multiplications", ICASSP 1989) in the fixed point
// of libjpeg's jidctint.c, so that the samples are the same.
const (
	constBits = 13
	pass1Bits = 2

	fix0_298 = 2446
	fix0_390 = 3196
	fix0_541 = 4433
	fix0_765 = 6270
	fix0_899 = 7373
	fix1_175 = 9633
	fix1_501 = 12299
	fix1_847 = 15137
	fix1_961 = 16069
	fix2_053 = 16819
	fix2_562 = 20995
	fix3_072 = 25172
)

// block is 64 dequantised coefficients, row by row.
type block [64]int32

// Coefficients of a column or of columns, as bits of a mask by their place.
const (
	columnAC     = 0x0101010101010100 // of column 0, without its first
	otherColumns = 0xfefefefefefefefe
	rightColumns = 0xf0f0f0f0f0f0f0f0
)

// idct writes the samples of a block. nonzero has a bit for every coefficient
// that is not zero.
func idct(b *block, nonzero uint64, dst []uint8, stride int) {
	if nonzero&^1 == 0 {
		v := clamp((b[0]<<pass1Bits+1<<(pass1Bits+2))>>(pass1Bits+3) + 128)
		for y := range 8 {
			row := dst[y*stride:][:8]
			for x := range row {
				row[x] = v
			}
		}
		return
	}
	columns := 8
	if nonzero&rightColumns == 0 {
		columns = 4 // the others are zero, and stay so
	}
	for x := range columns {
		column(b, x, nonzero)
	}
	if nonzero&otherColumns == 0 {
		for y := range 8 {
			v := clamp((b[8*y]+1<<(pass1Bits+2))>>(pass1Bits+3) + 128)
			row := dst[y*stride:][:8]
			for x := range row {
				row[x] = v
			}
		}
		return
	}
	for y := range 8 {
		idctRow((*[8]int32)(b[8*y:8*y+8]), (*[8]uint8)(dst[y*stride:y*stride+8]))
	}
}

// column transforms column x in place.
func column(b *block, x int, nonzero uint64) {
	x &= 7
	if nonzero&(columnAC<<x) == 0 {
		v := b[x] << pass1Bits
		for y := range 8 {
			b[8*y+x] = v
		}
		return
	}
	z2, z3 := b[16+x], b[48+x]
	z1 := (z2 + z3) * fix0_541
	t2, t3 := z1-z3*fix1_847, z1+z2*fix0_765
	z2, z3 = b[x], b[32+x]
	t0, t1 := (z2+z3)<<constBits, (z2-z3)<<constBits
	const round = 1 << (constBits - pass1Bits - 1)
	a0, a3, a1, a2 := t0+t3+round, t0-t3+round, t1+t2+round, t1-t2+round
	t0, t1, t2, t3 = odd(b[56+x], b[40+x], b[24+x], b[8+x])
	const shift = constBits - pass1Bits
	b[x], b[56+x] = (a0+t3)>>shift, (a0-t3)>>shift
	b[8+x], b[48+x] = (a1+t2)>>shift, (a1-t2)>>shift
	b[16+x], b[40+x] = (a2+t1)>>shift, (a2-t1)>>shift
	b[24+x], b[32+x] = (a3+t0)>>shift, (a3-t0)>>shift
}

// idctRow transforms a row into samples.
func idctRow(r *[8]int32, dst *[8]uint8) {
	z2, z3 := r[2], r[6]
	z1 := (z2 + z3) * fix0_541
	t2, t3 := z1-z3*fix1_847, z1+z2*fix0_765
	t0, t1 := (r[0]+r[4])<<constBits, (r[0]-r[4])<<constBits
	const shift = constBits + pass1Bits + 3
	const round = 1<<(shift-1) + 128<<shift
	a0, a3, a1, a2 := t0+t3+round, t0-t3+round, t1+t2+round, t1-t2+round
	t0, t1, t2, t3 = odd(r[7], r[5], r[3], r[1])
	dst[0], dst[7] = clamp((a0+t3)>>shift), clamp((a0-t3)>>shift)
	dst[1], dst[6] = clamp((a1+t2)>>shift), clamp((a1-t2)>>shift)
	dst[2], dst[5] = clamp((a2+t1)>>shift), clamp((a2-t1)>>shift)
	dst[3], dst[4] = clamp((a3+t0)>>shift), clamp((a3-t0)>>shift)
}

// odd is the odd half of a transform: of coefficients 7, 5, 3 and 1.
func odd(t0, t1, t2, t3 int32) (int32, int32, int32, int32) {
	z1, z2, z3, z4 := t0+t3, t1+t2, t0+t2, t1+t3
	z5 := (z3 + z4) * fix1_175
	z1, z2 = -z1*fix0_899, -z2*fix2_562
	z3, z4 = z5-z3*fix1_961, z5-z4*fix0_390
	return t0*fix0_298 + z1 + z3, t1*fix2_053 + z2 + z4, t2*fix3_072 + z2 + z3, t3*fix1_501 + z1 + z4
}

func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}
