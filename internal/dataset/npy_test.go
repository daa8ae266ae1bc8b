package dataset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestReadNPYReadsFloat64AndLongHeaders(t *testing.T) {
	doubles := "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1), }"
	data := binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1))
	data = binary.LittleEndian.AppendUint64(data, math.Float64bits(-3e300))
	for name, start := range map[string]string{
		"version 1": "\x93NUMPY\x01\x00" + string([]byte{byte(len(doubles)), 0}),
		"version 2": "\x93NUMPY\x02\x00" + string([]byte{byte(len(doubles)), 0, 0, 0}),
	} {
		shape, values, err := ReadNPY(strings.NewReader(start + doubles + string(data)))
		if err != nil || !slices.Equal(shape, []int{2, 1}) || values[0] != 0.1 || !math.IsInf(float64(values[1]), -1) {
			t.Errorf("%s: %v, %v, %v", name, shape, values, err)
		}
	}
}

func TestReadNPYRefusesEveryCutAndLongHeaders(t *testing.T) {
	var b bytes.Buffer
	if err := WriteNPY(&b, []int{3}, []float32{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	for n := range b.Len() {
		if _, _, err := ReadNPY(bytes.NewReader(b.Bytes()[:n])); err == nil {
			t.Errorf("%d of %d bytes are read", n, b.Len())
		}
	}
	for name, c := range map[string]struct{ text, want string }{
		"a header of gigabytes": {"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "claims a header of"},
		"a length cut off":      {"\x93NUMPY\x02\x00\xff\xff\xff", "header is cut off"},
	} {
		if _, _, err := ReadNPY(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func TestNPYKeepsEveryBitOfFloats(t *testing.T) {
	values := []float32{0, float32(math.Copysign(0, -1)), float32(math.NaN()), float32(math.Inf(1)), math.SmallestNonzeroFloat32, math.MaxFloat32}
	var b bytes.Buffer
	if err := WriteNPY(&b, []int{6}, values); err != nil {
		t.Fatal(err)
	}
	_, got, err := ReadNPY(&b)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		if math.Float32bits(got[i]) != math.Float32bits(v) {
			t.Errorf("%g is read as %g", v, got[i])
		}
	}
}

// full is a writer that takes so many bytes.
type full int

func (f *full) Write(b []byte) (int, error) {
	if *f -= full(len(b)); *f < 0 {
		return 0, errors.New("disk is full")
	}
	return len(b), nil
}

func TestWriteNPYReturnsTheWritersError(t *testing.T) {
	for _, room := range []full{0, 128} {
		if err := WriteNPY(&room, []int{2}, []float32{1, 2}); err == nil {
			t.Error("no error from a full disk")
		}
	}
}
