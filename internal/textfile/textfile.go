// Package textfile reads the small text files that a user names: a path
// enters, its text leaves, or an error where it has no end or none in sight.
package textfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// Read returns the text of a file of at most so many bytes. A pipe is read only
// where the shell has made it, as in <(command): any other may have nobody who
// writes into it. what names such a file in errors, the caller names the path.
func Read(path string, most int64, what string) ([]byte, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		return nil, fmt.Errorf("is larger than %d bytes, so it cannot be %s", most, what)
	}
	return text, err
}

// Check returns an error if reading path might wait for ever.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // for the reader to say
	}
	ofShell := strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/") || path == "/dev/stdin"
	if !info.Mode().IsRegular() && !info.IsDir() && !ofShell {
		return &fs.PathError{Op: "read", Path: path, Err: errors.New("is not a regular file")}
	}
	return nil
}
