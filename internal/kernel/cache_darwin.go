package kernel

import "syscall"

// l2Bytes asks for the performance cores, which share a cache in clusters; level
// 0 is the fastest. An Intel Mac has no levels, and 256 KB for each core.
func l2Bytes() int {
	size, err := syscall.SysctlUint32("hw.perflevel0.l2cachesize")
	if err != nil {
		return 0
	}
	sharing, err := syscall.SysctlUint32("hw.perflevel0.cpusperl2")
	if err != nil {
		return 0
	}
	return int(size / max(1, sharing))
}
