package dataset

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Exclusions are the entries of a list of images to leave out.
type Exclusions struct {
	lines map[string]string // of the list, by the names that each stands for
}

// ReadExclusions reads a list with an image a line: its name, with or without
// folders above it and with or without the extension. Empty lines and those
// that begin with # are left out. A plain number N also stands for ImageNet's
// ILSVRC2012_val_0000000N, as in the development kit's list of the 1,762
// validation images whose annotations are poor.
func ReadExclusions(r io.Reader) (Exclusions, error) {
	x := Exclusions{map[string]string{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		x.lines[cleaned(line)] = line
		if n, err := strconv.ParseUint(line, 10, 31); err == nil {
			x.lines[fmt.Sprintf("ILSVRC2012_val_%08d", n)] = line
		}
	}
	return x, lines.Err()
}

// Apply returns set without the images listed, how many those are, and the
// entries that no image of set matches, sorted.
func (x Exclusions) Apply(set Set) (rest Set, excluded int, unmatched []string) {
	met := map[string]bool{}
	var stay []int
	for i := range set.Len() {
		if line, ok := x.match(cleaned(set.Name(i))); ok {
			met[line] = true
		} else {
			stay = append(stay, i)
		}
	}
	for _, line := range x.lines {
		if !met[line] {
			unmatched = append(unmatched, line)
		}
	}
	slices.Sort(unmatched)
	return Subset(set, stay), set.Len() - len(stay), slices.Compact(unmatched)
}

// match looks for the name and for what is left of it without each of the
// folders above.
func (x Exclusions) match(name string) (line string, ok bool) {
	for {
		for _, entry := range []string{name, strings.TrimSuffix(name, path.Ext(name))} {
			if line, ok := x.lines[entry]; ok {
				return line, true
			}
		}
		_, below, more := strings.Cut(name, "/")
		if !more {
			return "", false
		}
		name = below
	}
}

func cleaned(name string) string { return path.Clean(filepath.ToSlash(name)) }
