//go:build !linux && !darwin

package bench

// peakRSS returns 0: the system does not tell.
func peakRSS() float64 { return 0 }
