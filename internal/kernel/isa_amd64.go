//go:build !purego

package kernel

// machineISAs returns the assembly implementations that this processor can
// run, best first.
func machineISAs() []*isa { return nil }
