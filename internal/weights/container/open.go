package container

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime/debug"
)

// FileError says what is wrong with a file as such or with its contents.
type FileError struct {
	Path string
	Err  error
}

// Error names the file.
func (e *FileError) Error() string { return fmt.Sprintf("%s: %v", e.Path, e.Err) }

// Unwrap returns the error without the file's name.
func (e *FileError) Unwrap() error { return e.Err }

// Open returns the content of a regular file and a function that lets go of it.
// The bytes may be a mapping: reading them goes through Guard.
func Open(path string) ([]byte, func() error, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	switch {
	case info.Size() == 0:
		return nil, nil, &FileError{path, errors.New("is empty")}
	case info.Size() > math.MaxInt/2:
		return nil, nil, &FileError{path, fmt.Errorf("%d bytes do not fit this machine's address space", info.Size())}
	}
	data, release, err := mapFile(f, int(info.Size()))
	if err != nil {
		return nil, nil, &FileError{path, err}
	}
	return data, release, nil
}

// openRegular opens a file that has an end. It looks before it opens, because
// opening a pipe would wait for somebody who writes into it.
func openRegular(path string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &FileError{path, errors.New("is not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	if info, err = f.Stat(); err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// readWhole is mapFile for where mapping is not possible.
func readWhole(f *os.File, size int) ([]byte, func() error, error) {
	data := make([]byte, size)
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, nil, err
	}
	return data, func() error { return nil }, nil
}

// Guard runs read and turns a fault in a mapping into an error: a file that
// somebody truncates while it is mapped makes the next access a SIGBUS.
func Guard(read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			if _, fault := r.(interface{ Addr() uintptr }); !fault {
				panic(r)
			}
			err = errors.New("the file shrank while it was being read")
		}
	}()
	return read()
}
