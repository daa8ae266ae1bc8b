package tfckpt

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/tfrecord"
	"github.com/inception-go/inception/internal/weights/container"
)

const footerSize = 48

// maxRatio bounds what Snappy unpacks to: a copy of three bytes makes 64.
const maxRatio = 32

var errTable = errors.New("table: is damaged")

// table walks the pairs of a sorted string table, LevelDB's format, in which
// TensorFlow keeps V1 checkpoints and the index of V2 ones, in the order of
// their keys. A value may alias file.
func table(file []byte, each func(key, value []byte) error) error {
	if len(file) < footerSize || binary.LittleEndian.Uint64(file[len(file)-8:]) != container.TensorFlowMagic {
		return errors.New("does not end like a checkpoint of TensorFlow: it is truncated or something else")
	}
	footer := handle(file[len(file)-footerSize:])
	for range 2 { // the metaindex, which is empty, then the index
		if !footer.ok() {
			return errTable
		}
	}
	// Blocks that are listed twice would be unpacked and read twice: what they
	// unpack to is bounded, and the keys of the whole table must rise.
	unpacked := maxRatio * len(file)
	index, err := footer.block(file, &unpacked)
	if err != nil {
		return err
	}
	last, first := "", true
	rising := func(key, value []byte) error {
		if !first && string(key) <= last {
			return fmt.Errorf("table: key %q comes after %q", key, last)
		}
		last, first = string(key), false
		return each(key, value)
	}
	return pairs(index, func(_, value []byte) error {
		at := handle(value)
		if !at.ok() {
			return errTable
		}
		block, err := at.block(file, &unpacked)
		if err != nil {
			return err
		}
		return pairs(block, rising)
	})
}

// blockHandle is where a block lies.
type blockHandle struct {
	rest         []byte
	offset, size uint64
}

func handle(b []byte) *blockHandle { return &blockHandle{rest: b} }

// ok reads the next handle.
func (h *blockHandle) ok() bool {
	for _, v := range []*uint64{&h.offset, &h.size} {
		value, n := binary.Uvarint(h.rest)
		if n <= 0 {
			return false
		}
		*v, h.rest = value, h.rest[n:]
	}
	return true
}

// block returns a block's content, checked by its CRC and unpacked, which
// takes from what may be unpacked in all.
func (h *blockHandle) block(file []byte, unpacked *int) ([]byte, error) {
	const trailer = 5 // compression, CRC
	n := uint64(len(file))
	if h.offset > n || h.size > n || h.offset+h.size+trailer > n {
		return nil, fmt.Errorf("table: a block leaves the file: it is truncated or damaged")
	}
	b := file[h.offset : h.offset+h.size+trailer]
	if binary.LittleEndian.Uint32(b[h.size+1:]) != tfrecord.Sum(b[:h.size+1]) {
		return nil, fmt.Errorf("table: the block at byte %d does not match its checksum: the file is damaged", h.offset)
	}
	switch b[h.size] {
	case 0:
		return b[:h.size], nil
	case 1:
		out, err := unsnap(b[:h.size], *unpacked)
		*unpacked -= len(out)
		return out, err
	}
	return nil, fmt.Errorf("table: compression %d is unknown", b[h.size])
}

// pairs walks a block: keys share a prefix with the one before, and an array
// of restart points stands at the end.
func pairs(block []byte, each func(key, value []byte) error) error {
	if len(block) < 4 {
		return errTable
	}
	restarts := uint64(binary.LittleEndian.Uint32(block[len(block)-4:]))
	if restarts > uint64(len(block)-4)/4 {
		return errTable
	}
	block = block[:uint64(len(block)-4)-4*restarts]
	var key []byte
	for len(block) > 0 {
		var lengths [3]uint64 // shared with the key before, own part of the key, value
		for i := range lengths {
			v, n := binary.Uvarint(block)
			if n <= 0 {
				return errTable
			}
			lengths[i], block = v, block[n:]
		}
		shared, own, value := lengths[0], lengths[1], lengths[2]
		if shared > uint64(len(key)) || own > uint64(len(block)) || value > uint64(len(block))-own || own > maxKey {
			return errTable
		}
		key = append(key[:shared], block[:own]...)
		if len(key) > maxKey {
			return errTable
		}
		if err := each(key, block[own:own+value]); err != nil {
			return err
		}
		block = block[own+value:]
	}
	return nil
}

// maxKey bounds a key, of which prefixes make many from few bytes.
const maxKey = 1024

// unsnap unpacks Snappy's raw format
// (github.com/google/snappy/blob/main/format_description.txt).
func unsnap(b []byte, limit int) ([]byte, error) {
	size, n := binary.Uvarint(b)
	b = b[max(n, 0):]
	if n <= 0 || size > maxRatio*uint64(len(b)) || size > uint64(limit) {
		return nil, errTable
	}
	out := make([]byte, 0, size)
	for len(b) > 0 {
		tag := b[0]
		b = b[1:]
		length, offset, used := snapElement(tag, b)
		if used > len(b) {
			return nil, errTable
		}
		b = b[used:]
		if uint64(len(out)+length) > size || length < 0 {
			return nil, errTable
		}
		if tag&3 == 0 {
			if length > len(b) {
				return nil, errTable
			}
			out, b = append(out, b[:length]...), b[length:]
			continue
		}
		if offset < 1 || offset > len(out) {
			return nil, errTable
		}
		for range length { // byte by byte: a copy may overlap itself
			out = append(out, out[len(out)-offset])
		}
	}
	if uint64(len(out)) != size {
		return nil, errTable
	}
	return out, nil
}

// snapElement reads an element's length and a copy's offset, and says how
// many bytes they take after the tag.
func snapElement(tag byte, b []byte) (length, offset, used int) {
	extra := func(n int) (v int) {
		for i := range min(n, len(b)) {
			v |= int(b[i]) << (8 * i)
		}
		return v
	}
	switch tag & 3 {
	case 0: // literal: lengths from 61 on stand in 1 to 4 bytes
		length = int(tag>>2) + 1
		if length > 60 {
			used = length - 60
			length = extra(used) + 1
		}
	case 1:
		return int(tag>>2)&7 + 4, int(tag>>5)<<8 | extra(1), 1
	case 2:
		return int(tag>>2) + 1, extra(2), 2
	case 3:
		return int(tag>>2) + 1, extra(4), 4
	}
	return length, 0, used
}
