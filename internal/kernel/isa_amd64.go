//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

//go:generate go run -C _asm .

// machineISAs returns the assembly implementations that this processor can
// run, best first.
func machineISAs() []*isa {
	var list []*isa
	if cpu.X86.HasAVX512F && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512VL {
		list = append(list, avx512ISA)
	}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		list = append(list, avx2ISA)
	}
	return list
}

var avx512ISA = &isa{
	name: "avx512",
	gemm: [maxTileBlocks + 1][maxTileRows + 1]func(*gemmArgs){
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
	tileRows: [maxTileBlocks + 1]int{1: 14, 2: 14, 3: 9},
	outer:    [maxTileBlocks + 1]func(*outerArgs){1: outerAVX512_1, 2: outerAVX512_2, 3: outerAVX512_3},

	winogradIn: winogradInAVX512, winogradOut: winogradOutAVX512, winogradWeights: winogradWeightsAVX512,

	runs: runs{
		moments: momentsAVX512, normalise: normaliseAVX512,
		gradientSums: gradientSumsAVX512, gradientApply: gradientApplyAVX512,
		poolSum: poolSumAVX512, poolMax: poolMaxAVX512, poolMaxBack: poolMaxBackAVX512,
		transpose: transposeAVX2,
		axpy:      axpyAVX512, scale: scaleAVX512, lerp: lerpAVX512,
		momentum: momentumAVX512, rmsProp: rmsPropAVX512, adam: adamAVX512,
	},

	peak:          peakAVX512,
	peakTurnFLOPs: peakChains * 16 * 2,
}

var avx2ISA = &isa{
	name: "avx2",
	gemm: [maxTileBlocks + 1][maxTileRows + 1]func(*gemmArgs){
		1: {
			nil,
			gemmAVX2_1x1, gemmAVX2_1x2, gemmAVX2_1x3, gemmAVX2_1x4,
			gemmAVX2_1x5, gemmAVX2_1x6,
		},
	},
	tileRows: [maxTileBlocks + 1]int{1: 6},
	outer:    [maxTileBlocks + 1]func(*outerArgs){1: outerAVX2_1},

	winogradIn: winogradInAVX2, winogradOut: winogradOutAVX2, winogradWeights: winogradWeightsAVX2,

	runs: runs{
		moments: momentsAVX2, normalise: normaliseAVX2,
		gradientSums: gradientSumsAVX2, gradientApply: gradientApplyAVX2,
		poolSum: poolSumAVX2, poolMax: poolMaxAVX2, poolMaxBack: poolMaxBackAVX2,
		transpose: transposeAVX2,
		axpy:      axpyAVX2, scale: scaleAVX2, lerp: lerpAVX2,
		momentum: momentumAVX2, rmsProp: rmsPropAVX2, adam: adamAVX2,
	},

	peak:          peakAVX2,
	peakTurnFLOPs: peakChains * 8 * 2,
}
