package simd

import (
	"math"
	"runtime"
	"unsafe"
)

// amxTwin is the twin of AMX's tiles of bf16 in plain Go, which add in another order
// than AVX-512's.
var amxTwin = func() *BF16 {
	s := *genericBF16
	s.Tiles = Tiles{TileRows: amxRows, Outer: genericBF16.Outer}
	s.peak = peak{func(turns int) { peakAMXGeneric(turns) }, 2}
	for n := 1; n <= MaxTileBlocks; n++ {
		for m := 1; m <= s.TileRows[n]; m++ {
			s.Gemm[n][m] = func(g *GemmArgs) { gemmAMXGeneric(g, n, m) }
		}
	}
	s.Wide = genericWide(2, wideBF16Generic, finishBF16Generic)
	for i := 1; i <= MaxPairsBlocks; i++ {
		for j := 1; j <= MaxPairsBlocks; j++ {
			s.Pairs[i][j] = func(p *PairsArgs) { pairsGeneric(p, i, j) }
		}
	}
	return &s
}()

// amxRows are the pixels of AMX's tiles, two registers of them.
var amxRows = [MaxTileBlocks + 1]int{1: MaxTileRows, 2: MaxTileRows}

// amxRegisters returns how many registers of AMX hold a tile's pixels.
func amxRegisters(pixels int) int {
	const most = 16
	return (pixels + most - 1) / most
}

// amxSums is how many registers of sums a tile has: partial sums of an output where
// there are fewer outputs.
const amxSums = 4

func gemmAMXGeneric(g *GemmArgs, blocks, pixels int) {
	batch, sets := unsafe.Slice(g.Offsets, g.Count), amxSums/(blocks*amxRegisters(pixels))
	for n := range blocks {
		for i := range pixels {
			sums := amxProducts(g, batch, sets, i*g.APixel, n*g.BBlock)
			bf16Epilogue(&sums, g, n, i)
		}
	}
}

// amxProducts computes 16 output channels of one pixel: step i of the batch adds to
// sum i modulo sets.
func amxProducts(g *GemmArgs, batch []GemmOffset, sets, a, b int) [Block]float32 {
	var sums [amxSums][Block]float32
	for i, at := range batch {
		x := (*[Block]uint16)(unsafe.Add(g.A, at.A+a))
		w := (*[bf16Steps][Block][2]uint16)(unsafe.Add(g.B, at.B+b))
		to := &sums[i%sets]
		for k := range to {
			var low, high float32
			for step := range w {
				low = fusedBF16(low, x[2*step], w[step][k][0])
				high = fusedBF16(high, x[2*step+1], w[step][k][1])
			}
			to[k] = flush(flush(to[k]) + flush(low+high))
		}
	}
	for set := 1; set < sets; set++ {
		for k := range sums[0] {
			sums[0][k] += sums[set][k]
		}
	}
	return sums[0]
}

// genericWide makes wide products of a function that adds to the sums of one pixel
// those of one step.
func genericWide(blocks int, add func(sums *[Block]uint32, a, b unsafe.Pointer), finish func(*FinishArgs)) *Wide {
	w := &Wide{Blocks: blocks, Finish: finish}
	w.Interleave = func(g *InterleaveArgs) { interleaveGeneric(g, WideBytes/blocks) }
	for i := 1; i <= MaxWide; i++ {
		for j := 1; j <= MaxWide; j++ {
			w.Products[i][j] = func(g *GemmArgs) {
				for n := range j {
					for pixel := range i * WidePixels {
						sums := (*[Block]uint32)(unsafe.Add(g.C, (n*i*WidePixels+pixel)*PixelBytes))
						*sums = [Block]uint32{}
						for _, at := range unsafe.Slice(g.Offsets, g.Count) {
							add(sums, unsafe.Add(g.A, at.A+pixel*g.APixel), unsafe.Add(g.B, at.B+n*g.BBlock))
						}
					}
				}
			}
		}
	}
	return w
}

// amxInt8Twin is the twin of AMX's wide products of bytes.
var amxInt8Twin = func() *Int8 {
	s := *genericInt8
	s.Wide = genericWide(4, wideInt8Generic, finishInt8Generic)
	return &s
}()

func wideInt8Generic(sums *[Block]uint32, a, b unsafe.Pointer) {
	x, w := (*[WideBytes / 4][4]uint8)(a), (*[WideBytes / 4][Block][4]int8)(b)
	for step := range w {
		for k := range sums {
			for i, v := range x[step] {
				sums[k] += uint32(int32(v) * int32(w[step][k][i]))
			}
		}
	}
}

func finishInt8Generic(f *FinishArgs) {
	scale := (*[Block]float32)(f.Scale)
	for i := range f.Pixels {
		sums, to := (*[Block]int32)(unsafe.Add(f.Sums, i*PixelBytes)), (*[Block]uint8)(unsafe.Add(f.Y, i*Block))
		for k, sum := range sums {
			if f.Bias != nil {
				sum += (*[Block]int32)(f.Bias)[k]
			}
			to[k] = RoundByte(float32(sum) * scale[k])
		}
	}
}

func interleaveGeneric(g *InterleaveArgs, pixel int) {
	to := unsafe.Slice((*byte)(g.To), g.Pixels*WideBytes)
	clear(to)
	for b := range g.Blocks {
		for i := range g.Pixels {
			copy(to[i*WideBytes+b*pixel:], unsafe.Slice((*byte)(unsafe.Add(g.From, b*g.Apart+i*pixel)), pixel))
		}
	}
}

func wideBF16Generic(sums *[Block]uint32, a, b unsafe.Pointer) {
	x, w := (*[WideBytes / 4][2]uint16)(a), (*[WideBytes / 4][Block][2]uint16)(b)
	for k := range sums {
		var low, high float32
		for step := range w {
			low, high = fusedBF16(low, x[step][0], w[step][k][0]), fusedBF16(high, x[step][1], w[step][k][1])
		}
		sums[k] = math.Float32bits(flush(flush(math.Float32frombits(sums[k])) + flush(low+high)))
	}
}

func finishBF16Generic(f *FinishArgs) {
	g := GemmArgs{Bias: f.Bias, ReLU: f.ReLU}
	for i := range f.Pixels {
		sums := *(*[Block]float32)(unsafe.Add(f.Sums, i*PixelBytes))
		gemmEpilogue(&sums, &g, 0)
		roundBF16Generic((*[Block]uint16)(unsafe.Add(f.Y, i*Block*bf16Bytes))[:], sums[:])
	}
}

func pairsGeneric(p *PairsArgs, rows, columns int) {
	for i := range rows {
		for j := range columns {
			c := (*[Block][Block]float32)(unsafe.Add(p.C, (i*columns+j)*TapBytes))
			if p.Accumulate == 0 {
				*c = [Block][Block]float32{}
			}
			for row := range c {
				a := unsafe.Add(p.A, i*p.ABlock+row*p.ARow)
				for column := range c[row] {
					b := unsafe.Add(p.B, j*p.BBlock+column*FloatBytes)
					addPairs(&c[row][column], a, b, p.BRow, p.Steps)
				}
			}
		}
	}
}

// addPairs adds to sum the products of pairs next to each other at a and so many
// bytes apart at b.
func addPairs(sum *float32, a, b unsafe.Pointer, apart, steps int) {
	for step := range steps {
		var low, high float32
		for at := step * PairsStep; at < (step+1)*PairsStep; at++ {
			x, y := (*[2]uint16)(unsafe.Add(a, at*FloatBytes)), (*[2]uint16)(unsafe.Add(b, at*apart))
			low, high = fusedBF16(low, x[0], y[0]), fusedBF16(high, x[1], y[1])
		}
		*sum = flush(flush(*sum) + flush(low+high))
	}
}

// fusedBF16 adds the product of two bf16 to a sum and rounds once.
func fusedBF16(sum float32, x, w uint16) float32 {
	return flush(float32(widen(x)*widen(w) + float64(sum)))
}

func peakAMXGeneric(turns int) {
	var sum float32
	for range turns {
		sum = fusedBF16(sum, 0x3f00, 0x3f00)
	}
	runtime.KeepAlive(sum)
}
