//go:build !amd64 || purego

package kernel

// machineISAs returns none: this machine runs plain Go.
func machineISAs() []*isa { return nil }
