package kernel

import "unsafe"

// genericISA is the implementation in plain Go, for every machine; it is the
// twin that the others are tested beside.
var genericISA = func() *isa {
	s := &isa{name: "generic", runs: genericRuns, peak: peakGeneric, peakTurnFLOPs: peakChains * 2,
		winogradIn: winogradInGeneric, winogradOut: winogradOutGeneric, winogradWeights: winogradWeightsGeneric}
	for n := 1; n <= maxTileBlocks; n++ {
		s.tileRows[n] = maxTileRows
		for m := 1; m <= maxTileRows; m++ {
			s.gemm[n][m] = func(g *gemmArgs) { gemmGeneric(g, n, m) }
		}
		s.outer[n] = func(o *outerArgs) { outerGeneric(o, n) }
	}
	return s
}()

// half is what one pass of the plain Go tiles keeps in registers.
const half = Block / 2

func gemmGeneric(g *gemmArgs, blocks, pixels int) {
	batch := unsafe.Slice(g.offsets, g.count)
	for n := range blocks {
		b := unsafe.Add(g.b, n*g.bBlock)
		for i := range pixels {
			c := unsafe.Add(g.c, n*g.cBlock+i*g.cPixel)
			for h := 0; h < Block; h += half {
				gemmHalf((*[half]float32)(unsafe.Add(c, h*floatBytes)), batch,
					g.a, i*g.aPixel, unsafe.Add(b, h*floatBytes), g.accumulate)
			}
			gemmEpilogue((*[Block]float32)(c), g, n)
		}
	}
}

// gemmHalf computes 8 output channels of one pixel. Go keeps plain variables
// in registers, but not arrays.
func gemmHalf(c *[half]float32, batch []gemmOffset, a unsafe.Pointer, pixel int, b unsafe.Pointer, accumulate int) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	if accumulate != 0 {
		s0, s1, s2, s3, s4, s5, s6, s7 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]
	}
	for _, at := range batch {
		x := (*[Block]float32)(unsafe.Add(a, at.a+pixel))
		w := unsafe.Add(b, at.b)
		for i, v := range x {
			k := (*[half]float32)(unsafe.Add(w, i*pixelBytes))
			s0 += v * k[0]
			s1 += v * k[1]
			s2 += v * k[2]
			s3 += v * k[3]
			s4 += v * k[4]
			s5 += v * k[5]
			s6 += v * k[6]
			s7 += v * k[7]
		}
	}
	*c = [half]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}

func gemmEpilogue(c *[Block]float32, g *gemmArgs, n int) {
	if g.bias != nil {
		bias := (*[Block]float32)(unsafe.Add(g.bias, n*pixelBytes))
		for j := range c {
			c[j] += bias[j]
		}
	}
	if g.relu != 0 {
		for j := range c {
			c[j] = max(c[j], 0)
		}
	}
}

func outerGeneric(o *outerArgs, blocks int) {
	rows := unsafe.Slice(o.rows, o.count)
	for n := range blocks {
		for c := range Block {
			for h := 0; h < Block; h += half {
				dw := unsafe.Add(o.dw, n*o.dwBlock+c*pixelBytes+h*floatBytes)
				outerHalf((*[half]float32)(dw), rows, o, c*floatBytes, n*o.dyBlock+h*floatBytes)
			}
		}
	}
}

// outerHalf computes the weights of one input and 8 output channels, which
// lie at the bytes xAt and dyAt of their first pixels.
func outerHalf(dw *[half]float32, rows []outerRow, o *outerArgs, xAt, dyAt int) {
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	if o.accumulate != 0 {
		s0, s1, s2, s3, s4, s5, s6, s7 = dw[0], dw[1], dw[2], dw[3], dw[4], dw[5], dw[6], dw[7]
	}
	for _, row := range rows {
		for i := range row.pixels {
			v := *(*float32)(unsafe.Add(o.x, row.x+i*o.xPixel+xAt))
			k := (*[half]float32)(unsafe.Add(o.dy, row.dy+i*o.dyPixel+dyAt))
			s0 += v * k[0]
			s1 += v * k[1]
			s2 += v * k[2]
			s3 += v * k[3]
			s4 += v * k[4]
			s5 += v * k[5]
			s6 += v * k[6]
			s7 += v * k[7]
		}
	}
	*dw = [half]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}
