package simd

import (
	"runtime"
	"time"
)

// peakChains is how many independent sums a turn of a peak advances: enough to
// keep two units busy that each take 4 cycles, or 6.
const peakChains = 12

// peakChainsBF16 is the same of bf16, whose instruction takes longer: 12 reach only
// 93% of what 24 do on Zen 5.
const peakChainsBF16 = 24

// peak runs turns of nothing but independent multiply-adds in registers, so many
// operations each: what the machine can do at most in a precision.
type peak struct {
	run        func(turns int)
	operations float64
}

// PeakRate measures over the given time how many operations a second this thread
// does if nothing has to be loaded or stored. A fused multiply-add counts as two.
func (p peak) PeakRate(span time.Duration) float64 {
	const turns = 10_000 // some 50 us: assembly cannot be interrupted by Go
	p.run(turns)
	calls, start := 0, time.Now()
	for time.Since(start) < span {
		p.run(turns)
		calls++
	}
	return float64(calls) * turns * p.operations / time.Since(start).Seconds()
}

func peakGeneric(turns int) {
	const half = 0.5
	var s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 float32
	for range turns {
		s0 = s0*half + half
		s1 = s1*half + half
		s2 = s2*half + half
		s3 = s3*half + half
		s4 = s4*half + half
		s5 = s5*half + half
		s6 = s6*half + half
		s7 = s7*half + half
		s8 = s8*half + half
		s9 = s9*half + half
		s10 = s10*half + half
		s11 = s11*half + half
	}
	// The compiler would drop the sums if they were not used.
	runtime.KeepAlive(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11)
}
