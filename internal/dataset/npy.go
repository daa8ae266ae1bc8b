package dataset

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var (
	npyDescr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9, ]*)\)`)
)

// NPYReader reads an array of NumPy's format, little-endian float32 or float64
// in C order, a piece at a time.
type NPYReader struct {
	Shape []int
	r     *bufio.Reader
	size  int // bytes of a value
	left  int64
	bytes []byte
}

// NewNPYReader reads the header.
func NewNPYReader(r io.Reader) (*NPYReader, error) {
	buffered := bufio.NewReader(r)
	header, err := npyHeader(buffered)
	if err != nil {
		return nil, err
	}
	descr, fortran, dims := npyDescr.FindStringSubmatch(header), npyFortran.FindStringSubmatch(header), npyShape.FindStringSubmatch(header)
	if descr == nil || fortran == nil || dims == nil {
		return nil, fmt.Errorf("npy: cannot read the header %q", header)
	}
	n := &NPYReader{r: buffered, size: map[string]int{"<f4": 4, "<f8": 8}[descr[1]], left: 1}
	if n.size == 0 || fortran[1] == "True" {
		return nil, fmt.Errorf("npy: holds %s, Fortran order %s; needed is '<f4' in C order: save x.astype('float32', order='C')", descr[1], fortran[1])
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

// Read fills dst with the next values.
func (n *NPYReader) Read(dst []float32) error {
	if int64(len(dst)) > n.left {
		return fmt.Errorf("npy: has %d more values, not %d", n.left, len(dst))
	}
	n.bytes = grown(n.bytes, len(dst)*n.size)
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

// ReadNPY reads a whole array. Memory grows with what is there, whatever the
// header claims.
func ReadNPY(r io.Reader) (shape []int, values []float32, err error) {
	n, err := NewNPYReader(r)
	if err != nil {
		return nil, nil, err
	}
	piece := make([]float32, 1<<14)
	for n.left > 0 {
		piece = piece[:min(int64(cap(piece)), n.left)]
		if err := n.Read(piece); err != nil {
			return nil, nil, err
		}
		values = append(values, piece...)
	}
	return n.Shape, values, nil
}

func npyHeader(r io.Reader) (string, error) {
	start := make([]byte, 10)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:6]) != "\x93NUMPY" {
		return "", errors.New("npy: does not begin as NumPy's .npy files do")
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

// WriteNPY writes a float32 array in C order.
func WriteNPY(w io.Writer, shape []int, values []float32) error {
	if err := WriteNPYHeader(w, shape); err != nil {
		return err
	}
	return WriteNPYValues(w, values)
}

// WriteNPYHeader writes what comes before the values of a float32 array in C
// order.
func WriteNPYHeader(w io.Writer, shape []int) error {
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

// WriteNPYValues writes the next values behind the header.
func WriteNPYValues(w io.Writer, values []float32) error {
	b := make([]byte, 0, 4*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	_, err := w.Write(b)
	return err
}
