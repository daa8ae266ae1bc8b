package hdf5

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/inception-go/inception/internal/weights/container"
)

// Group is a group to write.
type Group struct {
	Name     string
	Attrs    []Attr
	Groups   []*Group
	Datasets []Dataset
}

// Attr is an attribute: an array of strings, or one string if Scalar.
type Attr struct {
	Name    string
	Strings []string
	Scalar  bool
}

// Dataset is a float32 dataset.
type Dataset struct {
	Name   string
	Shape  []int
	Values []float32
}

// A group's members lie in nodes of at most 2*leafK, which a single B-tree
// node of at most 2*internalK lists: 256 members.
const leafK, internalK = 4, 16

// Write writes a file whose root group is root. The same root gives the same
// bytes.
func Write(out io.Writer, root *Group) error {
	// The structures' sizes do not depend on the addresses in them, so that a
	// first pass tells where the data begins.
	w := &writer{}
	if err := w.file(root); err != nil {
		return fmt.Errorf("HDF5: %w", err)
	}
	w = &writer{next: (w.Len() + 7) &^ 7}
	_ = w.file(root)
	w.align()
	if _, err := out.Write(w.Bytes()); err != nil {
		return err
	}
	for _, values := range w.data {
		if err := binary.Write(out, le, values); err != nil {
			return err
		}
	}
	return nil
}

// writer appends structures; their data comes after all of them.
type writer struct {
	bytes.Buffer
	next int // where the next dataset's data goes
	data [][]float32
}

func (w *writer) u8(v ...byte)  { w.Write(v) }
func (w *writer) u16(v int)     { w.Write(le.AppendUint16(nil, uint16(v))) }
func (w *writer) u32(v int)     { w.Write(le.AppendUint32(nil, uint32(v))) }
func (w *writer) u64(v uint64)  { w.Write(le.AppendUint64(nil, v)) }
func (w *writer) align()        { w.Write(make([]byte, -w.Len()&7)) }
func (w *writer) address() int  { w.align(); return w.Len() }
func (w *writer) set(at, v int) { le.PutUint64(w.Bytes()[at:], uint64(v)) }

// file writes the superblock and the root group (II.A).
func (w *writer) file(root *Group) error {
	w.WriteString(container.HDF5Signature)
	w.u8(0, 0, 0, 0, 0, 8, 8, 0)
	w.u16(leafK)
	w.u16(internalK)
	w.u32(0)
	w.u64(0) // base
	w.u64(undefined)
	end := w.Len()
	w.u64(0)
	w.u64(undefined)
	w.u64(0) // the root's name
	header := w.Len()
	w.u64(0)
	w.u32(0) // cache type: nothing cached
	w.u32(0)
	w.u64(0)
	w.u64(0)
	at, err := w.group(root)
	w.set(header, at)
	w.set(end, w.next)
	return err
}

// group writes a group, its members first, and returns its address.
func (w *writer) group(g *Group) (int, error) {
	type member struct {
		name    string
		address int
	}
	var members []member
	for _, inner := range g.Groups {
		at, err := w.group(inner)
		if err != nil {
			return 0, err
		}
		members = append(members, member{inner.Name, at})
	}
	for _, d := range g.Datasets {
		at, err := w.dataset(d)
		if err != nil {
			return 0, err
		}
		members = append(members, member{d.Name, at})
	}
	if len(members) > 4*leafK*internalK {
		return 0, fmt.Errorf("group %s has %d members, at most %d can be written", g.Name, len(members), 4*leafK*internalK)
	}
	slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.name, b.name) })

	names := make([]byte, 8) // the empty name, which is the first key
	offsets := make([]int, len(members))
	for i, m := range members {
		offsets[i] = len(names)
		names = append(names, m.name...)
		names = append(names, make([]byte, 8-len(m.name)%8)...)
	}
	heap := w.heap(names)
	var nodes, keys []int
	for from := 0; from < len(members); from += 2 * leafK {
		to := min(from+2*leafK, len(members))
		nodes = append(nodes, w.address())
		keys = append(keys, offsets[to-1])
		w.WriteString("SNOD")
		w.u8(1, 0)
		w.u16(to - from)
		for i := from; i < from+2*leafK; i++ {
			if i >= to {
				w.Write(make([]byte, 40))
				continue
			}
			w.u64(uint64(offsets[i]))
			w.u64(uint64(members[i].address))
			w.Write(make([]byte, 24))
		}
	}
	tree := w.tree(nodes, keys)
	var table writer
	table.u64(uint64(tree))
	table.u64(uint64(heap))
	messages := []message{{msgSymbolTable, table.Bytes()}}
	for _, a := range g.Attrs {
		m, err := attribute(a)
		if err != nil {
			return 0, fmt.Errorf("group %s: %w", g.Name, err)
		}
		messages = append(messages, m)
	}
	return w.object(messages), nil
}

// heap writes a local heap that is full (III.D).
func (w *writer) heap(names []byte) int {
	at := w.address()
	w.WriteString("HEAP")
	w.u8(0, 0, 0, 0)
	w.u64(uint64(len(names)))
	w.u64(1) // no free block: H5HL_FREE_NULL
	w.u64(uint64(at + 32))
	w.Write(names)
	return at
}

// tree writes the B-tree node over a group's symbol nodes (III.A.1).
func (w *writer) tree(nodes, keys []int) int {
	at := w.address()
	w.WriteString("TREE")
	w.u8(0, 0)
	w.u16(len(nodes))
	w.u64(undefined)
	w.u64(undefined)
	w.u64(0)
	for i := range 2 * internalK {
		if i < len(nodes) {
			w.u64(uint64(nodes[i]))
			w.u64(uint64(keys[i]))
		} else {
			w.Write(make([]byte, 16))
		}
	}
	return at
}

// object writes a version 1 object header (IV.A.1.a).
func (w *writer) object(messages []message) int {
	at := w.address()
	size := 0
	for _, m := range messages {
		size += 8 + (len(m.data)+7)&^7
	}
	w.u8(1, 0)
	w.u16(len(messages))
	w.u32(1)
	w.u32(size)
	w.u32(0)
	for _, m := range messages {
		w.u16(int(m.kind))
		w.u16((len(m.data) + 7) &^ 7)
		w.u32(0)
		w.Write(m.data)
		w.align()
	}
	return at
}

// float32Type is the datatype message of IEEE float32 (IV.A.2.d): version 1
// class 1, mantissa normalised with an implied bit, sign at 31.
var float32Type = []byte{0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0}

// dataset writes a dataset's header and claims room for its data.
func (w *writer) dataset(d Dataset) (int, error) {
	count := 1
	for _, n := range d.Shape {
		count *= n
	}
	if count != len(d.Values) || count == 0 {
		return 0, fmt.Errorf("dataset %s of shape %v has %d values", d.Name, d.Shape, len(d.Values))
	}
	var layout, fill writer
	layout.u8(3, 1)
	layout.u64(uint64(w.next))
	layout.u64(uint64(4 * count))
	fill.u8(2, 2, 2, 0) // version 2, allocated late, fill if set, not set
	w.next += 4 * count
	w.data = append(w.data, d.Values)
	return w.object([]message{
		{msgDataspace, dataspace(d.Shape)}, {msgDatatype, float32Type}, {0x05, fill.Bytes()}, {msgLayout, layout.Bytes()},
	}), nil
}

// dataspace is the message of a shape, version 1.
func dataspace(shape []int) []byte {
	var w writer
	w.u8(1, byte(len(shape)), 0, 0, 0, 0, 0, 0)
	for _, d := range shape {
		w.u64(uint64(d))
	}
	return w.Bytes()
}

// attribute is the message of an attribute, version 1 (IV.A.2.m): its parts
// are padded to multiples of 8.
func attribute(a Attr) (message, error) {
	width := 1
	for _, s := range a.Strings {
		width = max(width, len(s))
	}
	var kind, w writer
	kind.u8(0x13, 1, 0, 0) // version 1, class string, null-padded ASCII
	kind.u32(width)
	space := dataspace([]int{len(a.Strings)})
	if a.Scalar {
		space = dataspace(nil)
	}
	w.u8(1, 0)
	w.u16(len(a.Name) + 1)
	w.u16(kind.Len())
	w.u16(len(space))
	w.WriteString(a.Name + "\x00")
	w.align()
	w.Write(kind.Bytes())
	w.align()
	w.Write(space)
	w.align()
	for _, s := range a.Strings {
		w.WriteString(s)
		w.Write(make([]byte, width-len(s)))
	}
	if w.Len() > math.MaxUint16-8 {
		return message{}, fmt.Errorf("attribute %s takes %d bytes, at most %d can be written",
			a.Name, w.Len(), math.MaxUint16-8)
	}
	return message{0x0c, w.Bytes()}, nil
}
