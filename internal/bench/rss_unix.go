//go:build linux || darwin

package bench

import (
	"runtime"
	"syscall"
)

// peakRSS returns the largest memory that this process has had, in MiB.
func peakRSS() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	bytes := float64(usage.Maxrss) // macOS counts bytes, Linux kilobytes
	if runtime.GOOS == "linux" {
		bytes *= 1024
	}
	return bytes / (1 << 20)
}
