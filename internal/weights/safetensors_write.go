package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/weights/element"
)

// Tensor is one tensor to write, with one of its slices: Values become F32, Ints
// I64, Int32s I32 and Int8s I8. An empty Shape is a scalar.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float32
	Ints   []int64
	Int32s []int32
	Int8s  []int8
}

// WriteTensors writes a safetensors file, all or nothing (see atomicfile). The
// same tensors and metadata give the same bytes.
func WriteTensors(path string, tensors []Tensor, metadata map[string]string) error {
	return writeTensors(path, tensors, metadata, atomicfile.Write)
}

// WriteCheckpoint is WriteTensors with checksums, and the file that was at
// path is called before from then on.
func WriteCheckpoint(path, before string, tensors []Tensor, metadata map[string]string) error {
	metadata = maps.Clone(metadata)
	addChecksums(tensors, metadata)
	return writeTensors(path, tensors, metadata, func(path string, write func(io.Writer) error) error {
		return atomicfile.WriteKeeping(path, before, write)
	})
}

func writeTensors(path string, tensors []Tensor, metadata map[string]string,
	replace func(path string, write func(io.Writer) error) error) error {
	order := slices.Clone(tensors)
	// The widest elements first: then every tensor is aligned in the file, as
	// the reference implementation has it.
	slices.SortStableFunc(order, func(a, b Tensor) int { return b.width() - a.width() })
	header, err := encodeHeader(order, metadata)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return replace(path, func(out io.Writer) error {
		if _, err := out.Write(header); err != nil {
			return err
		}
		for _, t := range order {
			if err := t.write(out); err != nil {
				return err
			}
		}
		return nil
	})
}

// dtype returns the type of the elements.
func (t Tensor) dtype() element.Type {
	switch {
	case t.Ints != nil:
		return element.I64
	case t.Int32s != nil:
		return element.I32
	case t.Int8s != nil:
		return element.I8
	}
	return element.F32
}

// width returns the bytes of an element.
func (t Tensor) width() int { return t.dtype().Size() }

// check returns the bytes that the tensor takes, or what is wrong with it.
func (t Tensor) check() (int, error) {
	count := 1
	for _, d := range t.Shape {
		count *= d
	}
	switch {
	case t.Name == "" || t.Name == metadataKey:
		return 0, fmt.Errorf("no tensor can be named %q", t.Name)
	case !t.oneSlice():
		return 0, fmt.Errorf("tensor %q has values of several types", t.Name)
	case count != t.len():
		return 0, fmt.Errorf("tensor %q of shape %v has %d values", t.Name, t.Shape, t.len())
	}
	return count * t.width(), nil
}

// len returns the number of elements.
func (t Tensor) len() int { return len(t.Values) + len(t.Ints) + len(t.Int32s) + len(t.Int8s) }

// oneSlice reports whether not more than one slice is there.
func (t Tensor) oneSlice() bool {
	slices := 0
	for _, there := range []bool{t.Values != nil, t.Ints != nil, t.Int32s != nil, t.Int8s != nil} {
		if there {
			slices++
		}
	}
	return slices <= 1
}

// encodeHeader returns the length and the JSON, padded with spaces so that
// the data begins at a multiple of 8.
func encodeHeader(tensors []Tensor, metadata map[string]string) ([]byte, error) {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteByte('{')
	if len(metadata) > 0 {
		fmt.Fprintf(&b, "%s:{", quote(metadataKey))
		for i, key := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "%s:%s", quote(key), quote(metadata[key]))
		}
		b.WriteByte('}')
	}
	seen := map[string]bool{}
	at := 0
	for i, t := range tensors {
		size, err := t.check()
		if err != nil {
			return nil, err
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("tensor %q comes twice", t.Name)
		}
		seen[t.Name] = true
		if i > 0 || len(metadata) > 0 {
			b.WriteByte(',')
		}
		shape, _ := json.Marshal(append([]int{}, t.Shape...))
		fmt.Fprintf(&b, `%s:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, quote(t.Name), t.dtype(), shape, at, at+size)
		at += size
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len()-8 > maxHeader {
		return nil, fmt.Errorf("the header takes %d bytes, the format allows %d", b.Len()-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(b.Bytes(), uint64(b.Len()-8))
	return b.Bytes(), nil
}

// quote returns s as JSON, without the escapes for HTML.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
}

// write appends the tensor's bytes to out.
func (t Tensor) write(out io.Writer) error {
	var values any = t.Values
	switch t.dtype() {
	case element.I64:
		values = t.Ints
	case element.I32:
		values = t.Int32s
	case element.I8:
		values = t.Int8s
	}
	return binary.Write(out, binary.LittleEndian, values)
}
