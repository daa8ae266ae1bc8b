package dataset

import "github.com/inception-go/inception/internal/picture"

// encodedSet is a set of encoded pictures, each of which is read by itself.
type encodedSet interface {
	Set
	// key names image i wherever the set lies and however its system writes names.
	key(i int) string
	// encoded returns the first bytes of image i, at most so many. An error does not
	// name the image.
	encoded(i int, most int64) ([]byte, error)
	// decodeBy sets who decodes the images, and check says what is wrong with the
	// header of one, whose first bytes it gets.
	decodeBy(d *picture.Decoder)
	check(data []byte) error
}

// decoding is the part of an encodedSet that decodes.
type decoding struct{ decoder *picture.Decoder }

func (d *decoding) decodeBy(by *picture.Decoder) { d.decoder = by }
func (d *decoding) check(data []byte) error      { return d.decoder.Check(data) }

// encodedOf returns the encoded pictures that image i of a set is one of, and which;
// ok is false for sets of others.
func encodedOf(set Set, i int) (files encodedSet, at int, ok bool) {
	for {
		switch s := set.(type) {
		case subset:
			set, i = s.Set, s.indices[i]
		case relabelled:
			set = s.Set
		default:
			files, ok = set.(encodedSet)
			return files, i, ok
		}
	}
}

// ofFiles reports whether each image of a set is read by itself.
func ofFiles(set Set) bool {
	if set.Len() == 0 {
		return false
	}
	_, _, ok := encodedOf(set, 0)
	return ok
}

// imageKey names an image of a set by what does not change when its folder
// is moved.
func imageKey(set Set, i int) string {
	if files, at, ok := encodedOf(set, i); ok {
		return files.key(at)
	}
	return set.Name(i)
}
