package simd

import "unsafe"

// Generic is the implementation in plain Go, for every machine; the others are
// tested against it.
var Generic = func() *ISA {
	s := &ISA{Name: "generic", Runs: genericRuns, BF16: genericBF16, Int8: genericInt8, peak: peak{peakGeneric,
		peakChains * 2},
		Transforms: Transforms{F4, winogradInGeneric, winogradOutGeneric, winogradWeightsGeneric},
		Gradient:   GradientTransforms{winogradInGeneric, winogradOutBackGeneric, winogradWeightsBackGeneric}}
	for n := 1; n <= MaxTileBlocks; n++ {
		s.TileRows[n] = MaxTileRows
		for m := 1; m <= MaxTileRows; m++ {
			s.Gemm[n][m] = func(g *GemmArgs) { gemmGeneric(g, n, m) }
		}
		s.Outer[n] = func(o *OuterArgs) { outerGeneric(o, n) }
	}
	return s
}()

// half is the number of sums that one pass of the plain Go tiles keeps in registers.
const half = Block / 2

func gemmGeneric(g *GemmArgs, blocks, pixels int) {
	batch := unsafe.Slice(g.Offsets, g.Count)
	for n := range blocks {
		for i := range pixels {
			c := unsafe.Add(g.C, n*g.CBlock+i*g.CPixel)
			for h := 0; h < Block; h += half {
				gemmHalf((*[half]float32)(unsafe.Add(c, h*FloatBytes)), batch,
					g.A, i*g.APixel, g.B, n*g.BBlock+h*FloatBytes, g.Accumulate)
			}
			gemmEpilogue((*[Block]float32)(c), g, n)
		}
	}
}

// gemmHalf computes 8 output channels of one pixel.
func gemmHalf(
	c *[half]float32, batch []GemmOffset, a unsafe.Pointer, pixel int, b unsafe.Pointer, bAt, accumulate int,
) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	if accumulate != 0 {
		s0, s1, s2, s3, s4, s5, s6, s7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	}
	for _, at := range batch {
		s0, s1, s2, s3, s4, s5, s6, s7 = addProducts(s0, s1, s2, s3, s4, s5, s6, s7,
			Block, a, at.A+pixel, FloatBytes, b, bAt+at.B, PixelBytes)
	}
	*c = [half]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}

// addProducts adds to 8 sums the products of count values with 8 weights each; they
// begin xAt and wAt bytes behind x and w and lie xStep and wStep bytes apart. Offsets
// move, not pointers: one behind the last value would point to memory that may not
// be, which the garbage collector takes for an error.
//
// Go keeps plain variables in registers, but not arrays. It schedules the last
// additions of a loop's turn after all multiplications and so spills; a turn of four
// values has only one in four of them.
func addProducts(
	s0, s1, s2, s3, s4, s5, s6, s7 float32, count int,
	x unsafe.Pointer, xAt, xStep int, w unsafe.Pointer, wAt, wStep int,
) (_, _, _, _, _, _, _, _ float32) {
	for ; count >= 4; count -= 4 {
		{
			v, k := *(*float32)(unsafe.Add(x, xAt)), (*[half]float32)(unsafe.Add(w, wAt))
			s0 += v * k[0]
			s1 += v * k[1]
			s2 += v * k[2]
			s3 += v * k[3]
			s4 += v * k[4]
			s5 += v * k[5]
			s6 += v * k[6]
			s7 += v * k[7]
			xAt, wAt = xAt+xStep, wAt+wStep
		}
		{
			v, k := *(*float32)(unsafe.Add(x, xAt)), (*[half]float32)(unsafe.Add(w, wAt))
			s0 += v * k[0]
			s1 += v * k[1]
			s2 += v * k[2]
			s3 += v * k[3]
			s4 += v * k[4]
			s5 += v * k[5]
			s6 += v * k[6]
			s7 += v * k[7]
			xAt, wAt = xAt+xStep, wAt+wStep
		}
		{
			v, k := *(*float32)(unsafe.Add(x, xAt)), (*[half]float32)(unsafe.Add(w, wAt))
			s0 += v * k[0]
			s1 += v * k[1]
			s2 += v * k[2]
			s3 += v * k[3]
			s4 += v * k[4]
			s5 += v * k[5]
			s6 += v * k[6]
			s7 += v * k[7]
			xAt, wAt = xAt+xStep, wAt+wStep
		}
		{
			v, k := *(*float32)(unsafe.Add(x, xAt)), (*[half]float32)(unsafe.Add(w, wAt))
			s0 += v * k[0]
			s1 += v * k[1]
			s2 += v * k[2]
			s3 += v * k[3]
			s4 += v * k[4]
			s5 += v * k[5]
			s6 += v * k[6]
			s7 += v * k[7]
			xAt, wAt = xAt+xStep, wAt+wStep
		}
	}
	for ; count > 0; count-- {
		v, k := *(*float32)(unsafe.Add(x, xAt)), (*[half]float32)(unsafe.Add(w, wAt))
		s0 += v * k[0]
		s1 += v * k[1]
		s2 += v * k[2]
		s3 += v * k[3]
		s4 += v * k[4]
		s5 += v * k[5]
		s6 += v * k[6]
		s7 += v * k[7]
		xAt, wAt = xAt+xStep, wAt+wStep
	}
	return s0, s1, s2, s3, s4, s5, s6, s7
}

func gemmEpilogue(c *[Block]float32, g *GemmArgs, n int) {
	if g.Bias != nil {
		bias := (*[Block]float32)(unsafe.Add(g.Bias, n*PixelBytes))
		for j := range c {
			c[j] += bias[j]
		}
	}
	if g.ReLU != 0 {
		for j, v := range c {
			c[j] = notNegative(v)
		}
	}
}

func outerGeneric(o *OuterArgs, blocks int) {
	rows := unsafe.Slice(o.Rows, o.Count)
	for n := range blocks {
		for c := range Block {
			for h := 0; h < Block; h += half {
				dw := unsafe.Add(o.DW, n*o.DWBlock+c*PixelBytes+h*FloatBytes)
				outerHalf((*[half]float32)(dw), rows, o, c*FloatBytes, n*o.DYBlock+h*FloatBytes)
			}
		}
	}
}

// outerHalf computes the weights of one input and 8 output channels, which are at
// byte offsets xAt and dyAt of their first pixels.
func outerHalf(dw *[half]float32, rows []OuterRow, o *OuterArgs, xAt, dyAt int) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	if o.Accumulate != 0 {
		s0, s1, s2, s3, s4, s5, s6, s7 = dw[0], dw[1], dw[2], dw[3], dw[4], dw[5], dw[6], dw[7]
	}
	for _, row := range rows {
		s0, s1, s2, s3, s4, s5, s6, s7 = addProducts(s0, s1, s2, s3, s4, s5, s6, s7,
			row.Pixels, o.X, row.X+xAt, o.XPixel, o.DY, row.DY+dyAt, o.DYPixel)
	}
	*dw = [half]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}
