package pytorch

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// Tensor is one tensor to write: Values become float32, Ints int64.
type Tensor struct {
	Name   string
	Shape  []int
	Values []float32
	Ints   []int64 // in place of Values
}

// alignment is where torch.save begins every storage.
const alignment = 64

// aboutEntry is an entry of the archive beside those that torch.save writes, which
// torch.load does not look at. A file that PyTorch writes again does not have it.
const aboutEntry = "inception.json"

// Write writes a state dict as torch.save does since PyTorch 1.6, and beside it about,
// which Read returns. The same tensors give the same bytes.
func Write(out io.Writer, tensors []Tensor, about []byte) error {
	counted := &counter{out: out}
	archive := zip.NewWriter(counted)
	add := func(name string, data []byte) error { return addStored(archive, counted, "archive/"+name, data) }
	if err := add("data.pkl", pickleStateDict(tensors)); err != nil {
		return err
	}
	if err := add("byteorder", []byte("little")); err != nil {
		return err
	}
	for i, t := range tensors {
		if err := add(fmt.Sprintf("data/%d", i), t.bytes()); err != nil {
			return err
		}
	}
	if err := add("version", []byte("3\n")); err != nil {
		return err
	}
	if about != nil {
		if err := add(aboutEntry, about); err != nil {
			return err
		}
	}
	return archive.Close()
}

// bytes returns the elements, little-endian.
func (t Tensor) bytes() []byte {
	var values any = t.Values
	if t.Ints != nil {
		values = t.Ints
	}
	b, _ := binary.Append(nil, binary.LittleEndian, values) // slices of numbers always encode
	return b
}

// addStored adds an uncompressed entry that begins at a multiple of the
// alignment, through a padding field that torch.save also names "FB".
func addStored(archive *zip.Writer, at *counter, name string, data []byte) error {
	if err := archive.Flush(); err != nil {
		return err
	}
	const localHeader, fieldHeader = 30, 4
	begin := at.n + localHeader + len(name) + fieldHeader
	padding := (alignment - begin%alignment) % alignment
	extra := append([]byte{'F', 'B', byte(padding), 0}, bytes.Repeat([]byte{'Z'}, padding)...)
	w, err := archive.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, Extra: extra, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	})
	if err != nil {
		return err
	}
	_, err = w.Write(data)
	return err
}

// counter knows how far a writer has come.
type counter struct {
	out io.Writer
	n   int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.out.Write(b)
	c.n += n
	return n, err
}

// pickleStateDict returns the pickle, protocol 2, of an OrderedDict of
// tensors, each the whole of a storage of its own.
func pickleStateDict(tensors []Tensor) []byte {
	var p pickler
	p.WriteString("\x80\x02")
	p.WriteString("ccollections\nOrderedDict\n)R(")
	for i, t := range tensors {
		p.text(t.Name)
		storageClass := "FloatStorage"
		if t.Ints != nil {
			storageClass = "LongStorage"
		}
		p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
		p.text("storage")
		fmt.Fprintf(&p, "ctorch\n%s\n", storageClass)
		p.text(fmt.Sprint(i))
		p.text("cpu")
		p.integer(len(t.Values) + len(t.Ints))
		p.WriteString("tQ") // the persistent id's tuple becomes the storage
		p.integer(0)
		strides := make([]int, len(t.Shape))
		step := 1
		for i := len(t.Shape) - 1; i >= 0; i-- {
			strides[i] = step
			step *= t.Shape[i]
		}
		p.integers(t.Shape)
		p.integers(strides)
		p.WriteString("\x89ccollections\nOrderedDict\n)RtR") // requires_grad, hooks
	}
	p.WriteString("u.")
	return p.Bytes()
}

// pickler appends pickle opcodes.
type pickler struct{ bytes.Buffer }

func (p *pickler) text(s string) {
	p.WriteByte('X')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
}

func (p *pickler) integer(n int) {
	if n > math.MaxInt32 { // LONG1 of eight bytes
		p.WriteString("\x8a\x08")
		p.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
		return
	}
	p.WriteByte('J')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

func (p *pickler) integers(values []int) {
	p.WriteByte('(')
	for _, v := range values {
		p.integer(v)
	}
	p.WriteByte('t')
}
