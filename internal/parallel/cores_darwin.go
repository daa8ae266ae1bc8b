package parallel

import "syscall"

// fastCores returns the number of performance cores, or 0 where the system knows of
// no kinds. Level 0 is the fastest.
func fastCores() int {
	n, err := syscall.SysctlUint32("hw.perflevel0.logicalcpu")
	if err != nil {
		return 0
	}
	return int(n)
}
