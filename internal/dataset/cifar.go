package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/picture"
)

// cifarSet is images of CIFAR's binary version: records of labels and three
// planes of 32x32 bytes.
type cifarSet struct {
	part    string
	records []byte
	labels  int // bytes of labels in a record; the last is the class
	classes []string
}

const (
	cifarSide  = 32
	cifarPlane = cifarSide * cifarSide
)

func (s *cifarSet) record(i int) []byte {
	size := s.labels + 3*cifarPlane
	return s.records[i*size : (i+1)*size]
}

func (s *cifarSet) Len() int          { return len(s.records) / (s.labels + 3*cifarPlane) }
func (s *cifarSet) Classes() []string { return s.classes }
func (s *cifarSet) Label(i int) int   { return int(s.record(i)[s.labels-1]) }
func (s *cifarSet) Name(i int) string { return fmt.Sprintf("cifar %s %d", s.part, i) }

func (s *cifarSet) Image(i int) (picture.Image, error) {
	im := picture.New(cifarSide, cifarSide)
	for at, v := range s.record(i)[s.labels:] {
		im.Pix[3*(at%cifarPlane)+at/cifarPlane] = v
	}
	return im, nil
}

func openCIFAR10(dir string) (*Source, error) {
	train := []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}
	return openCIFAR(dir, 1, 10, train, "test_batch.bin", "batches.meta.txt")
}

// openCIFAR100 uses the 100 fine labels.
func openCIFAR100(dir string) (*Source, error) {
	return openCIFAR(dir, 2, 100, []string{"train.bin"}, "test.bin", "fine_label_names.txt")
}

func openCIFAR(dir string, labels, count int, train []string, test, names string) (*Source, error) {
	classes, err := cifarClasses(filepath.Join(dir, names), count)
	if err != nil {
		return nil, err
	}
	src := &Source{}
	for _, part := range []struct {
		name  string
		files []string
		to    *Set
	}{{"train", train, &src.Train}, {"test", []string{test}, &src.Test}} {
		set := &cifarSet{part: part.name, labels: labels, classes: classes}
		for _, file := range part.files {
			if err := set.read(filepath.Join(dir, file)); err != nil {
				return nil, err
			}
		}
		*part.to = set
	}
	return src, nil
}

// read appends the records of a file.
func (s *cifarSet) read(path string) error {
	data, err := readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing; needed is CIFAR's \"binary version\", unpacked", path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := s.add(data); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// add checks and appends records.
func (s *cifarSet) add(data []byte) error {
	size := s.labels + 3*cifarPlane
	if len(data) == 0 || len(data)%size != 0 {
		return fmt.Errorf("has %d bytes, not a whole number of records of %d; it is cut off or another version",
			len(data), size)
	}
	for at := 0; at < len(data); at += size {
		if class := int(data[at+s.labels-1]); class >= len(s.classes) {
			return fmt.Errorf("image %d has class %d of %d", at/size, class, len(s.classes))
		}
	}
	s.records = append(s.records, data...)
	return nil
}

// cifarClasses reads the names; numbers where there is no such file.
func cifarClasses(path string, count int) ([]string, error) {
	text, err := readRegular(path)
	if errors.Is(err, fs.ErrNotExist) {
		names := make([]string, count)
		for i := range names {
			names[i] = strconv.Itoa(i)
		}
		return names, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	names := strings.Fields(labels.Text(text))
	if len(names) != count {
		return nil, fmt.Errorf("%s: names %d classes, expected %d", path, len(names), count)
	}
	return names, nil
}
