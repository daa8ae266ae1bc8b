//go:build (!amd64 && !arm64) || purego

package simd

// machineISAs returns none: this machine runs plain Go.
func machineISAs() []*ISA { return nil }
