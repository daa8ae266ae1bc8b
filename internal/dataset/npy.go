package dataset

import (
	"bytes"
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

// ReadNPY reads an array of NumPy's format, little-endian float32 or float64
// in C order. Memory grows with what is there, whatever the header claims.
func ReadNPY(r io.Reader) (shape []int, values []float32, err error) {
	header, err := npyHeader(r)
	if err != nil {
		return nil, nil, err
	}
	descr, fortran, dims := npyDescr.FindStringSubmatch(header), npyFortran.FindStringSubmatch(header), npyShape.FindStringSubmatch(header)
	if descr == nil || fortran == nil || dims == nil {
		return nil, nil, fmt.Errorf("npy: cannot read the header %q", header)
	}
	size := map[string]int{"<f4": 4, "<f8": 8}[descr[1]]
	if size == 0 || fortran[1] == "True" {
		return nil, nil, fmt.Errorf("npy: holds %s, Fortran order %s; needed is '<f4' in C order: save x.astype('float32', order='C')", descr[1], fortran[1])
	}
	count := int64(1)
	for _, field := range strings.FieldsFunc(dims[1], func(c rune) bool { return c == ',' || c == ' ' }) {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil || n > 0 && count > (1<<40)/n {
			return nil, nil, fmt.Errorf("npy: shape (%s) is too large", dims[1])
		}
		shape = append(shape, int(n))
		count *= n
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, count*int64(size)))
	if err != nil {
		return nil, nil, fmt.Errorf("npy: %w", err)
	}
	if n < count*int64(size) {
		return nil, nil, fmt.Errorf("npy: is cut off: %d of %d bytes", n, count*int64(size))
	}
	values = make([]float32, count)
	for i := range values {
		if size == 4 {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(b.Bytes()[4*i:]))
		} else {
			values[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b.Bytes()[8*i:])))
		}
	}
	return shape, values, nil
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
	b = append(b, header...)
	if _, err := w.Write(b); err != nil {
		return err
	}
	b = b[:0]
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	_, err := w.Write(b)
	return err
}
