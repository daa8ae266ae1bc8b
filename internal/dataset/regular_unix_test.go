//go:build unix

package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := folder(t, pictures(t, pictures(t, map[string][]byte{}, "a", 1), "b", 1))
	pipe := filepath.Join(dir, "a", "pipe.jpg")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Skip(err)
	}
	for name, target := range map[string]string{"zero.jpg": "/dev/zero", "linked.png": pipe, "null.png": "/dev/null"} {
		if err := os.Symlink(target, filepath.Join(dir, "b", name)); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		src := open(t, dir)
		if got := reasons(src, "train"); src.Train.Len() != 2 || got[notRegular] != 4 {
			t.Errorf("%d images, left out %v", src.Train.Len(), got)
		}
		for _, path := range []string{pipe, filepath.Join(dir, "b", "zero.jpg"), "/dev/null"} {
			if _, err := ReadPicture(path, DefaultOptions().Decoder()); err == nil || err.Error() != "is not a regular file" {
				t.Errorf("%s: error is %v", path, err)
			}
		}
		if _, err := ReadPicture(dir, DefaultOptions().Decoder()); err == nil || err.Error() != "is a folder" {
			t.Errorf("a folder: error is %v", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("a pipe is waited for")
	}
}

// Nor are the files of IDX and CIFAR, one of which may be a pipe, and the others.
func TestOnlyRegularFilesOfImagesAreOpened(t *testing.T) {
	for spec, files := range map[string][]string{
		"idx": {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"},
		"cifar10": {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin",
			"test_batch.bin"},
	} {
		for _, pipes := range []bool{true, false} {
			dir := t.TempDir()
			for _, name := range files {
				path := filepath.Join(dir, name)
				if !pipes {
					if err := os.Symlink("/dev/zero", path); err != nil {
						t.Fatal(err)
					}
				} else if err := syscall.Mkfifo(path, 0o666); err != nil {
					t.Skip(err)
				}
			}
			done := make(chan error)
			go func() {
				_, err := Open(spec + ":" + dir)
				done <- err
			}()
			select {
			case err := <-done:
				if err == nil || !strings.Contains(err.Error(), "is not a regular file") {
					t.Errorf("%s, pipes %t: error is %v", spec, pipes, err)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("%s: a pipe is waited for", spec)
			}
		}
	}
}
