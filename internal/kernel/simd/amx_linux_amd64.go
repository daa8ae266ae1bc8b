//go:build !purego

package simd

import "golang.org/x/sys/unix"

// mayUseAMX asks the system for the state that AMX's registers need in a switch
// between processes, as Linux wants it; see Documentation/arch/x86/xstate.rst.
func mayUseAMX() bool {
	const requestPermission, tileData = 0x1023, 18
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, requestPermission, tileData, 0)
	return errno == 0
}
