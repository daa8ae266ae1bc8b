// Package report writes down how a training went, as lines of JSON, TensorBoard's
// event files and an HTML page with plots, and the pages and files of evaluations,
// explanations and searches for a learning rate.
package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Line is one line of metrics.jsonl. Accuracies are fractions of 1.
type Line struct {
	Step         int     `json:"step"`  // updates so far
	Epoch        int     `json:"epoch"` // counted from 1
	Split        string  `json:"split"` // train or val
	Loss         float64 `json:"loss"`  // cross-entropy; smoothed for train, plain for val
	AuxLoss      float64 `json:"aux_loss"`
	AuxEarlyLoss float64 `json:"aux_early_loss,omitempty"` // where there are two auxiliary heads
	Top1         float64 `json:"top1"`
	Top5         float64 `json:"top5"`
	Balanced     float64 `json:"balanced_accuracy,omitempty"` // of val: the mean of the classes' recalls
	LR           float64 `json:"lr"`
	ImagesPerS   float64 `json:"images_per_s"`
	ElapsedS     float64 `json:"elapsed_s"`        // of training, pauses left out
	WaitS        float64 `json:"wait_s,omitempty"` // that training waited for images since its line before
}

// TellsTop5 reports whether top-5 says anything of so many classes: of five or
// fewer it is always all.
func TellsTop5(classes int) bool { return classes > 5 }

// Metrics is an open metrics.jsonl.
type Metrics struct{ file *os.File }

// OpenMetrics opens a file to append to, and makes it if need be.
func OpenMetrics(path string) (*Metrics, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o666)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return &Metrics{f}, nil
}

// Write appends a line.
func (m *Metrics) Write(line Line) error {
	text, err := json.Marshal(line)
	if err == nil {
		_, err = m.file.Write(append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	return nil
}

// Sync brings the lines to the disk and returns the file's size in bytes.
func (m *Metrics) Sync() (size int64, err error) {
	if err := m.file.Sync(); err != nil {
		return 0, fmt.Errorf("metrics: %w", err)
	}
	info, err := m.file.Stat()
	if err != nil {
		return 0, fmt.Errorf("metrics: %w", err)
	}
	return info.Size(), nil
}

// Close closes the file.
func (m *Metrics) Close() error { return m.file.Close() }

// ReadMetrics returns all lines of a metrics.jsonl; none if there is no such
// file. A last line that was cut off in writing is left out.
func ReadMetrics(path string) ([]Line, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	defer f.Close()
	var lines []Line
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		text, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
		var line Line
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, fmt.Errorf("metrics %s:%d: %w", path, n, err)
		}
		lines = append(lines, line)
	}
}
