package container

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Where a system has no mapping, the same bytes come by reading.
func TestAFileThatIsReadIsAFileThatIsMapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	want := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	if err := os.WriteFile(path, want, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for name, open := range map[string]func(*os.File, int) ([]byte, func() error, error){
		"mapped": mapFile, "read": readWhole,
	} {
		data, release, err := open(f, len(want))
		if err != nil || !bytes.Equal(data, want) {
			t.Fatalf("%s: %d bytes, %v", name, len(data), err)
		}
		if err := release(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, _, err := readWhole(f, len(want)+1); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a file that has become shorter: %v", err)
	}
}
