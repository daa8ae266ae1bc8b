package picture

import (
	"bufio"
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
	name: "PNG", is: beginsWith(pngMagic), orientation: pngOrientation,
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

// decodePNG reads the rows one by one, so that a picture takes no more memory
// than what leaves.
func decodePNG(data []byte) (Image, error) {
	p, err := readPNG(data)
	if err != nil {
		return Image{}, err
	}
	if len(p.data) == 0 {
		return Image{}, io.ErrUnexpectedEOF
	}
	im := New(p.w, p.h)
	if p.kind == pngGreyAlpha || p.kind == pngRGBA || p.transparent != nil {
		for i := range im.Pix {
			im.Pix[i] = 255 // what is missing is transparent
		}
	}
	begun, err := p.pixels(im)
	if err != nil && !begun {
		return Image{}, err
	}
	if p.damaged {
		err = zlib.ErrChecksum
	}
	im.Damage = damageOf(err)
	return im, nil
}

// pixels reads all rows. begun says whether there was one.
func (p *pngPicture) pixels(im Image) (begun bool, err error) {
	parts := make([]io.Reader, len(p.data))
	for i, d := range p.data {
		parts[i] = bytes.NewReader(d)
	}
	z, err := zlib.NewReader(bufio.NewReader(io.MultiReader(parts...)))
	if err != nil {
		return false, err
	}
	passes := []pass{{0, 0, 1, 1}}
	if p.interlaced {
		passes = adam7
	}
	for _, s := range passes {
		w, h := (p.w-s.x+s.dx-1)/s.dx, (p.h-s.y+s.dy-1)/s.dy
		if w < 1 || h < 1 {
			continue
		}
		bits := p.depth * p.samples()
		size, back := (w*bits+7)/8, (bits+7)/8
		row, above := make([]byte, 1+size), make([]byte, 1+size)
		for y := range h {
			if _, err := io.ReadFull(z, row); err != nil {
				return begun, err
			}
			if err := unfilter(row[0], row[1:], above[1:], back); err != nil {
				return begun, err
			}
			p.row(im.Pix[3*((s.y+y*s.dy)*p.w+s.x):], row[1:], w, 3*s.dx)
			row, above = above, row
			begun = true
		}
	}
	// All pixels are there: only a checksum that is wrong matters now, no more
	// data, nor an end that is missing.
	if _, err := z.Read(make([]byte, 1)); errors.Is(err, zlib.ErrChecksum) {
		return true, err
	}
	return true, nil
}

// pass is a part of an interlaced picture: every dx-th pixel from x on of every
// dy-th row from y on.
type pass struct{ x, y, dx, dy int }

var adam7 = []pass{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}

// unfilter undoes RFC 2083, section 6. back is the distance of a byte from its
// like in the pixel before.
func unfilter(kind byte, row, above []byte, back int) error {
	above = above[:len(row)]
	switch kind {
	case 0:
	case 1:
		for i := back; i < len(row); i++ {
			row[i] += row[i-back]
		}
	case 2:
		for i, v := range above {
			row[i] += v
		}
	case 3:
		for i := range min(back, len(row)) {
			row[i] += above[i] / 2
		}
		for i := back; i < len(row); i++ {
			row[i] += uint8((int(row[i-back]) + int(above[i])) / 2)
		}
	case 4:
		for i := range min(back, len(row)) {
			row[i] += above[i]
		}
		for i := back; i < len(row); i++ {
			row[i] += paeth(row[i-back], above[i], above[i-back])
		}
	default:
		return fmt.Errorf("PNG has the unknown filter %d", kind)
	}
	return nil
}

// paeth returns the neighbour that is nearest to their plane.
func paeth(left, up, corner uint8) uint8 {
	a, b := int(up)-int(corner), int(left)-int(corner)
	c := a + b
	a, b, c = max(a, -a), max(b, -b), max(c, -c)
	switch {
	case a <= b && a <= c:
		return left
	case b <= c:
		return up
	}
	return corner
}

// row writes w pixels, step bytes apart.
func (p *pngPicture) row(dst, src []byte, w, step int) {
	wide := p.depth / 8 // bytes a sample, 0 for less than one
	switch {
	case p.kind == pngIndexed || wide == 0:
		for x := range w {
			at := x * p.depth
			p.small(dst[x*step:x*step+3], src[at/8]>>(8-p.depth-at%8)&(1<<p.depth-1))
		}
	case p.kind == pngGrey && p.transparent == nil:
		for x := range w {
			v := src[x*wide]
			d := dst[x*step : x*step+3]
			d[0], d[1], d[2] = v, v, v
		}
	case p.kind == pngRGB && p.transparent == nil:
		for x := range w {
			s, d := src[3*wide*x:3*wide*x+3*wide], dst[x*step:x*step+3]
			d[0], d[1], d[2] = s[0], s[wide], s[2*wide]
		}
	default:
		for x := range w {
			p.overWhite(dst[x*step:x*step+3], src[x*wide*p.samples():][:wide*p.samples()], wide)
		}
	}
}

// small writes a pixel of a palette, or of grey in less than eight bits.
func (p *pngPicture) small(dst []byte, v byte) {
	if p.kind == pngIndexed {
		c := p.palette[v]
		alpha := uint32(c[3]) * 0x101
		for i := range 3 {
			dst[i] = blend(uint32(c[i])*0x101, alpha)
		}
		return
	}
	clear := len(p.transparent) >= 2 && binary.BigEndian.Uint16(p.transparent) == uint16(v)
	v *= 255 / (1<<p.depth - 1)
	if clear {
		v = 255
	}
	dst[0], dst[1], dst[2] = v, v, v
}

// overWhite writes a pixel that may be transparent.
func (p *pngPicture) overWhite(dst, src []byte, wide int) {
	var s [4]uint32 // of 16 bits
	n := len(src) / wide
	for i := range n {
		if wide == 2 {
			s[i] = uint32(binary.BigEndian.Uint16(src[2*i:]))
		} else {
			s[i] = uint32(src[i]) * 0x101
		}
	}
	alpha := uint32(0xffff)
	switch {
	case p.kind == pngGreyAlpha || p.kind == pngRGBA:
		n--
		alpha = s[n]
	case p.isTransparent(src, wide):
		alpha = 0
	}
	for i := range dst {
		dst[i] = blend(s[min(i, n-1)], alpha)
	}
}

// isTransparent compares a pixel with the colour of tRNS.
func (p *pngPicture) isTransparent(src []byte, wide int) bool {
	n := len(src) / wide
	if len(p.transparent) < 2*n {
		return false
	}
	for i := range n {
		v := uint16(src[i*wide])
		if wide == 2 {
			v = binary.BigEndian.Uint16(src[2*i:])
		}
		if v != binary.BigEndian.Uint16(p.transparent[2*i:]) {
			return false
		}
	}
	return true
}

// blend lays a sample of 16 bits over white.
func blend(v, alpha uint32) uint8 { return uint8((v*alpha/0xffff + 0xffff - alpha) >> 8) }
