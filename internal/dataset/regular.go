package dataset

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/inception-go/inception/internal/picture"
)

// maxFile bounds the memory of an encoded picture.
const maxFile = 1 << 30

// ReadPicture reads and decodes the picture in a file. An error does not name
// the file.
func ReadPicture(path string, d *picture.Decoder) (picture.Image, error) {
	im, giveBack, err := LendPicture(path, d)
	giveBack()
	return im, err
}

// LendPicture is ReadPicture for an image that is used for a short while, as
// picture.Decoder.Lend is.
func LendPicture(path string, d *picture.Decoder) (im picture.Image, giveBack func(), err error) {
	data, err := readRegular(path)
	if err != nil {
		return picture.Image{}, func() {}, err
	}
	return d.Lend(data)
}

// readRegular reads a file that must be a regular one: a pipe would wait for
// somebody to write, a device such as /dev/zero never end.
func readRegular(path string) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, withoutPath(err)
	case len(data) > maxFile:
		return nil, fmt.Errorf("has more than %d bytes", maxFile)
	}
	return data, nil
}

// openRegular opens a regular file. What the path names may change between a
// look at it and the opening, so the open file is looked at too, and opening
// never waits.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return nil, irregular(info)
	}
	f, err := os.OpenFile(path, os.O_RDONLY|withoutWaiting, 0)
	if err != nil {
		return nil, withoutPath(err)
	}
	if info, err = f.Stat(); err == nil && !info.Mode().IsRegular() {
		err = irregular(info)
	}
	if err != nil {
		f.Close()
		return nil, withoutPath(err)
	}
	return f, nil
}

func irregular(info fs.FileInfo) error {
	if info.IsDir() {
		return errors.New("is a folder")
	}
	return errors.New("is not a regular file")
}

// withoutPath returns the reason alone: the caller names the file.
func withoutPath(err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return inner.Err
	}
	return err
}
