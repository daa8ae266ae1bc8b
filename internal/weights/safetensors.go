package weights

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"

	"github.com/inception-go/inception/internal/textfile"
	"github.com/inception-go/inception/internal/weights/container"
	"github.com/inception-go/inception/internal/weights/element"
)

// maxHeader is the limit that the reference implementation sets.
const maxHeader = 100_000_000

// maxTensors bounds the work that a header can ask for with tensors that take
// no bytes of the file; the largest networks here have under two thousand.
const maxTensors = 50_000

// metadataKey is the header's entry of free strings.
const metadataKey = "__metadata__"

// Info describes one tensor of a file.
type Info struct {
	Name  string
	DType element.Type
	Shape []int // empty for a scalar

	begin, end uint64 // within the data section
}

// Count returns the number of elements.
func (i Info) Count() int {
	n := 1
	for _, d := range i.Shape {
		n *= d
	}
	return n
}

// Tensors is an open safetensors file. Its values are read when asked for.
type Tensors struct {
	Metadata map[string]string // the header's free strings, never nil

	path    string
	infos   []Info // in the order of their data
	byName  map[string]int
	data    []byte // after the header
	release func() error
}

// ErrNotSafetensors says that a file does not even begin as a safetensors file does.
var ErrNotSafetensors = errors.New("is not a safetensors file")

// ReadTensors opens a safetensors file and checks all of its header: every
// tensor lies inside the file, none overlaps another, and no byte is left over.
func ReadTensors(path string) (*Tensors, error) {
	file, release, err := container.Open(path)
	if err != nil {
		return nil, err
	}
	t := &Tensors{path: path, release: release}
	if err := container.Guard(func() error { return t.parse(file) }); err != nil {
		_ = release()
		return nil, &container.FileError{Path: path, Err: err}
	}
	return t, nil
}

// Close lets go of the file.
func (t *Tensors) Close() error {
	release := t.release
	t.release, t.data = nil, nil
	if release == nil {
		return nil
	}
	return release()
}

// Infos lists the tensors in the order of their data. It must not be changed.
func (t *Tensors) Infos() []Info { return t.infos }

// Info looks a tensor up by name.
func (t *Tensors) Info(name string) (Info, bool) {
	i, ok := t.byName[name]
	if !ok {
		return Info{}, false
	}
	return t.infos[i], true
}

// Floats returns a tensor's values, converted to float32.
func (t *Tensors) Floats(name string) ([]float32, error) {
	info, ok := t.Info(name)
	if !ok {
		return nil, fmt.Errorf("%s: has no tensor %q", t.path, name)
	}
	return t.appendFloats(make([]float32, 0, info.Count()), info)
}

// appendFloats appends a tensor's values to dst.
func (t *Tensors) appendFloats(dst []float32, info Info) ([]float32, error) {
	if t.data == nil {
		return nil, fmt.Errorf("%s: is closed", t.path)
	}
	err := container.Guard(func() (err error) {
		dst, err = element.Decode(dst, info.DType, t.data[info.begin:info.end])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: tensor %q: %w", t.path, info.Name, err)
	}
	return dst, nil
}

// parse reads the header of a whole file.
func (t *Tensors) parse(file []byte) error {
	if len(file) < 8 {
		return fmt.Errorf("%w: has %d bytes, a header's length alone takes 8", ErrNotSafetensors, len(file))
	}
	size := binary.LittleEndian.Uint64(file)
	rest := file[8:]
	switch {
	case len(rest) == 0 || rest[0] != '{':
		return fmt.Errorf("%w: byte 8 does not begin a JSON header", ErrNotSafetensors)
	case size > maxHeader:
		return fmt.Errorf("claims a header of %d bytes, the format allows %d", size, maxHeader)
	case size > uint64(len(rest)):
		return fmt.Errorf("claims a header of %d bytes but ends after %d: it is truncated", size, len(rest))
	}
	t.data = rest[size:]
	t.Metadata = map[string]string{}
	if err := t.parseHeader(rest[:size]); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	return t.checkCover()
}

// headerEntry is a tensor's JSON.
type headerEntry struct {
	DType   element.Type `json:"dtype"`
	Shape   *[]uint64    `json:"shape"`
	Offsets *[]*uint64   `json:"data_offsets"`
}

// parseHeader fills infos, Metadata and byName. It walks the object's tokens,
// because a map would let a repeated name pass.
func (t *Tensors) parseHeader(header []byte) error {
	dec := json.NewDecoder(bytes.NewReader(header))
	if _, err := dec.Token(); err != nil {
		return err
	}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		if seen[name] {
			return fmt.Errorf("names %q twice", name)
		}
		seen[name] = true
		if len(seen) > maxTensors {
			return fmt.Errorf("names more than %d tensors, so these are not the weights of one network", maxTensors)
		}
		if name == metadataKey {
			if err := dec.Decode(&t.Metadata); err != nil {
				return fmt.Errorf("%s: %w", metadataKey, textfile.JSONError(err))
			}
			continue
		}
		var entry headerEntry
		if err := dec.Decode(&entry); err != nil {
			return fmt.Errorf("tensor %q: %w", name, textfile.JSONError(err))
		}
		info, err := entry.info(name)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		t.infos = append(t.infos, info)
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("goes on after its closing brace")
	}
	if t.Metadata == nil { // "__metadata__": null
		t.Metadata = map[string]string{}
	}
	return nil
}

// info checks an entry by itself: known type, and a shape that takes exactly
// the bytes that the offsets span.
func (e headerEntry) info(name string) (Info, error) {
	width := uint64(e.DType.Size())
	if width == 0 {
		return Info{}, fmt.Errorf("element type %q is unknown", e.DType)
	}
	if e.Shape == nil || e.Offsets == nil || len(*e.Offsets) != 2 || (*e.Offsets)[0] == nil || (*e.Offsets)[1] == nil {
		return Info{}, fmt.Errorf("needs a shape and two data_offsets")
	}
	info := Info{Name: name, DType: e.DType, Shape: make([]int, len(*e.Shape))}
	info.begin, info.end = *(*e.Offsets)[0], *(*e.Offsets)[1]
	if info.begin > info.end {
		return Info{}, fmt.Errorf("ends at %d, before it begins at %d", info.end, info.begin)
	}
	total := width
	for i, d := range *e.Shape {
		high, low := bits.Mul64(total, d)
		if high != 0 || d > math.MaxInt || low > math.MaxInt {
			return Info{}, fmt.Errorf("shape %v overflows", *e.Shape)
		}
		total, info.Shape[i] = low, int(d)
	}
	if total != info.end-info.begin {
		return Info{}, fmt.Errorf("shape %v of %s takes %d bytes, the offsets span %d", *e.Shape, e.DType, total,
			info.end-info.begin)
	}
	return info, nil
}

// checkCover sorts the tensors by their data and checks that they cover the
// data section without overlap and without a gap.
func (t *Tensors) checkCover() error {
	slices.SortStableFunc(t.infos, func(a, b Info) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	t.byName = make(map[string]int, len(t.infos))
	var at uint64
	for i, info := range t.infos {
		switch {
		case info.end > uint64(len(t.data)):
			return fmt.Errorf("tensor %q ends at byte %d of the data, which has %d: the file is truncated or damaged",
				info.Name, info.end, len(t.data))
		case info.begin < at:
			return fmt.Errorf("tensor %q begins at byte %d, inside the tensor before it", info.Name, info.begin)
		case info.begin > at:
			return fmt.Errorf("tensor %q begins at byte %d, %d bytes after the tensor before it", info.Name, info.begin,
				info.begin-at)
		}
		at = info.end
		t.byName[info.Name] = i
	}
	if at != uint64(len(t.data)) {
		return fmt.Errorf("the tensors end at byte %d of the data, which has %d", at, len(t.data))
	}
	return nil
}
