//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package container

import (
	"os"

	"golang.org/x/sys/unix"
)

// mapFile returns the bytes of f, size of them, mapped read-only, so that a
// file of weights costs page faults in place of a copy.
func mapFile(f *os.File, size int) ([]byte, func() error, error) {
	data, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil { // a file system without mmap
		return readWhole(f, size)
	}
	return data, func() error { return unix.Munmap(data) }, nil
}
