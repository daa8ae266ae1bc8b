package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/fetch"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/picture"
)

// standardInput is what the argument - stands for.
type standardInput struct {
	picture string // the file that the picture was put in, if it is one
}

// read replaces the argument - by what standard input holds: the paths of a
// list, one on a line, or the file that its picture is put in until close.
func (s *standardInput) read(args []string, in io.Reader) ([]string, error) {
	at := slices.Index(args, "-")
	if at < 0 {
		return args, nil
	}
	if slices.Contains(args[at+1:], "-") {
		return nil, usageError{errors.New("- stands for standard input and can be given only once")}
	}
	const most = 256 << 20
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("standard input: %w", err)
	case len(data) > most:
		return nil, fmt.Errorf("standard input: has more than %d bytes", most)
	case len(data) == 0:
		return nil, usageError{errors.New("standard input: is empty; - takes a picture, or a list of pictures, one on " +
			"a line")}
	}
	words := slices.DeleteFunc(labels.Lines(data), func(line string) bool { return strings.TrimSpace(line) == "" })
	if !isList(words) && picture.Recognised(data) {
		if s.picture, err = put(data); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		words = []string{s.picture}
	}
	return slices.Concat(args[:at], words, args[at+1:]), nil
}

// isList reports whether the first of the words names something: a list may
// begin like a picture, with BMW/1.jpg.
func isList(words []string) bool {
	if len(words) == 0 || len(words[0]) > 4096 {
		return false
	}
	_, err := os.Stat(words[0])
	return err == nil || fetch.IsURL(words[0])
}

// put writes a picture to a file of its own.
func put(data []byte) (path string, err error) {
	dir, err := os.MkdirTemp("", "inception")
	if err != nil {
		return "", err
	}
	path = filepath.Join(dir, "picture")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return path, nil
}

// close removes the picture's file.
func (s *standardInput) close() {
	if s.picture != "" {
		os.RemoveAll(filepath.Dir(s.picture))
	}
}
