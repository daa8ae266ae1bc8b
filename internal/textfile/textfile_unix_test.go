//go:build unix

package textfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestWhatHasNoEndIsNotRead(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	link := pipe + ".txt"
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link, "/dev/zero", "/dev/null"} {
		if _, err := Read(path, 10, "a list"); err == nil || !strings.Contains(err.Error(), path+": is not a regular file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestASmallFileAndAShellsPipeAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list.txt")
	if err := os.WriteFile(path, []byte("0123456789"), 0o666); err != nil {
		t.Fatal(err)
	}
	if text, err := Read(path, 10, "a list"); err != nil || string(text) != "0123456789" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := Read(path, 9, "a list"); err == nil || !strings.Contains(err.Error(), "is larger than 9 bytes, so it cannot be a list") {
		t.Errorf("one byte too many: %v", err)
	}
	if err := Check("/dev/fd/0"); err != nil && !os.IsNotExist(err) {
		t.Errorf("standard input: %v", err)
	}
}
