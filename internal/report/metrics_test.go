package report

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMetricsAreReadAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metrics.jsonl")
	lines := []Line{
		{Step: 10, Epoch: 1, Split: "train", Loss: 2.25, AuxLoss: 2.5, AuxEarlyLoss: 3, Top1: 0.125, Top5: 0.5, LR: 4e-5, ImagesPerS: 12, ElapsedS: 3},
		{Step: 10, Epoch: 1, Split: "val", Loss: 2, Top1: 0.25, Top5: 0.75},
	}
	var size int64
	for _, line := range lines { // opened anew each time, as by a resumed run
		m, err := OpenMetrics(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Write(line); err != nil {
			t.Fatal(err)
		}
		if size, err = m.Sync(); err != nil {
			t.Fatal(err)
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size {
		t.Errorf("Sync says %d bytes, the file is %v, %v", size, info, err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"step": 20, "ep`); err != nil { // the power failed here
		t.Fatal(err)
	}
	f.Close()
	got, err := ReadMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(lines) {
		t.Fatalf("read %d lines, want %d", len(got), len(lines))
	}
	for i := range got {
		if got[i] != lines[i] {
			t.Errorf("line %d is %+v, want %+v", i, got[i], lines[i])
		}
	}
}

func TestReadMetricsOfARunThatHasNone(t *testing.T) {
	lines, err := ReadMetrics(filepath.Join(t.TempDir(), "metrics.jsonl"))
	if err != nil || lines != nil {
		t.Errorf("got %v, %v", lines, err)
	}
}
