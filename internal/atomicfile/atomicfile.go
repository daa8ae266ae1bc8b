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
	"syscall"
)

// Write writes a file all or nothing: write fills a temporary file beside
// path, which is flushed to the disk and renamed over path only when all of
// it is there. Whatever fails, an older file at path stays as it was.
func Write(path string, write func(io.Writer) error) (err error) {
	if info, statErr := os.Stat(path); statErr == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("write %s: is not a regular file; choose another name", path)
	}
	temp, err := createBeside(path)
	if err != nil {
		return explain(path, err)
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
	if err = os.Rename(temp.Name(), path); err != nil {
		return err
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// createBeside creates a new hidden file in path's folder. Its mode is that of
// any created file (os.CreateTemp's 0600 would hide a run from colleagues).
func createBeside(path string) (*os.File, error) {
	folder, name := filepath.Split(path)
	for {
		temp := filepath.Join(folder, "."+name+".tmp-"+rand.Text()[:10])
		f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
	}
}

// syncFolder makes a rename durable. Systems that cannot sync a folder say
// so with an error that changes nothing for the caller.
func syncFolder(folder string) {
	if d, err := os.Open(folder); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// explainWrite names the file and, for the failures a user can cure, the cure.
func explain(path string, err error) error {
	folder := filepath.Dir(path)
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("write %s: no space left on the disk of %s; nothing was written, free some space "+
			"or choose another folder: %w", path, folder, syscall.ENOSPC)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("write %s: folder %s does not exist: %w", path, folder, fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("write %s: folder %s is not writable: %w", path, folder, fs.ErrPermission)
	}
	return fmt.Errorf("write %s: %w", path, err)
}
