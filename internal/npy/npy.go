// Package npy reads and writes arrays of floats in NumPy's .npy format piece by
// piece, so that an array may be larger than memory.
package npy

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Reader reads an array of little-endian float32 or float64 in C order.
type Reader struct {
	Shape []int
	r     *bufio.Reader
	size  int // bytes per value
	left  int64
	bytes []byte
}

// The fields of a header that say what the array is.
var (
	descrField   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	fortranField = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	shapeField   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9, ]*)\)`)
)

// NewReader reads the header.
func NewReader(r io.Reader) (*Reader, error) {
	buffered := bufio.NewReader(r)
	header, err := readHeader(buffered)
	if err != nil {
		return nil, err
	}
	descr, fortran := descrField.FindStringSubmatch(header), fortranField.FindStringSubmatch(header)
	dims := shapeField.FindStringSubmatch(header)
	if descr == nil || fortran == nil || dims == nil {
		return nil, fmt.Errorf("npy: cannot read the header %q", header)
	}
	n := &Reader{r: buffered, size: map[string]int{"<f4": 4, "<f8": 8}[descr[1]], left: 1}
	if n.size == 0 || fortran[1] == "True" {
		return nil, fmt.Errorf("npy: holds %s, Fortran order %s; "+
			"needed is '<f4' in C order: save x.astype('float32', order='C')", descr[1], fortran[1])
	}
	for _, field := range strings.FieldsFunc(dims[1], func(c rune) bool { return c == ',' || c == ' ' }) {
		dim, err := strconv.ParseInt(field, 10, 64)
		if err != nil || dim > 0 && n.left > (1<<40)/dim {
			return nil, fmt.Errorf("npy: shape (%s) is too large", dims[1])
		}
		n.Shape = append(n.Shape, int(dim))
		n.left *= dim
	}
	return n, nil
}

func readHeader(r io.Reader) (string, error) {
	start := make([]byte, 10)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:6]) != "\x93NUMPY" {
		return "", errors.New("npy: does not start like a NumPy .npy file")
	}
	length := int(binary.LittleEndian.Uint16(start[8:]))
	if start[6] > 1 { // versions 2 and 3 have four bytes of length
		rest := make([]byte, 2)
		if _, err := io.ReadFull(r, rest); err != nil {
			return "", errors.New("npy: the header is cut off")
		}
		length |= int(binary.LittleEndian.Uint16(rest)) << 16
	}
	if length > 1<<16 {
		return "", fmt.Errorf("npy: claims a header of %d bytes", length)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return "", errors.New("npy: the header is cut off")
	}
	return string(header), nil
}

// Read fills dst with the next values.
func (n *Reader) Read(dst []float32) error {
	if int64(len(dst)) > n.left {
		return fmt.Errorf("npy: has %d more values, not %d", n.left, len(dst))
	}
	n.bytes = slices.Grow(n.bytes[:0], len(dst)*n.size)[:len(dst)*n.size]
	if got, err := io.ReadFull(n.r, n.bytes); err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("npy: %w", err)
		}
		return fmt.Errorf("npy: is cut off: %d values are missing", n.left-int64(got/n.size))
	}
	n.left -= int64(len(dst))
	for i := range dst {
		if n.size == 4 {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(n.bytes[4*i:]))
		} else {
			dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(n.bytes[8*i:])))
		}
	}
	return nil
}

// WriteHeader writes the part before the values of a float32 array in C order.
func WriteHeader(w io.Writer, shape []int) error {
	dims := make([]string, len(shape))
	for i, n := range shape {
		dims[i] = strconv.Itoa(n)
	}
	tuple := strings.Join(dims, ", ")
	if len(shape) == 1 {
		tuple += ","
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s), }", tuple)
	const alignment = 64
	header += strings.Repeat(" ", alignment-1-(10+len(header))%alignment) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	_, err := w.Write(append(b, header...))
	return err
}

// WriteValues writes the next values after the header.
func WriteValues(w io.Writer, values []float32) error {
	return binary.Write(w, binary.LittleEndian, values)
}
