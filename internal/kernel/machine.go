package kernel

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// active is the implementation in use.
var active, _ = chooseISA(os.Getenv("INCEPTION_ISA"))

// ISA returns the name of the implementation in use: amx, avx512, avx2, neon or generic.
func ISA() string { return active.Name }

// PlainGo is the name of the implementation that needs no instruction set.
const PlainGo = "generic"

// PlainGoShare is the share of PeakGFLOPS that a training step reaches in plain Go:
// 0.61 in the quickstart's network on an AMD EPYC.
const PlainGoShare = 0.6

// ISAs returns the names of the implementations that this machine can run,
// best first.
func ISAs() []string {
	var names []string
	for _, s := range simd.ISAs() {
		names = append(names, s.Name)
	}
	return names
}

// ISAError returns the error in the environment's INCEPTION_ISA, if any; ISA is
// then the machine's best.
func ISAError() error {
	_, err := chooseISA(os.Getenv("INCEPTION_ISA"))
	return err
}

// HasBF16 reports whether the implementation in use has instructions for bf16.
// Without them the BF16 functions give the same bits, some hundred times slower.
func HasBF16() bool { return active.BF16.Native }

// PeakGFLOPS measures for about 100 ms how many 10^9 float32 operations a
// second the given number of threads can do with the implementation in use,
// if nothing had to be loaded or stored. A fused multiply-add counts as two.
func PeakGFLOPS(threads int) float64 { return peakOf(threads, active.PeakRate) }

// PeakBF16GFLOPS is PeakGFLOPS of products of bf16 with float32 sums.
func PeakBF16GFLOPS(threads int) float64 { return peakOf(threads, active.BF16.PeakRate) }

// Int8 names the instructions for bytes of the implementation in use: amx-int8,
// avx512-vnni, avx-vnni, avx2, which is about as fast as float32, or generic.
func Int8() string { return active.Int8.Name }

// PeakInt8GOPS is PeakGFLOPS of products of bytes with 32-bit sums.
func PeakInt8GOPS(threads int) float64 { return peakOf(threads, active.Int8.PeakRate) }

// BF16Cost measures how many times as long as float32 bf16 takes on one thread,
// by the best of short bursts in turn, because the machine may be shared.
func BF16Cost() float64 {
	const burst = 4 * time.Millisecond
	float, half := 0.0, 0.0
	for range 12 {
		float = max(float, active.PeakRate(burst))
		half = max(half, active.BF16.PeakRate(burst))
	}
	return float / half
}

// peakOf sums the threads' best of short bursts: the machine may be shared.
func peakOf(threads int, rate func(time.Duration) float64) float64 {
	const bursts, burst = 25, 4 * time.Millisecond
	rates := make([]float64, threads)
	var running sync.WaitGroup
	for i := range rates {
		running.Go(func() {
			for range bursts {
				rates[i] = max(rates[i], rate(burst))
			}
		})
	}
	running.Wait()
	sum := 0.0
	for _, rate := range rates {
		sum += rate
	}
	return sum / 1e9
}

// chooseISA returns the named implementation, or the best one if the name is
// empty or unknown.
func chooseISA(name string) (*simd.ISA, error) {
	best := simd.ISAs()[0]
	if name == "" {
		return best, nil
	}
	for _, s := range simd.ISAs() {
		if s.Name == name {
			return s, nil
		}
	}
	return best, fmt.Errorf("INCEPTION_ISA: must be one of %s on this machine, is %q", strings.Join(ISAs(), ", "), name)
}
