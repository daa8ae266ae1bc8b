package main

import "github.com/mmcloughlin/avo/operand"

// peakChains is how many independent chains a turn of the peak loop holds;
// PeakGFLOPS counts with the same number.
const peakChains = 12

// peakChainsBF16 is the same of bf16, whose instruction takes longer.
const peakChainsBF16 = 24

// peakBF16 writes a loop of nothing but pairs of multiply-adds on registers.
func peakBF16(e *emitter) {
	e.begin("peakBF16AVX512", "turns int", "24 independent chains of pairs of multiply-adds.")
	turns := e.GP64()
	e.Load(e.Param("turns"), turns)
	halves := avx512.register(e)
	bits := e.GP32()
	e.MOVL(operand.U32(0x3f003f00), bits) // 0.5, twice
	low := e.XMM()
	e.VMOVD(bits, low)
	e.VBROADCASTSS(low, halves)
	chains := avx512.registerList(e, peakChainsBF16)
	for _, chain := range chains {
		avx512.zero(e, chain)
	}
	e.times("turn", turns, func() {
		for _, chain := range chains {
			e.dotBF16(halves, halves, chain) // grows until half a unit no longer counts
		}
	})
	e.end()
}

// peak writes a loop of nothing but fused multiply-adds on registers.
func peak(e *emitter, s *simd) {
	e.begin("peak"+s.name, "turns int", "12 independent chains of fused multiply-adds.")
	turns := e.GP64()
	e.Load(e.Param("turns"), turns)
	half := s.register(e)
	bits := e.GP32()
	e.MOVL(operand.U32(0x3f000000), bits) // 0.5
	low := e.XMM()
	e.VMOVD(bits, low)
	e.VBROADCASTSS(low, half)
	chains := s.registerList(e, peakChains)
	for _, chain := range chains {
		s.zero(e, chain)
	}
	e.times("turn", turns, func() {
		for _, chain := range chains {
			e.VFMADD213PS(half, half, chain) // tends to 1: no special values
		}
	})
	e.end()
}
