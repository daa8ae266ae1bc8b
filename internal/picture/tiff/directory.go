package tiff

import (
	"encoding/binary"
	"io"
)

// Tags of TIFF 6, and Adobe's for XMP.
const (
	tagWidth       = 256
	tagHeight      = 257
	tagBits        = 258
	tagCompression = 259
	tagPhotometric = 262
	tagFillOrder   = 266
	tagStrips      = 273
	tagSamples     = 277
	tagRows        = 278
	tagStripBytes  = 279
	tagPlanar      = 284
	tagFaxOptions  = 292
	tagPredictor   = 317
	tagPalette     = 320
	tagTileWidth   = 322
	tagTileHeight  = 323
	tagTiles       = 324
	tagTileBytes   = 325
	tagExtra       = 338
	tagFormat      = 339
	tagJPEGTables  = 347
	tagSubsampling = 530
	tagXMP         = 700
	tagOrientation = 274
)

// directory are the entries of a page by their tags.
type directory struct {
	data    []byte
	order   binary.ByteOrder
	entries map[uint16]entry
}

// entry is a tag's values: n of a type, at a place in the file.
type entry struct {
	kind uint16
	n    uint64
	at   uint64
}

// sizes are the bytes of a value of each type.
var sizes = [...]uint64{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8,
	17: 8, 18: 8}

// layout is where things lie in a directory.
type layout struct{ counter, entry, inline int }

var (
	classic = layout{counter: 2, entry: 12, inline: 4}
	big     = layout{counter: 8, entry: 20, inline: 8}
)

// readDirectory reads the entries of the first directory, as many as there are.
func readDirectory(data []byte) (directory, error) {
	d := directory{data: data, order: binary.LittleEndian, entries: map[uint16]entry{}}
	if !Is(data) || len(data) < 8 {
		return d, io.ErrUnexpectedEOF
	}
	if data[0] == 'M' {
		d.order = binary.BigEndian
	}
	l, at := classic, uint64(d.order.Uint32(data[4:]))
	if data[2] == '+' || data[3] == '+' {
		if len(data) < 16 {
			return d, io.ErrUnexpectedEOF
		}
		l, at = big, d.order.Uint64(data[8:])
	}
	if at > uint64(len(data)) || len(data)-int(at) < l.counter {
		return d, io.ErrUnexpectedEOF
	}
	n := d.word(data[at:], l.counter)
	rest := data[int(at)+l.counter:]
	for ; n > 0 && len(rest) >= l.entry; n-- {
		e := entry{kind: d.order.Uint16(rest[2:]), n: d.word(rest[4:], l.inline)}
		place := uint64(len(data) - len(rest) + 4 + l.inline)
		if int(e.kind) < len(sizes) && sizes[e.kind] > 0 {
			if e.n > uint64(l.inline)/sizes[e.kind] {
				place = d.word(rest[4+l.inline:], l.inline)
			}
			e.at = place
			tag := d.order.Uint16(rest)
			if _, twice := d.entries[tag]; !twice {
				d.entries[tag] = e
			}
		}
		rest = rest[l.entry:]
	}
	return d, nil
}

// word reads a number of so many bytes.
func (d directory) word(b []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(d.order.Uint16(b))
	case 4:
		return uint64(d.order.Uint32(b))
	}
	return d.order.Uint64(b)
}

// bytes returns what a tag's values are in the file, as far as it goes.
func (d directory) bytes(tag uint16) []byte {
	e, ok := d.entries[tag]
	end := uint64(len(d.data))
	if !ok || e.at > end {
		return nil
	}
	return d.data[e.at : e.at+min(e.n, (end-e.at)/sizes[e.kind])*sizes[e.kind]]
}

// numbers are the values of a tag of whole numbers. They stay in the file: a few
// megabytes of it may hold several lists of millions.
type numbers struct {
	dir  directory
	b    []byte
	size int
}

// numbers returns the values of a tag, none of one of other than whole numbers.
func (d directory) numbers(tag uint16) numbers {
	e := d.entries[tag]
	switch e.kind {
	case 1, 3, 4, 6, 8, 9, 13, 16, 17, 18:
		return numbers{d, d.bytes(tag), int(sizes[e.kind])}
	}
	return numbers{size: 1}
}

func (n numbers) len() int { return len(n.b) / n.size }

func (n numbers) at(i int) uint64 { return n.dir.word(n.b[i*n.size:], n.size) }

// number returns the first value of a tag, otherwise if there is none.
func (d directory) number(tag uint16, otherwise uint64) uint64 {
	if values := d.numbers(tag); values.len() > 0 {
		return values.at(0)
	}
	return otherwise
}
