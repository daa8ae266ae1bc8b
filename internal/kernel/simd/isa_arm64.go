//go:build !purego

package simd

// machineISAs returns the assembly implementations. NEON is part of every 64-bit
// Arm processor.
func machineISAs() []*ISA { return []*ISA{neonISA} }

// neonISA gives the results of the other implementations but for rounding.
var neonISA = &ISA{
	Name: "neon",
	Tiles: Tiles{Gemm: [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs){
		1: {
			nil,
			gemmNEON_1x1, gemmNEON_1x2, gemmNEON_1x3, gemmNEON_1x4,
			gemmNEON_1x5, gemmNEON_1x6,
		},
	},
		TileRows: [MaxTileBlocks + 1]int{1: 6},
		Outer:    [MaxTileBlocks + 1]func(*OuterArgs){1: outerNEON_1}},
	BF16: genericBF16,
	Int8: genericInt8,

	Transforms: Transforms{F4, winogradInNEON, winogradOutNEON, winogradWeightsNEON},
	Gradient:   GradientTransforms{winogradInNEON, winogradOutBackNEON, winogradWeightsBackNEON},

	Runs: Runs{
		Moments: momentsNEON, Normalise: normaliseNEON,
		GradientSums: gradientSumsNEON, GradientApply: gradientApplyNEON,
		PoolSum: poolSumNEON, PoolMax: poolMaxNEON, PoolMaxBack: poolMaxBackNEON,
		Transpose: transposeNEON, Evens: evensNEON,
		Axpy: axpyNEON, Scale: scaleNEON, Lerp: lerpNEON,
		Momentum: momentumNEON, RMSProp: rmsPropNEON, Adam: adamNEON,
	},

	peak: peak{peakNEON, 24 * 4 * 2},
}
