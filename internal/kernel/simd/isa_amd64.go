//go:build !purego

package simd

import "golang.org/x/sys/cpu"

//go:generate go run -C _asm .

// machineISAs returns the assembly implementations that this processor can
// run, best first.
func machineISAs() []*ISA {
	var list []*ISA
	if hasAMX {
		list = append(list, amxISA)
	}
	if hasAVX512 {
		list = append(list, avx512ISA)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		list = append(list, avx2ISA)
	}
	return list
}

// hasAVX512 reports whether the processor has all that avx512ISA takes.
var hasAVX512 = cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL

func init() {
	if cpu.X86.HasAVX512BF16 {
		avx512ISA.BF16 = bf16AVX512
	}
}

var avx512ISA = &ISA{
	Name: "avx512",
	Tiles: Tiles{Gemm: [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs){
		1: {
			nil,
			gemmAVX512_1x1, gemmAVX512_1x2, gemmAVX512_1x3, gemmAVX512_1x4,
			gemmAVX512_1x5, gemmAVX512_1x6, gemmAVX512_1x7, gemmAVX512_1x8,
			gemmAVX512_1x9, gemmAVX512_1x10, gemmAVX512_1x11, gemmAVX512_1x12,
			gemmAVX512_1x13, gemmAVX512_1x14,
		},
		2: {
			nil,
			gemmAVX512_2x1, gemmAVX512_2x2, gemmAVX512_2x3, gemmAVX512_2x4,
			gemmAVX512_2x5, gemmAVX512_2x6, gemmAVX512_2x7, gemmAVX512_2x8,
			gemmAVX512_2x9, gemmAVX512_2x10, gemmAVX512_2x11, gemmAVX512_2x12,
			gemmAVX512_2x13, gemmAVX512_2x14,
		},
		3: {
			nil,
			gemmAVX512_3x1, gemmAVX512_3x2, gemmAVX512_3x3, gemmAVX512_3x4,
			gemmAVX512_3x5, gemmAVX512_3x6, gemmAVX512_3x7, gemmAVX512_3x8,
			gemmAVX512_3x9,
		},
	},
		TileRows: [MaxTileBlocks + 1]int{1: 14, 2: 14, 3: 9},
		Outer:    [MaxTileBlocks + 1]func(*OuterArgs){1: outerAVX512_1, 2: outerAVX512_2, 3: outerAVX512_3}},
	BF16: genericBF16,
	Int8: genericInt8,

	Transforms: Transforms{F4, winogradInAVX512, winogradOutAVX512, winogradWeightsAVX512},
	Gradient:   GradientTransforms{winogradInAVX512, winogradOutBackAVX512, winogradWeightsBackAVX512},

	Runs: Runs{
		Moments: momentsAVX512, Normalise: normaliseAVX512,
		GradientSums: gradientSumsAVX512, GradientApply: gradientApplyAVX512,
		PoolSum: poolSumAVX512, PoolMax: poolMaxAVX512, PoolMaxBack: poolMaxBackAVX512,
		Transpose: transposeAVX2, Evens: evensAVX512,
		Axpy: axpyAVX512, Scale: scaleAVX512, Lerp: lerpAVX512,
		Momentum: momentumAVX512, RMSProp: rmsPropAVX512, Adam: adamAVX512,
	},

	peak: peak{peakAVX512, peakChains * 16 * 2},
}

// bf16AVX512 needs AVX512-BF16.
var bf16AVX512 = &BF16{
	Tiles: Tiles{Gemm: [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs){
		1: {
			nil,
			gemmBF16AVX512_1x1, gemmBF16AVX512_1x2, gemmBF16AVX512_1x3, gemmBF16AVX512_1x4,
			gemmBF16AVX512_1x5, gemmBF16AVX512_1x6, gemmBF16AVX512_1x7, gemmBF16AVX512_1x8,
			gemmBF16AVX512_1x9, gemmBF16AVX512_1x10, gemmBF16AVX512_1x11, gemmBF16AVX512_1x12,
			gemmBF16AVX512_1x13, gemmBF16AVX512_1x14,
		},
		2: {
			nil,
			gemmBF16AVX512_2x1, gemmBF16AVX512_2x2, gemmBF16AVX512_2x3, gemmBF16AVX512_2x4,
			gemmBF16AVX512_2x5, gemmBF16AVX512_2x6, gemmBF16AVX512_2x7, gemmBF16AVX512_2x8,
			gemmBF16AVX512_2x9, gemmBF16AVX512_2x10, gemmBF16AVX512_2x11, gemmBF16AVX512_2x12,
			gemmBF16AVX512_2x13, gemmBF16AVX512_2x14,
		},
		3: {
			nil,
			gemmBF16AVX512_3x1, gemmBF16AVX512_3x2, gemmBF16AVX512_3x3, gemmBF16AVX512_3x4,
			gemmBF16AVX512_3x5, gemmBF16AVX512_3x6, gemmBF16AVX512_3x7, gemmBF16AVX512_3x8,
			gemmBF16AVX512_3x9,
		},
	},
		TileRows: [MaxTileBlocks + 1]int{1: 14, 2: 14, 3: 9},
		Outer:    [MaxTileBlocks + 1]func(*OuterArgs){1: outerBF16AVX512_1, 2: outerBF16AVX512_2, 3: outerBF16AVX512_3}},
	activationRuns: activationRuns{
		Round: roundBF16AVX512, Widen: widenBF16AVX512, Add: addBF16AVX512, Pair: pairBF16AVX512,
		Moments: momentsBF16AVX512, Normalise: normaliseBF16AVX512,
		GradientSums: gradientSumsBF16AVX512, GradientApply: gradientApplyBF16AVX512,
	},
	Transforms: Transforms{F3, winogradInBF16AVX512, winogradOutBF16AVX512, winogradWeightsBF16AVX512},
	Gradient: GradientTransforms{
		winogradInWidenedBF16AVX512, winogradOutBackWidenedBF16AVX512, winogradWeightsBackAVX512,
	},
	PackPairs: packPairsBF16AVX512, PackTransposed: packTransposedBF16AVX512,
	PoolSum: poolSumBF16AVX512, PoolSum3: poolSum3BF16AVX512, PoolMax: poolMaxBF16AVX512,
	PoolMaxPositive: poolMaxPositiveBF16AVX512,
	PoolArgmax:      poolArgmaxBF16AVX512, PoolMaxBack: poolMaxBackBF16AVX512,
	Native: true,
	peak:   peak{peakBF16AVX512, peakChainsBF16 * 16 * 4},
}

var avx2ISA = &ISA{
	Name: "avx2",
	Tiles: Tiles{Gemm: [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs){
		1: {
			nil,
			gemmAVX2_1x1, gemmAVX2_1x2, gemmAVX2_1x3, gemmAVX2_1x4,
			gemmAVX2_1x5, gemmAVX2_1x6,
		},
	},
		TileRows: [MaxTileBlocks + 1]int{1: 6},
		Outer:    [MaxTileBlocks + 1]func(*OuterArgs){1: outerAVX2_1}},
	BF16: genericBF16,
	Int8: int8AVX2,

	Transforms: Transforms{F4, winogradInAVX2, winogradOutAVX2, winogradWeightsAVX2},
	Gradient:   GradientTransforms{winogradInAVX2, winogradOutBackAVX2, winogradWeightsBackAVX2},

	Runs: Runs{
		Moments: momentsAVX2, Normalise: normaliseAVX2,
		GradientSums: gradientSumsAVX2, GradientApply: gradientApplyAVX2,
		PoolSum: poolSumAVX2, PoolMax: poolMaxAVX2, PoolMaxBack: poolMaxBackAVX2,
		Transpose: transposeAVX2, Evens: evensAVX2,
		Axpy: axpyAVX2, Scale: scaleAVX2, Lerp: lerpAVX2,
		Momentum: momentumAVX2, RMSProp: rmsPropAVX2, Adam: adamAVX2,
	},

	peak: peak{peakAVX2, peakChains * 8 * 2},
}
