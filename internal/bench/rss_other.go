//go:build !linux && !darwin

package bench

// peakRSS returns 0: the memory is unknown on this system.
func peakRSS() float64 { return 0 }
