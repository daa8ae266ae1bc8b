package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/inception-go/inception/internal/rundir"
)

// long skips a test but in make test-long.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("INCEPTION_LONG") == "" {
		t.Skip("minutes; make test-long runs it")
	}
}

// disturbed trains in dir under a fault and checks that the program says what
// is wrong in place of dying of it.
func (tr *trial) disturbed(command *exec.Cmd) (ok bool) {
	tr.t.Helper()
	out, err := command.CombinedOutput()
	// The Go runtime ends the process itself where it cannot wake a thread,
	// which is a write too.
	if bytes.Contains(out, []byte("panic:")) || bytes.Contains(out, []byte("fatal error:")) &&
		!bytes.Contains(out, []byte("netpoll")) && !bytes.Contains(out, []byte("eventfd")) {
		tr.t.Errorf("%v crashes:\n%s", command.Args, out)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tr.t.Fatalf("%v: %v", command.Args, err)
	}
	return err == nil
}

// Each system call that writes fails once, the first, the second and so on to
// the last that a training makes: nothing crashes, and what is left of the
// run ends as one that nothing disturbed.
func TestASystemCallThatFailsLosesNoRun(t *testing.T) {
	long(t)
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed, so no system call is made to fail")
	}
	if out, err := exec.Command(strace, "-f", "true").CombinedOutput(); err != nil {
		t.Skipf("strace may not trace here: %v %s", err, out)
	}
	tr := newTrial(t, append(recipes[0].set, "train.epochs=2"))
	const calls = "write,pwrite64,fsync,openat,renameat,renameat2,linkat,unlinkat,mkdirat,ftruncate,truncate,copy_file_range"
	failures := []string{"ENOSPC", "EIO", "EROFS", "EDQUOT"}
	injected, failed := 0, 0
	for _, call := range strings.Split(calls, ",") {
		for n := 1; n <= tr.calls(strace, call); n++ {
			dir := filepath.Join(t.TempDir(), "run")
			inject := fmt.Sprintf("inject=%s:error=%s:when=%d", call, failures[n%len(failures)], n)
			command := tr.command(dir, strace, "-f", "-o", os.DevNull, "-e", "trace="+call, "-e", inject)
			command.Env = append(os.Environ(), "GOMAXPROCS=1")
			if !tr.disturbed(command) {
				failed++
			}
			injected++
			tr.finish(dir)
			tr.compare(dir)
			if t.Failed() {
				t.Fatalf("after %s", inject)
			}
			os.RemoveAll(dir)
		}
	}
	t.Logf("%d faults, %d of which ended the training", injected, failed)
}

// calls counts the calls of a name that the busiest thread of a training makes:
// strace counts by thread.
func (tr *trial) calls(strace, name string) (most int) {
	tr.t.Helper()
	dir := tr.t.TempDir()
	log := filepath.Join(dir, "log")
	command := tr.command(filepath.Join(dir, "run"), strace, "-f", "-o", log, "-e", "trace="+name)
	command.Env = append(os.Environ(), "GOMAXPROCS=1")
	if out, err := command.CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("invalid system call")) {
			return 0 // of another machine
		}
		tr.t.Fatalf("%v: %v\n%s", command.Args, err, out)
	}
	text, err := os.ReadFile(log)
	if err != nil {
		tr.t.Fatal(err)
	}
	byThread := map[string]int{}
	for line := range strings.Lines(string(text)) {
		if thread, rest, ok := strings.Cut(line, " "); ok && strings.HasPrefix(strings.TrimSpace(rest), name+"(") {
			byThread[thread]++
			most = max(most, byThread[thread])
		}
	}
	return most
}

// A disk that is full at 14 places of a training, and then is not.
func TestAFullDiskLosesNoRun(t *testing.T) {
	long(t)
	tr := newTrial(t, recipes[1].set)
	needs := 0
	_ = filepath.Walk(tr.whole, func(_ string, info os.FileInfo, err error) error {
		if err == nil {
			needs += int(info.Size())
		}
		return nil
	})
	failed := 0
	for i := 1; i <= 14; i++ {
		disk := t.TempDir()
		size := "size=" + strconv.Itoa(needs*i/10)
		if err := unix.Mount("tmpfs", disk, "tmpfs", 0, size); err != nil {
			t.Skipf("no file system can be mounted here: %v", err)
		}
		t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
		dir := filepath.Join(disk, "run")
		if !tr.disturbed(tr.command(dir)) {
			failed++
		}
		if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, "size=1g"); err != nil {
			t.Fatal(err)
		}
		tr.finish(dir)
		tr.compare(dir)
		_ = unix.Unmount(disk, unix.MNT_DETACH)
		if t.Failed() {
			t.Fatalf("after a disk of %s bytes", size)
		}
	}
	t.Logf("14 sizes up to %d bytes, %d of which ended the training", needs*14/10, failed)
	if failed == 0 {
		t.Error("no disk was full")
	}
}

// A folder that turns read-only during a training ends it with a message, and
// is gone on with when it is writable again.
func TestAFolderThatTurnsReadOnlyLosesNoRun(t *testing.T) {
	long(t)
	tr := newTrial(t, recipes[1].set)
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=1g"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(disk, unix.MNT_DETACH) })
	dir := filepath.Join(disk, "run")
	command := tr.command(dir)
	command.Args = append(command.Args, "--max-steps", "2")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	out, err := tr.command(dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "read-only") {
		t.Errorf("in a read-only folder: %v\n%s", err, out)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	resumed := tr.command(dir)
	resumed.Args = append(resumed.Args, "--max-steps", "0")
	if out, err := resumed.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	tr.compare(dir)
}

// Whoever listens may go: the training stays.
func TestATrainingOutlivesItsStreams(t *testing.T) {
	tr := newTrial(t, recipes[0].set)
	for name, line := range map[string]string{
		"readers that go at once": `exec "$@" --json 2>&1 | true`,
		"streams that are closed": `exec "$@" --json >&- 2>&- <&-`,
		"a full device":           `exec "$@" --json >/dev/full 2>&1`,
	} {
		dir := filepath.Join(t.TempDir(), "run")
		command := tr.command(dir, "sh", "-c", line, "sh")
		if err := command.Run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tr.compare(dir)
	}
}

func TestARunThatWasKilledBeforeItsConfigurationIsBegunAnew(t *testing.T) {
	tr := newTrial(t, recipes[0].set)
	for _, file := range []string{rundir.Checkpoint, "checkpoint/.state.safetensors.tmp-ABCDEFGHIJ", "checkpoint/lock"} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.MkdirAll(filepath.Join(dir, "checkpoint"), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte("of another run"), 0o666); err != nil {
			t.Fatal(err)
		}
		fresh := tr.command(dir)
		fresh.Args = append(fresh.Args, "--resume=false")
		if out, err := fresh.CombinedOutput(); err != nil {
			t.Fatalf("with only %s: %v\n%s", file, err, out)
		}
		tr.compare(dir)
	}
}
