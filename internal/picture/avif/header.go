package avif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// Header is what the properties of an AVIF say (ISO/IEC 23008-12, section 6.5).
type Header struct {
	Width, Height int
	Orientation   int  // 1 to 8, as EXIF has it
	XMP           bool // the file has some

	across, down int     // pixels that share their chroma
	kr, kb       float32 // shares of red and blue in brightness
}

// Memory returns how many bytes Decode takes: libaom's frames in up to 16 bits,
// libavif's picture twice, and what leaves.
func (h Header) Memory() int64 { return 32*int64(h.Width)*int64(h.Height) + 48<<20 }

// Is says whether data begin as those of an AVIF.
func Is(data []byte) bool {
	if len(data) < 16 || string(data[4:8]) != "ftyp" {
		return false
	}
	brands := data[8:max(8, min(int64(len(data)), int64(binary.BigEndian.Uint32(data))))]
	for ; len(brands) >= 4; brands = brands[4:] {
		if b := string(brands[:4]); b == "avif" || b == "avis" {
			return true
		}
	}
	return false
}

// ReadHeader reads the largest size among the properties, which is the
// picture's and not one of its tiles', and the first turn.
func ReadHeader(data []byte) (Header, error) {
	h := Header{Orientation: 1, across: 1, down: 1, kr: 0.299, kb: 0.114}
	turn, mirror := 0, -1
	meta := child(data, "meta")
	if len(meta) < 4 {
		return h, io.ErrUnexpectedEOF
	}
	h.XMP = bytes.Contains(child(meta[4:], "iinf"), []byte("application/rdf+xml"))
	boxes(child(child(meta[4:], "iprp"), "ipco"), func(name string, body []byte) {
		switch {
		case name == "ispe" && len(body) >= 12:
			w, high := int64(binary.BigEndian.Uint32(body[4:])), int64(binary.BigEndian.Uint32(body[8:]))
			if w < 1<<16 && high < 1<<16 && w*high > int64(h.Width)*int64(h.Height) {
				h.Width, h.Height = int(w), int(high)
			}
		case name == "av1C" && len(body) >= 3 && body[2]&0x10 == 0: // not grey
			h.across, h.down = max(h.across, 1+int(body[2]>>3&1)), max(h.down, 1+int(body[2]>>2&1))
		case name == "colr" && len(body) >= 10 && string(body[:4]) == "nclx":
			h.setMatrix(binary.BigEndian.Uint16(body[8:]))
		case name == "irot" && len(body) >= 1:
			turn = int(body[0] & 3)
		case name == "imir" && len(body) >= 1:
			mirror = int(body[0] & 1)
		}
	})
	if h.Width == 0 {
		return h, errors.New("AVIF has no size that there can be")
	}
	// Turns to the left come first, then a mirror: 0 exchanges top and bottom.
	h.Orientation = [3][4]int{{1, 8, 3, 6}, {4, 5, 2, 7}, {2, 7, 4, 5}}[mirror+1][turn]
	return h, nil
}

// setMatrix takes matrix coefficients of ITU-T H.273, table 4.
func (h *Header) setMatrix(code uint16) {
	switch code {
	case 1:
		h.kr, h.kb = 0.2126, 0.0722
	case 4:
		h.kr, h.kb = 0.30, 0.11
	case 7:
		h.kr, h.kb = 0.212, 0.087
	case 9:
		h.kr, h.kb = 0.2627, 0.0593
	}
}

// child returns the content of the first box of that name.
func child(data []byte, name string) (found []byte) {
	boxes(data, func(n string, body []byte) {
		if n == name && found == nil {
			found = body
		}
	})
	return found
}

// boxes calls visit for each box.
func boxes(data []byte, visit func(name string, body []byte)) {
	for len(data) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		if size == 1 && len(data) >= 16 {
			size, head = binary.BigEndian.Uint64(data[8:]), 16
		}
		if size == 0 {
			size = uint64(len(data))
		}
		if size < head {
			return
		}
		end := min(size, uint64(len(data)))
		if end < head {
			return
		}
		visit(string(data[4:8]), data[head:end])
		data = data[end:]
	}
}
