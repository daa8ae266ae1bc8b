// Package hdf5 reads and writes the part of HDF5 that Keras' weight files
// use: version 0 superblocks, groups as symbol tables, contiguous datasets of
// numbers, and, when writing, attributes of fixed-length strings. Section
// numbers in comments are those of the HDF5 File Format Specification,
// version 3.0.
package hdf5

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/weights/container"
	"github.com/inception-go/inception/internal/weights/element"
)

// undefined is the address of what is not there.
const undefined = ^uint64(0)

// maxDepth bounds how deep groups may lie; Keras' lie four deep.
const maxDepth = 32

// maxName bounds names, which many objects may share.
const maxName = 255

// Read returns the numeric datasets of a file, named by their path without a
// leading slash, in the order of the file's groups, which is by name. Their
// bytes alias file. Datasets of other types are passed over.
func Read(file []byte) ([]element.Tensor, error) {
	r := &reader{file: file, seen: map[uint64]bool{}}
	root, err := r.superblock()
	if err != nil {
		return nil, fmt.Errorf("HDF5: %w", err)
	}
	if err := r.object("", root, 0); err != nil {
		return nil, fmt.Errorf("HDF5: %w", err)
	}
	return r.found, nil
}

// reader walks a file. Every object and every node is visited once: a second
// visit is a loop or a hard link, of which Keras writes none.
type reader struct {
	file  []byte
	seen  map[uint64]bool
	found []element.Tensor
}

var errTruncated = errors.New("an address leaves the file: it is truncated or damaged")

// at returns size bytes at an address.
func (r *reader) at(address, size uint64) ([]byte, error) {
	if address > uint64(len(r.file)) || size > uint64(len(r.file))-address {
		return nil, errTruncated
	}
	return r.file[address : address+size], nil
}

// visit refuses to come to an address twice.
func (r *reader) visit(address uint64) error {
	if r.seen[address] {
		return fmt.Errorf("address %d is reached twice: its groups form a loop", address)
	}
	r.seen[address] = true
	return nil
}

var le = binary.LittleEndian

// superblock returns the address of the root group's object header (II.A).
func (r *reader) superblock() (uint64, error) {
	b, err := r.at(0, 96)
	if err != nil || !bytes.HasPrefix(b, []byte(container.HDF5Signature)) {
		return 0, errors.New("is not an HDF5 file, or is cut off")
	}
	version := b[8]
	if version > 1 {
		return 0, fmt.Errorf("superblock version %d is not read (Keras writes 0); rewrite the file with h5py's default "+
			"libver or with h5repack", version)
	}
	if b[13] != 8 || b[14] != 8 {
		return 0, fmt.Errorf("offsets of %d and lengths of %d bytes are not read, only of 8", b[13], b[14])
	}
	at := 24 // base address
	if version == 1 {
		at += 4
	}
	if base := le.Uint64(b[at:]); base != 0 {
		return 0, fmt.Errorf("base address %d is not read, only 0", base)
	}
	return le.Uint64(b[at+40:]), nil // after base, free space, end, driver, link name
}

// message is a header message of an object.
type message struct {
	kind uint16
	data []byte
}

// Kinds of messages (IV.A.2).
const (
	msgDataspace    = 0x01
	msgLinkInfo     = 0x02
	msgDatatype     = 0x03
	msgLink         = 0x06
	msgLayout       = 0x08
	msgFilters      = 0x0b
	msgContinuation = 0x10
	msgSymbolTable  = 0x11
)

// messages returns the messages of a version 1 object header (IV.A.1.a).
func (r *reader) messages(address uint64) ([]message, error) {
	head, err := r.at(address, 16)
	if err != nil {
		return nil, err
	}
	if head[0] != 1 {
		return nil, fmt.Errorf("the object header at %d is of a version that is not read; rewrite the file with h5py's "+
			"default libver", address)
	}
	count := int(le.Uint16(head[2:]))
	block, err := r.at(address+16, uint64(le.Uint32(head[8:])))
	if err != nil {
		return nil, err
	}
	var messages []message
	blocks := [][]byte{block}
	for len(blocks) > 0 && len(messages) < count {
		block := blocks[0]
		if len(block) < 8 {
			blocks = blocks[1:]
			continue
		}
		m, size := message{kind: le.Uint16(block)}, int(le.Uint16(block[2:]))
		if size > len(block)-8 {
			return nil, fmt.Errorf("a message of the object header at %d leaves its block", address)
		}
		m.data, blocks[0] = block[8:8+size], block[8+size:]
		messages = append(messages, m)
		if m.kind == msgContinuation && size >= 16 {
			more, err := r.at(le.Uint64(m.data), le.Uint64(m.data[8:]))
			if err != nil {
				return nil, err
			}
			if err := r.visit(le.Uint64(m.data)); err != nil {
				return nil, err
			}
			blocks = append(blocks, more)
		}
	}
	return messages, nil
}

// object reads the group or dataset whose header is at an address.
func (r *reader) object(path string, address uint64, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("%s: groups lie more than %d deep", path, maxDepth)
	}
	if err := r.visit(address); err != nil {
		return in(path, err)
	}
	messages, err := r.messages(address)
	if err != nil {
		return in(path, err)
	}
	for _, m := range messages {
		switch {
		case m.kind == msgSymbolTable && len(m.data) >= 16:
			heap, err := r.heap(le.Uint64(m.data[8:]))
			if err == nil {
				err = r.tree(path, le.Uint64(m.data), heap, depth, 0)
			}
			return err
		case m.kind == msgLink || m.kind == msgLinkInfo:
			return fmt.Errorf("%s: is a group of a kind that is not read (Keras does not write it); rewrite the file with "+
				"h5py's default libver", path)
		}
	}
	return r.dataset(path, messages)
}

// in says in which group or dataset an error is; the root group has no name.
func in(path string, err error) error {
	if path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// heap returns the names of a group's members (III.D).
func (r *reader) heap(address uint64) ([]byte, error) {
	head, err := r.at(address, 32)
	if err != nil {
		return nil, err
	}
	if string(head[:4]) != "HEAP" {
		return nil, fmt.Errorf("there is no local heap at %d", address)
	}
	return r.at(le.Uint64(head[24:]), le.Uint64(head[8:]))
}

// tree walks a version 1 B-tree of a group's members (III.A.1).
func (r *reader) tree(path string, address uint64, heap []byte, depth, level int) error {
	if address == undefined { // an empty group
		return nil
	}
	if level > maxDepth {
		return fmt.Errorf("%s: a tree is more than %d levels high", path, maxDepth)
	}
	if err := r.visit(address); err != nil {
		return in(path, err)
	}
	head, err := r.at(address, 24)
	if err != nil {
		return err
	}
	if string(head[:4]) == "SNOD" {
		return r.symbols(path, address, heap, depth)
	}
	if string(head[:4]) != "TREE" || head[4] != 0 {
		return fmt.Errorf("%s: there is no group node at %d", path, address)
	}
	count := uint64(le.Uint16(head[6:]))
	entries, err := r.at(address+24, 8+16*count) // key, child, key, child, ..., key
	if err != nil {
		return err
	}
	for i := range count {
		if err := r.tree(path, le.Uint64(entries[16*i+8:]), heap, depth, level+1); err != nil {
			return err
		}
	}
	return nil
}

// symbols reads a symbol table node (III.B).
func (r *reader) symbols(path string, address uint64, heap []byte, depth int) error {
	head, err := r.at(address, 8)
	if err != nil {
		return err
	}
	count := uint64(le.Uint16(head[6:]))
	entries, err := r.at(address+8, 40*count)
	if err != nil {
		return err
	}
	for i := range count {
		entry := entries[40*i : 40*i+40]
		offset := le.Uint64(entry)
		if offset > uint64(len(heap)) {
			return fmt.Errorf("%s: a name leaves its heap", path)
		}
		name := heap[offset:]
		end := bytes.IndexByte(name, 0)
		if end < 0 || end > maxName {
			return fmt.Errorf("%s: a name has no end within %d bytes", path, maxName)
		}
		if le.Uint32(entry[16:]) == 2 { // a symbolic link
			continue
		}
		member := string(name[:end])
		if path != "" {
			member = path + "/" + member
		}
		if len(member) > 4*maxName {
			return fmt.Errorf("%s: is a path of more than %d bytes", member, 4*maxName)
		}
		if err := r.object(member, le.Uint64(entry[8:]), depth+1); err != nil {
			return err
		}
	}
	return nil
}
