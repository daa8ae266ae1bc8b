// Package atomicfile writes files all or nothing. A path and a function that
// writes come in; a whole file, or the old one untouched and an error that says
// what to do, is what is left on the disk.
package atomicfile

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
)

// Write writes a file all or nothing: write fills a temporary file beside
// path, which is flushed to the disk and renamed over path only when all of
// it is there. Whatever fails, an older file at path stays as it was.
func Write(path string, write func(io.Writer) error) error { return replace(path, "", write) }

// WriteKeeping is Write, and the file that was at path before is called
// before from then on. Whenever the process ends, one of both is whole.
func WriteKeeping(path, before string, write func(io.Writer) error) error {
	return replace(path, before, write)
}

// Check returns the error that Write would have from the beginning: for what is to
// be written after hours of work. It changes nothing.
func Check(path string) error {
	temp, err := begin(path)
	if err != nil {
		return err
	}
	temp.Close()
	return os.Remove(temp.Name())
}

// Link makes path another name of the file from, or a copy where the file
// system has no second names, all or nothing.
func Link(from, path string) error {
	temp := beside(path)
	if os.Link(from, temp) == nil {
		// Where both are one file already, renaming does nothing.
		defer os.Remove(temp)
		if err := os.Rename(temp, path); err != nil {
			return explain(path, err)
		}
		syncFolder(filepath.Dir(path))
		return nil
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	return Write(path, func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
}

// Leftovers lists the temporary files in folder of processes that were killed
// as they wrote, and of those that write there now.
func Leftovers(folder string) []string {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil
	}
	var left []string
	for _, e := range entries {
		if e.Type().IsRegular() && temporary.MatchString(e.Name()) {
			left = append(left, filepath.Join(folder, e.Name()))
		}
	}
	return left
}

// temporary matches the names that createBeside gives.
var temporary = regexp.MustCompile(`^\..+\.tmp-[A-Z2-7]{10}$`)

func replace(path, before string, write func(io.Writer) error) (err error) {
	temp, err := begin(path)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
			err = explain(path, err)
		}
	}()
	buffered := bufio.NewWriterSize(temp, 1<<18)
	if err = write(buffered); err != nil {
		return err
	}
	if err = buffered.Flush(); err != nil {
		return err
	}
	if err = temp.Sync(); err != nil {
		return err
	}
	if err = temp.Close(); err != nil {
		return err
	}
	if before != "" {
		if err = os.Rename(path, before); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err = os.Rename(temp.Name(), path); err != nil {
		if before != "" {
			_ = os.Rename(before, path)
		}
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// begin creates the temporary file that is to become path.
func begin(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write %s: is not a regular file; choose another name", path)
	}
	temp, err := createBeside(path)
	if err != nil {
		return nil, explain(path, err)
	}
	return temp, nil
}

// createBeside creates a new hidden file in path's folder. Its mode is that of
// any created file (os.CreateTemp's 0600 would hide a run from colleagues).
func createBeside(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(beside(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// beside names a temporary file for path.
func beside(path string) string {
	folder, name := filepath.Split(path)
	return filepath.Join(folder, "."+name+".tmp-"+rand.Text()[:10])
}

// syncFolder makes a rename durable. Systems that cannot sync a folder say
// so with an error that changes nothing for the caller.
func syncFolder(folder string) {
	if d, err := os.Open(folder); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// explain names the file and, for the failures a user can cure, the cure.
func explain(path string, err error) error {
	folder := filepath.Dir(path)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		err = explained{"no space left on the disk of " + folder + "; nothing was written, free some space " +
			"or choose another folder", syscall.ENOSPC}
	case errors.Is(err, syscall.EROFS):
		err = explained{"the file system of " + folder + " is read-only", syscall.EROFS}
	case errors.Is(err, fs.ErrNotExist):
		err = explained{"folder " + folder + " does not exist", fs.ErrNotExist}
	case errors.Is(err, fs.ErrPermission):
		err = explained{"folder " + folder + " is not writable", fs.ErrPermission}
	}
	return fmt.Errorf("write %s: %w", path, err)
}

// explained is an error of the system in other words.
type explained struct {
	text   string
	system error
}

func (e explained) Error() string { return e.text }
func (e explained) Unwrap() error { return e.system }
