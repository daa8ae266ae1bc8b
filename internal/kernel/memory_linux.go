package kernel

import "golang.org/x/sys/unix"

// adviseHugePages tells the kernel that memory, of whole huge pages, is best in
// those. Where it has none to give, nothing changes.
func adviseHugePages(memory []byte) { _ = unix.Madvise(memory, unix.MADV_HUGEPAGE) }

// discard gives memory back; what is read of it afterwards is zero.
func discard(memory []byte) { _ = unix.Madvise(memory, unix.MADV_DONTNEED) }
