//go:build amd64

package simdtest

import "golang.org/x/sys/unix"

// amxAllowed asks the system for AMX's registers once more: a filter of system calls
// may refuse them where the processor has them.
func amxAllowed() bool {
	const requestPermission, tileData = 0x1023, 18
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
