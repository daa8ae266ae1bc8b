package evaluate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/fetch"
)

// Files lists the pictures and arrays that words name: files and addresses on
// the web as they are, of folders all pictures below, and what matches a pattern
// such as photos/*.jpg, sorted.
func Files(words []string) ([]string, error) {
	var files []string
	for _, word := range words {
		if fetch.IsURL(word) {
			files = append(files, word)
			continue
		}
		paths, err := matches(word)
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			found, err := picturesOf(path)
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		}
	}
	return files, nil
}

// FilesBelow lists the files that words name, as Files does, and for each the folder
// that was named; none for a file that was named itself.
func FilesBelow(words []string) (files []string, below map[string]string, err error) {
	below = map[string]string{}
	for _, word := range words {
		found, err := Files([]string{word})
		if err != nil {
			return nil, nil, err
		}
		if info, err := os.Stat(word); err == nil && info.IsDir() {
			for _, file := range found {
				below[file] = word
			}
		}
		files = append(files, found...)
	}
	return files, below, nil
}

// Around returns the first of the folders that words name in which a path lies, of
// which the end need not exist; "" if it lies in none.
func Around(path string, words []string) string {
	for _, word := range words {
		named, _ := matches(word) // an address matches nothing
		for _, dir := range named {
			if within(path, dir) {
				return dir
			}
		}
	}
	return ""
}

// matches returns the paths that a word stands for: itself if there is such a
// file, else those that it matches as a pattern.
func matches(word string) ([]string, error) {
	_, err := os.Stat(word)
	if err == nil {
		return []string{word}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !strings.ContainsAny(word, "*?[") {
		return nil, fmt.Errorf("%s: there is no such file or folder", word)
	}
	found, err := filepath.Glob(word)
	if err != nil {
		return nil, fmt.Errorf("%s: is neither a file nor a pattern: %w", word, err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s: there is no such file, and none matches the pattern", word)
	}
	return found, nil
}

// picturesOf returns a file itself, and of a folder all pictures below.
func picturesOf(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	found, err := dataset.ImagesBelow(path)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%s: holds no picture", path)
	}
	return found, err
}

// within reports whether a path, of which the end need not exist, is a folder or
// lies in it, by whatever names and links.
func within(path, dir string) bool {
	folder, err := os.Stat(dir)
	if err != nil || !folder.IsDir() {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	for {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if info, err := os.Stat(path); err == nil && os.SameFile(info, folder) {
			return true
		}
		above := filepath.Dir(path)
		if above == path {
			return false
		}
		path = above
	}
}
