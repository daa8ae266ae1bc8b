package dataset

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/inception-go/inception/internal/labels"
)

// Exclusions are the entries of a list of images to leave out.
type Exclusions struct {
	images map[string]string // as they are called in warnings, by the names that each may have
}

// ReadExclusions reads a list with an image a line: its name, with or without
// folders above it and with or without the extension. Empty lines and those
// that begin with # are left out. A plain number N also stands for ImageNet's
// ILSVRC2012_val_0000000N, as in the development kit's list of the 1,762
// validation images whose annotations are poor.
func ReadExclusions(r io.Reader) (Exclusions, error) {
	x := Exclusions{map[string]string{}}
	text, err := io.ReadAll(r)
	if err != nil {
		return x, err
	}
	for _, line := range labels.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, image := cleaned(line), cleaned(line)
		if n, err := strconv.ParseUint(line, 10, 31); err == nil {
			image = fmt.Sprintf("ILSVRC2012_val_%08d", n)
		}
		x.images[name], x.images[image] = image, image
	}
	return x, nil
}

// Apply returns set without the images listed, how many those are, and the
// entries that no image of set matches, sorted.
func (x Exclusions) Apply(set Set) (rest Set, excluded int, unmatched []string) {
	met := map[string]bool{}
	var stay []int
	for i := range set.Len() {
		if image, ok := x.match(cleaned(set.Name(i))); ok {
			met[image] = true
		} else {
			stay = append(stay, i)
		}
	}
	for _, image := range x.images {
		if !met[image] {
			unmatched = append(unmatched, image)
		}
	}
	slices.Sort(unmatched)
	return Subset(set, stay), set.Len() - len(stay), slices.Compact(unmatched)
}

// match looks for the name and for what is left of it without each of the
// folders above.
func (x Exclusions) match(name string) (image string, ok bool) {
	for {
		for _, entry := range []string{name, strings.TrimSuffix(name, path.Ext(name))} {
			if image, ok := x.images[entry]; ok {
				return image, true
			}
		}
		_, below, more := strings.Cut(name, "/")
		if !more {
			return "", false
		}
		name = below
	}
}

func cleaned(name string) string { return norm.NFC.String(path.Clean(filepath.ToSlash(name))) }
