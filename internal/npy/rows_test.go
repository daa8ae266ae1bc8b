package npy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRowsLeaveNothingBehind(t *testing.T) {
	dir := t.TempDir()
	rows, err := NewRows(filepath.Join(dir, "x.npy"))
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Add([]float32{1, 2}, 2); err != nil {
		t.Fatal(err)
	}
	if err := rows.Add([]float32{1, 2, 3}, 3); err == nil {
		t.Error("rows of two shapes are taken")
	}
	rows.Close()
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
	if _, err := NewRows(filepath.Join(dir, "none", "x.npy")); err == nil || !strings.Contains(err.Error(), "x.npy") {
		t.Errorf("a missing folder: %v", err)
	}
}
