package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A disk that is full at ten places of an ablation, and then is not.
func TestAFullDiskLosesNoRunOfAnAblation(t *testing.T) {
	long(t)
	a := newAblation(t)
	failed := 0
	for i := 1; i <= 10; i++ {
		disk := t.TempDir()
		if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size="+strconv.Itoa(a.size*i/10)); err != nil {
			t.Skipf("no file system can be mounted here: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
		dir := filepath.Join(disk, "ablation")
		out, _ := a.command(dir).CombinedOutput()
		if strings.Contains(string(out), "panic:") {
			t.Fatalf("on a full disk:\n%s", out)
		}
		if strings.Contains(string(out), "no space left") {
			failed++
		}
		if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=1g"); err != nil {
			t.Fatal(err)
		}
		a.finish(dir)
		a.compare(dir)
		_ = unix.Unmount(disk, unix.MNT_DETACH)
	}
	if failed == 0 {
		t.Error("no disk was full")
	}
}
