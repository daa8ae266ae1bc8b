package kernel

import (
	"runtime"
	"sync"
	"time"
)

// peakChains is how many independent sums a turn of isa.peak advances: enough
// to keep two units busy that each take 4 cycles.
const peakChains = 12

// PeakGFLOPS measures for about 100 ms how many 10^9 float32 operations a
// second the given number of threads can do with the implementation in use,
// if nothing had to be loaded or stored. A fused multiply-add counts as two.
func PeakGFLOPS(threads int) float64 {
	const span = 100 * time.Millisecond
	rates := make([]float64, threads)
	var running sync.WaitGroup
	for i := range rates {
		running.Go(func() { rates[i] = active.peakRate(span) })
	}
	running.Wait()
	sum := 0.0
	for _, rate := range rates {
		sum += rate
	}
	return sum / 1e9
}

// peakRate returns this thread's operations per second over the given time.
func (s *isa) peakRate(span time.Duration) float64 {
	const turns = 10_000 // some 50 us: assembly cannot be interrupted by Go
	s.peak(turns)
	calls, start := 0, time.Now()
	for time.Since(start) < span {
		s.peak(turns)
		calls++
	}
	return float64(calls) * turns * s.peakTurnFLOPs / time.Since(start).Seconds()
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
	// Without a use of them the compiler would drop the sums.
	runtime.KeepAlive(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11)
}
