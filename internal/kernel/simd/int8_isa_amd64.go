//go:build !purego

package simd

import "golang.org/x/sys/cpu"

// machineInt8s returns the assembly implementations of bytes that this processor
// can run, best first.
func machineInt8s() (list []*Int8) {
	for _, isa := range machineISAs() {
		if isa == amxISA {
			list = append(list, isa.Int8)
		}
		if isa.Name == avx512ISA.Name && cpu.X86.HasAVX512VNNI {
			list = append(list, int8AVX512)
		}
		if isa.Name == avx2ISA.Name && cpu.X86.HasAVXVNNI {
			list = append(list, int8AVXVNNI)
		}
		if isa.Name == avx2ISA.Name {
			list = append(list, int8AVX2)
		}
	}
	return list
}

func init() {
	switch {
	case cpu.X86.HasAVX512VNNI:
		avx512ISA.Int8 = int8AVX512
	case cpu.X86.HasAVX2:
		avx512ISA.Int8 = int8AVX2
	}
	if cpu.X86.HasAVXVNNI {
		avx2ISA.Int8 = int8AVXVNNI
	}
}

// int8AVX512 needs AVX512-VNNI.
var int8AVX512 = &Int8{
	Name: "avx512-vnni",
	Tiles: Tiles{Gemm: [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs){
		1: {
			nil,
			gemmInt8AVX512_1x1, gemmInt8AVX512_1x2, gemmInt8AVX512_1x3, gemmInt8AVX512_1x4,
			gemmInt8AVX512_1x5, gemmInt8AVX512_1x6, gemmInt8AVX512_1x7, gemmInt8AVX512_1x8,
			gemmInt8AVX512_1x9, gemmInt8AVX512_1x10, gemmInt8AVX512_1x11, gemmInt8AVX512_1x12,
			gemmInt8AVX512_1x13, gemmInt8AVX512_1x14,
		},
		2: {
			nil,
			gemmInt8AVX512_2x1, gemmInt8AVX512_2x2, gemmInt8AVX512_2x3, gemmInt8AVX512_2x4,
			gemmInt8AVX512_2x5, gemmInt8AVX512_2x6, gemmInt8AVX512_2x7, gemmInt8AVX512_2x8,
			gemmInt8AVX512_2x9, gemmInt8AVX512_2x10, gemmInt8AVX512_2x11, gemmInt8AVX512_2x12,
			gemmInt8AVX512_2x13, gemmInt8AVX512_2x14,
		},
		3: {
			nil,
			gemmInt8AVX512_3x1, gemmInt8AVX512_3x2, gemmInt8AVX512_3x3, gemmInt8AVX512_3x4,
			gemmInt8AVX512_3x5, gemmInt8AVX512_3x6, gemmInt8AVX512_3x7, gemmInt8AVX512_3x8,
			gemmInt8AVX512_3x9,
		},
	}, TileRows: [MaxTileBlocks + 1]int{1: 14, 2: 14, 3: 9}},
	PoolSum: poolSumInt8AVX512, PoolSum3: poolSum3Int8AVX512, PoolMax: poolMaxInt8AVX512, ImageBytes: imageBytesAVX512,
	Native: true,
	peak:   peak{peakInt8AVX512, peakChains * 16 * 8},
}

// int8AVXVNNI needs AVX-VNNI.
var int8AVXVNNI = &Int8{
	Name: "avx-vnni",
	Tiles: Tiles{Gemm: [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs){
		1: {
			nil,
			gemmInt8VNNIAVX2_1x1, gemmInt8VNNIAVX2_1x2, gemmInt8VNNIAVX2_1x3, gemmInt8VNNIAVX2_1x4,
			gemmInt8VNNIAVX2_1x5, gemmInt8VNNIAVX2_1x6,
		},
	}, TileRows: [MaxTileBlocks + 1]int{1: 6}},
	PoolSum: poolSumInt8AVX2, PoolSum3: poolSum3Int8AVX2, PoolMax: poolMaxInt8AVX2, ImageBytes: imageBytesAVX2,
	Native: true,
	peak:   peak{peakInt8VNNIAVX2, peakChains * 8 * 8},
}

// int8AVX2 multiplies widened bytes: exact, and about as fast as float32.
var int8AVX2 = &Int8{
	Name: "avx2",
	Tiles: Tiles{Gemm: [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs){
		1: {
			nil,
			gemmInt8AVX2_1x1, gemmInt8AVX2_1x2, gemmInt8AVX2_1x3, gemmInt8AVX2_1x4,
		},
	}, TileRows: [MaxTileBlocks + 1]int{1: 4}},
	PoolSum: poolSumInt8AVX2, PoolSum3: poolSum3Int8AVX2, PoolMax: poolMaxInt8AVX2, ImageBytes: imageBytesAVX2,
	Native: false,
	peak:   peak{peakInt8AVX2, peakChains * 8 * 8},
}
