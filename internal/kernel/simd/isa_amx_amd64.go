//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// amxISA is AVX-512 with AMX's tiles for bf16 and bytes. Its bf16 sums have other
// bits than AVX-512's.
var amxISA = func() *ISA {
	s := *avx512ISA
	s.Name = "amx"
	return &s
}()

// hasAMX reports whether the processor has all that amxISA takes, and the system
// lets this process use it.
var hasAMX = cpu.X86.HasAMXTile && cpu.X86.HasAMXBF16 && cpu.X86.HasAMXInt8 &&
	hasAVX512 && cpu.X86.HasAVX512BF16 && cpu.X86.HasAVX512VNNI && mayUseAMX()

func init() {
	if !hasAMX {
		return
	}
	half, bytes := *bf16AVX512, *int8AVX512
	bytes.Name = "amx-int8"
	half.twin = amxTwin
	half.Tiles = amxTiles()
	half.Tiles.Outer = bf16AVX512.Outer
	half.Wide = wideAMX(2, [][]func(*GemmArgs, *TileShape){
		{wideBF16AMX_1x1, wideBF16AMX_1x2}, {wideBF16AMX_2x1, wideBF16AMX_2x2},
	}, finishBF16AVX512, interleaveBF16AVX512)
	bytes.Wide = wideAMX(4, [][]func(*GemmArgs, *TileShape){
		{wideInt8AMX_1x1, wideInt8AMX_1x2}, {wideInt8AMX_2x1, wideInt8AMX_2x2},
	}, finishInt8AVX512, interleaveInt8AVX512)
	for i, row := range [][]func(*PairsArgs, *TileShape){{pairsAMX_1x1, pairsAMX_1x2}, {pairsAMX_2x1, pairsAMX_2x2}} {
		for j, product := range row {
			half.Pairs[i+1][j+1] = func(p *PairsArgs) { product(p, &fullShape) }
		}
	}
	const rows, columns, chains = 16, 16, 4
	half.peak = peak{func(turns int) { peakBF16AMX(turns, &fullShape) }, chains * rows * columns * 64}
	bytes.peak = peak{func(turns int) { peakInt8AMX(turns, &fullShape) }, chains * rows * columns * 128}
	amxISA.BF16, amxISA.Int8 = &half, &bytes
}

// wideAMX makes the products of whole tiles, for one or two tiles of pixels and one or
// two output blocks.
func wideAMX(blocks int, products [][]func(*GemmArgs, *TileShape), finish func(*FinishArgs),
	interleave func(*InterleaveArgs)) *Wide {
	w := &Wide{Blocks: blocks, Finish: finish, Interleave: interleave}
	for i, row := range products {
		for j, product := range row {
			w.Products[i+1][j+1] = func(g *GemmArgs) { product(g, &fullShape) }
		}
	}
	return w
}

// amxTiles makes the tiles of bf16, for one or two output blocks and pixels in one or
// two registers. Bytes keep those of VNNI: a block of them is too small a step.
func amxTiles() Tiles {
	t := Tiles{TileRows: amxRows}
	for m := 1; m <= MaxTileRows; m++ {
		one, two := gemmBF16AMX_1x1, gemmBF16AMX_2x1
		if amxRegisters(m) == 2 {
			one, two = gemmBF16AMX_1x2, gemmBF16AMX_2x2
		}
		shape := &amxShapes[m]
		t.Gemm[1][m] = func(g *GemmArgs) { one(g, shape) }
		t.Gemm[2][m] = func(g *GemmArgs) { two(g, shape) }
	}
	return t
}

// The shapes of bf16's tiles by their number of pixels, and that of wide products.
var (
	amxShapes = func() (shapes [MaxTileRows + 1]TileShape) {
		for m := range shapes {
			first := m
			if amxRegisters(m) == 2 {
				first = (m + 1) / 2
			}
			shapes[m] = amxShape(first, m-first, Block*bf16Bytes)
		}
		return shapes
	}()
	fullShape = amxShape(WidePixels, WidePixels, WideBytes)
)

// amxShape is the shape for so many pixels in two registers, of so many bytes each.
// A step takes 4 bytes of a pixel and a row of the weights.
func amxShape(first, second, pixel int) TileShape {
	s := TileShape{Palette: 1}
	tile := func(i, rows, bytes int) { s.Rows[i], s.ColumnBytes[i] = uint8(rows), uint16(bytes) }
	rows := [2]int{first, second}
	for half, n := range rows {
		of := n
		if second == 0 {
			of = first // all sums are those of the first
		}
		tile(2*half, of, PixelBytes)
		tile(2*half+1, of, PixelBytes)
		tile(4+half, n, pixel)
		tile(6+half, pixel/FloatBytes, PixelBytes)
	}
	if second == 0 {
		s.Rows[5], s.ColumnBytes[5] = 0, 0
	}
	return s
}
