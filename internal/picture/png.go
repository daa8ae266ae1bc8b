package picture

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

var pngFormat = format{
	name: "PNG", ending: ".png", is: beginsWith(pngMagic), orientation: pngOrientation,
	measure: func(data []byte) (header, error) {
		p, err := readPNG(data)
		return header{p.w, p.h, 3*int64(p.w)*int64(p.h) + 16*int64(p.w) + 1<<16}, err
	},
	decode: decodePNG,
}

// pngPicture is a file of the format of RFC 2083.
type pngPicture struct {
	w, h        int
	depth, kind int // bits a sample, colour type
	interlaced  bool
	palette     [256][4]uint8 // red, green, blue, opacity
	transparent []byte        // tRNS of pictures without a palette
	data        [][]byte      // of the IDAT chunks
	exif, xmp   []byte
	rawExif     []byte // of a text chunk, which counts if there is no other
	damaged     bool   // the palette's checksum is wrong
}

// Colour types.
const (
	pngGrey      = 0
	pngRGB       = 2
	pngIndexed   = 3
	pngGreyAlpha = 4
	pngRGBA      = 6
)

// samples are how many a pixel has.
func (p *pngPicture) samples() int {
	switch p.kind {
	case pngRGB:
		return 3
	case pngGreyAlpha:
		return 2
	case pngRGBA:
		return 4
	}
	return 1
}

// readPNG reads the chunks. The end chunk is not missed, nor is data's own
// checksum looked at, which zlib's repeats.
func readPNG(data []byte) (*pngPicture, error) {
	p := &pngPicture{}
	rest := data[len(pngMagic):]
	for len(rest) >= 8 {
		n, name := int64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
		whole := n <= int64(len(rest)-8)
		body := rest[8:min(8+n, int64(len(rest)))]
		sound := whole && len(rest) >= int(12+n) &&
			crc32.ChecksumIEEE(rest[4:8+n]) == binary.BigEndian.Uint32(rest[8+n:])
		rest = rest[min(12+n, int64(len(rest))):]
		if p.depth == 0 && name != "IHDR" {
			return p, errors.New("PNG does not begin with its header")
		}
		if name == "IDAT" {
			p.data = append(p.data, body)
			continue
		}
		if !whole || name == "IEND" {
			break
		}
		if !sound && name == "IHDR" {
			return p, errors.New("PNG header has a wrong checksum")
		}
		p.damaged = p.damaged || !sound && (name == "PLTE" || name == "tRNS")
		if err := p.chunk(name, body); err != nil {
			return p, err
		}
	}
	if p.depth == 0 {
		return p, io.ErrUnexpectedEOF
	}
	return p, nil
}

// chunk reads a chunk that is not of pixels.
func (p *pngPicture) chunk(name string, body []byte) error {
	switch name {
	case "IHDR":
		if len(body) < 13 {
			return fmt.Errorf("PNG header has %d bytes", len(body))
		}
		w, h := binary.BigEndian.Uint32(body), binary.BigEndian.Uint32(body[4:])
		if w > 1<<31-1 || h > 1<<31-1 {
			return fmt.Errorf("PNG of %dx%d pixels", w, h)
		}
		p.w, p.h, p.depth, p.kind, p.interlaced = int(w), int(h), int(body[8]), int(body[9]), body[12] == 1
		for i := range p.palette {
			p.palette[i][3] = 255
		}
		return p.check()
	case "PLTE":
		for i := 0; i < 256 && 3*i+3 <= len(body); i++ {
			copy(p.palette[i][:3], body[3*i:])
		}
	case "tRNS":
		p.transparent = body
		for i := 0; p.kind == pngIndexed && i < min(256, len(body)); i++ {
			p.palette[i][3] = body[i]
		}
	case "eXIf":
		p.exif = bytes.TrimPrefix(body, []byte("Exif\x00\x00"))
	case "tEXt", "zTXt", "iTXt":
		p.text(name, body)
	}
	return nil
}

// text takes metadata out of a chunk of text (PNG 1.2, section 4.2.3): XMP, and
// EXIF as ImageMagick wrote it before there was a chunk for it.
func (p *pngPicture) text(name string, body []byte) {
	keyword, text, _ := bytes.Cut(body, []byte{0})
	switch {
	case name == "iTXt" && string(keyword) == "XML:com.adobe.xmp":
		if len(text) < 2 {
			return
		}
		compressed := text[0] == 1
		text = afterZero(afterZero(text[2:])) // the language, the keyword's translation
		if compressed {
			text = inflated(text)
		}
		p.xmp = text
	case name != "iTXt" && string(keyword) == "Raw profile type exif" && p.rawExif == nil:
		if name == "zTXt" && len(text) > 0 {
			text = inflated(text[1:])
		}
		p.rawExif = unhexed(text)
	}
}

func afterZero(text []byte) []byte {
	_, rest, _ := bytes.Cut(text, []byte{0})
	return rest
}

// inflated decompresses metadata, as much as can be of use.
func inflated(data []byte) []byte {
	const most = 1 << 20
	z, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	plain, _ := io.ReadAll(io.LimitReader(z, most)) // what can be read will do
	return plain
}

// unhexed reads a raw profile: an empty line, its kind, its length, and lines
// of hexadecimal digits.
func unhexed(text []byte) []byte {
	lines := bytes.Split(text, []byte{'\n'})
	if len(lines) < 4 {
		return nil
	}
	plain, err := hex.DecodeString(string(bytes.Join(lines[3:], nil)))
	if err != nil {
		return nil
	}
	return bytes.TrimPrefix(plain, []byte("Exif\x00\x00"))
}

// check returns an error for bits and colour types that do not go together.
func (p *pngPicture) check() error {
	switch {
	case p.kind == pngGrey && (p.depth == 1 || p.depth == 2 || p.depth == 4):
	case p.kind == pngIndexed && (p.depth == 1 || p.depth == 2 || p.depth == 4):
	case p.kind == pngIndexed && p.depth == 16:
		return errors.New("PNG palette of 16 bits")
	case p.kind == pngGrey, p.kind == pngRGB, p.kind == pngIndexed, p.kind == pngGreyAlpha, p.kind == pngRGBA:
		if p.depth != 8 && p.depth != 16 {
			return fmt.Errorf("PNG of %d bits a sample and colour type %d", p.depth, p.kind)
		}
	default:
		return fmt.Errorf("PNG of colour type %d", p.kind)
	}
	return nil
}

func pngOrientation(data []byte) int {
	p, err := readPNG(data)
	if err != nil {
		return 1
	}
	if p.exif == nil {
		p.exif = p.rawExif
	}
	return orientationOf(p.exif, p.xmp)
}
