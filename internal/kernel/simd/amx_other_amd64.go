//go:build !linux && !purego

package simd

// mayUseAMX returns false: on other systems it is not tried.
func mayUseAMX() bool { return false }
