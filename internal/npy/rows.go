package npy

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/inception-go/inception/internal/atomicfile"
)

// Rows collects arrays of one shape for an .npy. They wait on the disk, so
// that a million pictures' features need no more memory than one's.
type Rows struct {
	Shape []int // of all rows: their number, then the shape of one

	path  string
	spool *os.File
	w     *bufio.Writer
}

// NewRows returns an empty collection for the file at path, which Write will
// write. A folder that cannot be written to is found out here.
func NewRows(path string) (*Rows, error) {
	spool, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".rows-*")
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, err)
	}
	return &Rows{path: path, spool: spool, w: bufio.NewWriterSize(spool, 1<<18)}, nil
}

// Add appends a row.
func (r *Rows) Add(values []float32, shape ...int) error {
	if len(r.Shape) == 0 {
		r.Shape = append([]int{0}, shape...)
	}
	if !slices.Equal(r.Shape[1:], shape) {
		return fmt.Errorf("write %s: a row has shape %v, the first had %v", r.path, shape, r.Shape[1:])
	}
	r.Shape[0]++
	return WriteValues(r.w, values)
}

// Write writes the file, unless there is no row.
func (r *Rows) Write() error {
	if len(r.Shape) == 0 {
		return nil
	}
	if err := r.w.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", r.path, err)
	}
	return atomicfile.Write(r.path, func(w io.Writer) error {
		if err := WriteHeader(w, r.Shape); err != nil {
			return err
		}
		if _, err := r.spool.Seek(0, io.SeekStart); err != nil {
			return err
		}
		_, err := io.Copy(w, r.spool)
		return err
	})
}

// Close forgets the rows.
func (r *Rows) Close() {
	r.spool.Close()
	os.Remove(r.spool.Name())
}
