//go:build linux || darwin

package simd_test

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// fenced returns n floats next to a page that faults when accessed: after them,
// or before them if atStart is set.
func fenced(t testing.TB, n int, atStart bool) []float32 {
	t.Helper()
	page := syscall.Getpagesize()
	size := (n*simd.FloatBytes + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatalf("mapping %d bytes: %v", size+2*page, err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(memory) })
	for _, guard := range [][]byte{memory[:page], memory[page+size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatalf("guarding a page: %v", err)
		}
	}
	inner := memory[page : page+size]
	if !atStart {
		inner = inner[size-n*simd.FloatBytes:]
	}
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&inner[0])), n)
}
