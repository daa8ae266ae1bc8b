//go:build !amd64 || purego

package simd

// machineInt8s returns no assembly implementations of bytes.
func machineInt8s() []*Int8 { return nil }
