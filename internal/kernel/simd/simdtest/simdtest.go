// Package simdtest runs tests of the kernels once per implementation.
package simdtest

import (
	"runtime"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/kernel/simd"
	"golang.org/x/sys/cpu"
)

// Each runs a test once per implementation that this machine can run. If one that
// the processor supports is missing, the test fails, because otherwise it would
// pass without testing it.
func Each(t *testing.T, test func(t *testing.T, s *simd.ISA)) {
	t.Helper()
	for _, name := range expected() {
		if !slices.ContainsFunc(simd.ISAs(), func(s *simd.ISA) bool { return s.Name == name }) {
			t.Errorf("the processor can run %s, but the kernels have no such implementation", name)
		}
	}
	for _, s := range simd.ISAs() {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

// expected returns the implementations that the processor's flags imply.
func expected() []string {
	list := []string{"generic"}
	if purego {
		return list
	}
	switch runtime.GOARCH {
	case "amd64":
	case "arm64":
		return append(list, "neon") // part of every such processor
	default:
		return list // also on x86 of 32 bits, which the kernels are not written for
	}
	x86 := cpu.X86
	if x86.HasAVX2 && x86.HasFMA {
		list = append(list, "avx2")
	}
	if x86.HasAVX512F && x86.HasAVX512DQ && x86.HasAVX512BW && x86.HasAVX512VL {
		list = append(list, "avx512")
	}
	if x86.HasAMXTile && x86.HasAMXBF16 && x86.HasAMXInt8 && amxAllowed() {
		list = append(list, "amx")
	}
	return list
}
