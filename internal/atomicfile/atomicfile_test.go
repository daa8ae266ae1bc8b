package atomicfile

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestCheckSaysWhatWriteWouldAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	old, folder := filepath.Join(dir, "old"), filepath.Join(dir, "folder")
	if err := os.WriteFile(old, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, filepath.Join(dir, "new")} {
		if err := Check(path); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range []string{folder, filepath.Join(dir, "none", "new")} {
		err, want := Check(path), Write(path, func(io.Writer) error { return nil })
		if err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("%s: %v, and writing says %v", path, err, want)
		}
	}
	if text, err := os.ReadFile(old); err != nil || string(text) != "old" {
		t.Errorf("the file that was there holds %q, %v", text, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 2 {
		t.Errorf("in the folder are %v, %v", left, err)
	}
}
