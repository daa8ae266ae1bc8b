// Package dataset turns named images into batches for a network: sources of
// labelled images and their parts, augmentation, mixing, and a loader that does
// all that in parallel ahead of its reader. Specs and options enter, batches of
// floats leave; package picture makes one image's input. The random choices of
// an image follow from the seed, the epoch and the image's index alone.
package dataset

import (
	"path/filepath"

	"github.com/inception-go/inception/internal/picture"
)

// Set is a list of labelled images. It is safe for concurrent use.
type Set interface {
	Len() int
	Classes() []string                  // names in the order of their labels
	Label(i int) int                    // of image i, from 0
	Image(i int) (picture.Image, error) // decoded; an error names the image
	Name(i int) string                  // of image i, for messages
}

// lender is a set whose images, if they are asked for so, count as memory in
// use until giveBack is called.
type lender interface {
	Lend(i int) (im picture.Image, giveBack func(), err error)
}

// Lend returns image i of a set, to be used until giveBack is called, which must
// follow, also after an error.
func Lend(set Set, i int) (im picture.Image, giveBack func(), err error) {
	if s, ok := set.(lender); ok {
		return s.Lend(i)
	}
	im, err = set.Image(i)
	return im, func() {}, err
}

// ClassSizes returns the number of images of each class.
func ClassSizes(set Set) []int {
	sizes := make([]int, len(set.Classes()))
	for i := range set.Len() {
		sizes[set.Label(i)]++
	}
	return sizes
}

// Shared returns how many images of a are also in b, by the paths of their files or
// else by their names: those of two sources that are no folders may be the same.
func Shared(a, b Set) (images int) {
	name := Set.Name
	if ofFiles(a) && ofFiles(b) {
		name = func(s Set, i int) string {
			path, err := filepath.Abs(s.Name(i))
			if err != nil {
				return s.Name(i)
			}
			return path
		}
	}
	names := map[string]bool{}
	for i := range a.Len() {
		names[name(a, i)] = true
	}
	for i := range b.Len() {
		if names[name(b, i)] {
			images++
		}
	}
	return images
}

// Subset returns the images of set that indices lists, in that order.
func Subset(set Set, indices []int) Set { return subset{set, indices} }

type subset struct {
	Set
	indices []int
}

func (s subset) Len() int                           { return len(s.indices) }
func (s subset) Label(i int) int                    { return s.Set.Label(s.indices[i]) }
func (s subset) Image(i int) (picture.Image, error) { return s.Set.Image(s.indices[i]) }
func (s subset) Lend(i int) (picture.Image, func(), error) {
	return Lend(s.Set, s.indices[i])
}
func (s subset) Name(i int) string { return s.Set.Name(s.indices[i]) }

// Relabel returns set with its labels replaced by rows of a classifier:
// rows[i] is the row of set's class i, and classes names all rows.
func Relabel(set Set, rows []int, classes []string) Set { return relabelled{set, rows, classes} }

type relabelled struct {
	Set
	rows    []int
	classes []string
}

func (r relabelled) Lend(i int) (picture.Image, func(), error) {
	return Lend(r.Set, i)
}
func (r relabelled) Label(i int) int   { return r.rows[r.Set.Label(i)] }
func (r relabelled) Classes() []string { return r.classes }
