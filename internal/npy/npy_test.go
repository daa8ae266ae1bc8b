package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
)

// readAll reads a whole array piece by piece, because the values that a header
// claims need not exist.
func readAll(r io.Reader) (shape []int, values []float32, err error) {
	n, err := NewReader(r)
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

// write writes a whole array.
func write(w io.Writer, shape []int, values []float32) error {
	if err := WriteHeader(w, shape); err != nil {
		return err
	}
	return WriteValues(w, values)
}

func TestReadNPYReadsFloat64AndLongHeaders(t *testing.T) {
	doubles := "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }"
	data := binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1))
	data = binary.LittleEndian.AppendUint64(data, math.Float64bits(-3e300))
	for name, start := range map[string]string{
		"version 1": "\x93NUMPY\x01\x00" + string([]byte{byte(len(doubles)), 0}),
		"version 2": "\x93NUMPY\x02\x00" + string([]byte{byte(len(doubles)), 0, 0, 0}),
	} {
		shape, values, err := readAll(strings.NewReader(start + doubles + string(data)))
		if err != nil || !slices.Equal(shape, []int{2, 1}) || values[0] != 0.1 || !math.IsInf(float64(values[1]), -1) {
			t.Errorf("%s: %v, %v, %v", name, shape, values, err)
		}
	}
}

func TestReadNPYRefusesEveryCutAndLongHeaders(t *testing.T) {
	var b bytes.Buffer
	if err := write(&b, []int{3}, []float32{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	for n := range b.Len() {
		if _, _, err := readAll(bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Errorf("%d of %d bytes are read", n, b.Len())
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"a header of gigabytes": {"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "claims a header of"},
		"a length cut off":      {"\x93NUMPY\x02\x00\xff\xff\xff", "header is cut off"},
	} {
		if _, _, err := readAll(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func TestNPYKeepsEveryBitOfFloats(t *testing.T) {
	values := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), math.SmallestNonzeroFloat32, math.MaxFloat32}
	var b bytes.Buffer
	if err := write(&b, []int{6}, values); err != nil {
		t.Fatal(err)
	}
	_, got, err := readAll(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if math.Float32bits(got[i]) != math.Float32bits(v) {
			t.Errorf("%g is read as %g", v, got[i])
		}
	}
}

// full is a writer that accepts this many bytes.
type full int

func (f *full) Write(b []byte) (int, error) {
	if *f -= full(len(b)); *f < 0 {
		return 0, errors.New("disk is full")
	}
	return len(b), nil
}

func TestWriteNPYReturnsTheWritersError(t *testing.T) {
	for _, room := range []full{0, 128} {
		if err := write(&room, []int{2}, []float32{1, 2}); err == nil {
			t.Error("no error from a full disk")
		}
	}
}

func TestNPYIsReadAsWritten(t *testing.T) {
	for _, shape := range [][]int{{2, 3}, {6}, {1, 3, 1, 2}, {0, 5}, {}} {
		n := 1
		for _, d := range shape {
			n *= d
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i) / 3
		}
		var b bytes.Buffer
		if err := write(&b, shape, values); err != nil {
			t.Fatal(err)
		}
		if (b.Len()-4*n)%64 != 0 {
			t.Errorf("shape %v: data begins at %d, want a multiple of 64", shape, b.Len()-4*n)
		}
		gotShape, got, err := readAll(&b)
		if err != nil || !slices.Equal(gotShape, shape) || !slices.Equal(got, values) {
			t.Errorf("shape %v is read as %v, %v, %v", shape, gotShape, got, err)
		}
	}
}

func TestNPYRefuses(t *testing.T) {
	header := func(text string) string {
		return "\x93NUMPY\x01\x00" + string([]byte{byte(len(text)), 0}) + text
	}
	for name, text := range map[string]string{
		"nothing": "", "text": "hello world, this is", "no shape": header("{'descr': '<f4', 'fortran_order': False}"),
		"bytes":     header("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }") + "a",
		"columns":   header("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }") + "abcd",
		"too short": header("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }") + "abcd",
		"terabytes": header("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999,9999999,99999999), }"),
	} {
		if _, _, err := readAll(strings.NewReader(text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func FuzzNPY(f *testing.F) {
	var b bytes.Buffer
	_ = write(&b, []int{2, 2}, []float32{1, 2, 3, 4})
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		shape, values, err := readAll(bytes.NewReader(data))
		n := 1
		for _, d := range shape {
			n *= d
		}
		if err == nil && n != len(values) {
			t.Errorf("shape %v has %d values", shape, len(values))
		}
	})
}
