package dataset

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/picture"
)

// idxSet is images and labels of MNIST's IDX files.
type idxSet struct {
	part    string
	w, h    int
	pixels  []uint8 // [N][H][W] grey
	labels  []uint8
	classes []string
}

func (s *idxSet) Len() int          { return len(s.labels) }
func (s *idxSet) Classes() []string { return s.classes }
func (s *idxSet) Label(i int) int   { return int(s.labels[i]) }
func (s *idxSet) Name(i int) string { return fmt.Sprintf("idx %s %d", s.part, i) }

func (s *idxSet) Image(i int) (picture.Image, error) {
	im := picture.New(s.w, s.h)
	for at, v := range s.pixels[i*s.w*s.h : (i+1)*s.w*s.h] {
		im.Pix[3*at], im.Pix[3*at+1], im.Pix[3*at+2] = v, v, v
	}
	return im, nil
}

// openIDX opens a folder with MNIST's four files, gzip or not. Class names are
// the lines of labels.txt beside them, or else the numbers.
func openIDX(dir string) (*Source, error) {
	src := &Source{}
	for _, part := range []struct {
		prefix, name string
		to           *Set
	}{{"train", "train", &src.Train}, {"t10k", "test", &src.Test}, {"test", "test", &src.Test}} {
		set, err := openIDXPart(dir, part.prefix, part.name)
		if err != nil {
			return nil, err
		}
		if set != nil {
			*part.to = set
		}
	}
	if src.Train == nil && src.Test == nil {
		return nil, fmt.Errorf("%s has no IDX files; expected train-images-idx3-ubyte, train-labels-idx1-ubyte, "+
			"t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each perhaps with .gz", dir)
	}
	return src, nil
}

func openIDXPart(dir, prefix, name string) (Set, error) {
	images, labels := idxFile(dir, prefix+"-images", "idx3-ubyte"), idxFile(dir, prefix+"-labels", "idx1-ubyte")
	if images == "" && labels == "" {
		return nil, nil
	}
	if images == "" || labels == "" {
		return nil, fmt.Errorf("%s has images or labels of %s, but not both", dir, prefix)
	}
	shape, pixels, err := readIDX(images, 3)
	if err != nil {
		return nil, err
	}
	n, values, err := readIDX(labels, 1)
	if err != nil {
		return nil, err
	}
	switch {
	case n[0] != shape[0]:
		return nil, fmt.Errorf("%s has %d images, %s has %d labels", images, shape[0], labels, n[0])
	case n[0] == 0:
		return nil, fmt.Errorf("%s has no images", images)
	case shape[1] == 0 || shape[2] == 0 || shape[1] > 1<<14 || shape[2] > 1<<14:
		return nil, fmt.Errorf("%s has images of %dx%d pixels", images, shape[2], shape[1])
	}
	classes, err := idxClasses(dir, values)
	if err != nil {
		return nil, err
	}
	return &idxSet{part: name, h: shape[1], w: shape[2], pixels: pixels, labels: values, classes: classes}, nil
}

// idxFile returns the file of one kind, under the names that are about, or "".
func idxFile(dir, stem, kind string) string {
	for _, name := range []string{stem + "-" + kind, stem + "." + kind} {
		for _, suffix := range []string{"", ".gz"} {
			path := filepath.Join(dir, name+suffix)
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}

func idxClasses(dir string, labels []uint8) ([]string, error) {
	most := 0
	for _, l := range labels {
		most = max(most, int(l))
	}
	path := filepath.Join(dir, "labels.txt")
	if text, err := readRegular(path); err == nil {
		names := strings.Fields(strings.ReplaceAll(string(text), " ", "_"))
		if len(names) <= most {
			return nil, fmt.Errorf("%s names %d classes, the labels go up to %d", path, len(names), most)
		}
		return names, nil
	}
	// A part need not show every class: digits are ten even where one is rare.
	names := make([]string, max(10, most+1))
	for i := range names {
		names[i] = strconv.Itoa(i)
	}
	return names, nil
}

// product writes sizes as 60000x28x28.
func product(shape []int) string {
	return strings.Join(strings.Fields(strings.Trim(fmt.Sprint(shape), "[]")), "x")
}

// readIDX reads a file of bytes with so many dimensions.
func readIDX(path string, dims int) (shape []int, data []uint8, err error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	defer f.Close()
	var r io.Reader = bufio.NewReaderSize(f, 1<<16)
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
		r = z
	}
	if shape, data, err = parseIDX(r, dims); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return shape, data, nil
}

// mostIDX bounds what the images of a part take, which are all held in memory:
// three times those of EMNIST.
const mostIDX = 2 << 30

// parseIDX reads the magic number, the sizes and the bytes. Memory grows with
// what is there, whatever the header claims.
func parseIDX(r io.Reader, dims int) (shape []int, data []uint8, err error) {
	const unsignedByte = 8
	head := make([]byte, 4+4*dims)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, nil, errors.New("is too short for an IDX file")
	}
	if head[0] != 0 || head[1] != 0 || head[2] != unsignedByte || int(head[3]) != dims {
		return nil, nil, fmt.Errorf("is not an IDX file of bytes with %d dimensions: it begins with % x", dims, head[:4])
	}
	size := int64(1)
	for i := range dims {
		n := int64(binary.BigEndian.Uint32(head[4+4*i:]))
		shape = append(shape, int(n))
		if n > 0 && size > mostIDX/n {
			return nil, nil, fmt.Errorf("claims to hold %s bytes; the most is %d", product(shape), int64(mostIDX))
		}
		size *= n
	}
	for int64(len(data)) < size {
		had := len(data)
		grown := make([]uint8, min(size, max(1<<20, int64(had)*3/2)))
		copy(grown, data)
		data = grown
		n, err := io.ReadFull(r, data[had:])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, nil, fmt.Errorf("is cut off: %d of %d bytes", had+n, size)
		}
		if err != nil {
			return nil, nil, err
		}
	}
	// At the end of a gzip file stands its checksum, which reading on compares.
	if _, err := r.Read(make([]byte, 1)); err != nil && err != io.EOF {
		return nil, nil, err
	}
	return shape, data, nil
}
