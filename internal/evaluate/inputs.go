package evaluate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/fetch"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/npy"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/textfile"
)

// Count returns the number of inputs that files hold for a network of that
// input size: one in a picture, N in an .npy. An array that does not fit is an
// error.
func Count(files []string, size int) (int, error) {
	n := 0
	for _, path := range files {
		if !IsArray(path) {
			n++
			continue
		}
		a, err := OpenArray(path, size)
		if err != nil {
			return 0, err
		}
		n += a.Shape[0]
		_ = a.Close()
	}
	return n, nil
}

// IsArray reports whether a file is an array of inputs by its name.
func IsArray(path string) bool {
	return !fetch.IsURL(path) && strings.EqualFold(filepath.Ext(path), ".npy")
}

// InputArray is an open .npy of inputs, [N][3][H][W], that are preprocessed.
type InputArray struct {
	*npy.Reader
	file *os.File
}

// CheckInput refuses values that are NaN or infinite, of which int8 would make numbers.
func CheckInput(values []float32) error {
	if model.CheckFinite(values) != nil {
		return errors.New("the input holds values that are NaN or infinite")
	}
	return nil
}

// Close closes the file.
func (a InputArray) Close() error { return a.file.Close() }

// OpenArray opens an .npy of inputs for a network of that input size. An array
// that does not fit is an error, which says how it would.
func OpenArray(path string, size int) (InputArray, error) {
	if err := textfile.Check(path); err != nil {
		return InputArray{}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return InputArray{}, err
	}
	r, err := npy.NewReader(f)
	if err == nil {
		err = checkShape(r.Shape, size)
	}
	if err != nil {
		f.Close()
		return InputArray{}, fmt.Errorf("%s: %w", path, err)
	}
	return InputArray{r, f}, nil
}

// checkShape says what is wrong with the shape of an array of inputs.
func checkShape(shape []int, size int) error {
	if len(shape) == 4 && slices.Equal(shape[1:], []int{3, size, size}) {
		if shape[0] == 0 {
			return errors.New("holds no inputs")
		}
		return nil
	}
	cure := ""
	switch {
	case len(shape) == 3 && shape[0] == 3:
		cure = "; save x[None] if it is one input"
	case len(shape) == 4 && shape[3] == 3:
		cure = "; save x.transpose(0, 3, 1, 2)"
	case len(shape) == 4 && shape[1] == 3 && shape[2] == shape[3]:
		cure = fmt.Sprintf("; --input-size %d makes it take these", shape[2])
	}
	return fmt.Errorf("has shape %v, the network takes [N 3 %d %d] float32, preprocessed%s", shape, size, size, cure)
}

// Pictures returns picture files and addresses on the web as a set without
// labels. The end of ctx ends downloads.
func Pictures(ctx context.Context, files []string, d *picture.Decoder) dataset.Set {
	return unlabelled{ctx, files, d}
}

// unlabelled is a set of pictures: files, and addresses on the web.
type unlabelled struct {
	ctx     context.Context // ends downloads
	files   []string
	decoder *picture.Decoder
}

// mostDownloaded bounds a picture that is downloaded, in bytes.
const mostDownloaded = 64 << 20

func (u unlabelled) Len() int          { return len(u.files) }
func (u unlabelled) Classes() []string { return []string{""} }
func (u unlabelled) Label(int) int     { return 0 }
func (u unlabelled) Name(i int) string { return u.files[i] }
func (u unlabelled) Image(i int) (picture.Image, error) {
	im, giveBack, err := u.Lend(i)
	giveBack()
	return im, err
}

// Lend implements dataset.Lender.
func (u unlabelled) Lend(i int) (picture.Image, func(), error) {
	if !fetch.IsURL(u.files[i]) {
		return dataset.LendPicture(u.files[i], u.decoder)
	}
	data, err := fetch.Bytes(u.ctx, u.files[i], mostDownloaded, fetch.Options{Stall: 30 * time.Second})
	if err != nil {
		return picture.Image{}, func() {}, err
	}
	return u.decoder.Lend(data)
}
