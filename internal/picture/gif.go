package picture

import (
	"compress/lzw"
	"encoding/binary"
	"errors"
	"io"
)

var gifFormat = format{
	name: "GIF", ending: ".gif", is: beginsWith("GIF87a", "GIF89a"),
	measure: func(data []byte) (header, error) {
		g, err := readGIF(data)
		return header{g.w, g.h, 4 * int64(g.w) * int64(g.h)}, err
	},
	decode: decodeGIF,
}

// gifPicture is a GIF up to its first picture.
type gifPicture struct {
	w, h                int // of the canvas
	x, y, width, height int // of the picture
	palette             []byte
	transparent         int // colour, -1 if none is
	interlaced          bool
	codeSize            int
	data                []byte // the blocks of the picture
}

// readGIF reads up to the first picture's data. The canvas grows where that
// picture does not fit.
func readGIF(data []byte) (gifPicture, error) {
	g := gifPicture{transparent: -1}
	if len(data) < 13 {
		return g, io.ErrUnexpectedEOF
	}
	g.w, g.h = int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:]))
	rest := data[13:]
	g.palette, rest = gifPalette(data[10], rest)
	for len(rest) > 0 {
		kind := rest[0]
		rest = rest[1:]
		switch kind {
		case 0x21: // an extension
			if len(rest) >= 6 && rest[0] == 0xf9 && rest[1] == 4 && rest[2]&1 != 0 {
				g.transparent = int(rest[5])
			}
			rest = afterBlocks(rest[min(1, len(rest)):])
		case 0x2c:
			return g, g.picture(rest)
		case 0x3b:
			return g, errors.New("GIF has no picture")
		}
	}
	return g, io.ErrUnexpectedEOF
}

// gifPalette takes a colour table that the flags announce.
func gifPalette(flags byte, rest []byte) (palette, behind []byte) {
	if flags&0x80 == 0 {
		return nil, rest
	}
	n := min(3<<(flags&7+1), len(rest))
	return rest[:n], rest[n:]
}

// afterBlocks returns what follows a chain of blocks.
func afterBlocks(rest []byte) []byte {
	for len(rest) > 0 && rest[0] != 0 {
		rest = rest[min(1+int(rest[0]), len(rest)):]
	}
	return rest[min(1, len(rest)):]
}

// picture reads an image descriptor.
func (g *gifPicture) picture(rest []byte) error {
	if len(rest) < 9 {
		return io.ErrUnexpectedEOF
	}
	word := func(at int) int { return int(binary.LittleEndian.Uint16(rest[at:])) }
	g.x, g.y, g.width, g.height = word(0), word(2), word(4), word(6)
	if g.width == 0 || g.height == 0 {
		g.w, g.h = 0, 0
		return nil
	}
	g.w, g.h = max(g.w, g.x+g.width), max(g.h, g.y+g.height)
	flags := rest[8]
	g.interlaced = flags&0x40 != 0
	local, rest := gifPalette(flags, rest[9:])
	if local != nil {
		g.palette = local
	}
	if len(rest) < 1 {
		return io.ErrUnexpectedEOF
	}
	g.codeSize, g.data = int(rest[0]), rest[1:]
	if g.codeSize < 1 || g.codeSize > 8 {
		return errors.New("GIF has codes of a size that there cannot be")
	}
	return nil
}

// decodeGIF shows the first picture. Around it is what Pillow shows there: the
// transparent colour, else the first.
func decodeGIF(data []byte) (Image, error) {
	g, err := readGIF(data)
	if err != nil {
		return Image{}, err
	}
	colours := g.colours()
	im := New(g.w, g.h)
	around := colours[max(0, g.transparent)]
	for i := 0; i < len(im.Pix); i += 3 {
		copy(im.Pix[i:], around[:])
	}
	r := lzw.NewReader(&gifBlocks{rest: g.data}, lzw.LSB, g.codeSize)
	defer r.Close()
	row := make([]byte, g.width)
	for i, y := range g.order() {
		n, err := io.ReadFull(r, row)
		to := im.Pix[3*((g.y+y)*g.w+g.x):]
		for x, v := range row[:n] {
			copy(to[3*x:3*x+3], colours[v][:])
		}
		if err != nil {
			if i == 0 && n == 0 {
				return Image{}, err
			}
			im.Damage = damageOf(err)
			break
		}
	}
	return im, nil
}

// colours returns what each index shows. Pictures without a palette are grey.
func (g *gifPicture) colours() (colours [256][3]uint8) {
	for i := range colours {
		switch {
		case i == g.transparent:
			colours[i] = [3]uint8{255, 255, 255}
		case g.palette == nil:
			colours[i] = [3]uint8{uint8(i), uint8(i), uint8(i)}
		case 3*i+3 <= len(g.palette):
			colours[i] = [3]uint8(g.palette[3*i:])
		}
	}
	return colours
}

// order returns the rows as the file has them.
func (g *gifPicture) order() []int {
	passes := []struct{ from, step int }{{0, 1}}
	if g.interlaced {
		passes = []struct{ from, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	var rows []int
	for _, p := range passes {
		for y := p.from; y < g.height; y += p.step {
			rows = append(rows, y)
		}
	}
	return rows
}

// gifBlocks reads through the blocks of a chain.
type gifBlocks struct {
	rest []byte
	left int // of the block
}

func (b *gifBlocks) ReadByte() (byte, error) {
	for b.left == 0 {
		if len(b.rest) == 0 || b.rest[0] == 0 {
			return 0, io.ErrUnexpectedEOF
		}
		b.left, b.rest = int(b.rest[0]), b.rest[1:]
		if b.left > len(b.rest) { // as Pillow, who takes whole blocks
			return 0, io.ErrUnexpectedEOF
		}
	}
	v := b.rest[0]
	b.rest, b.left = b.rest[1:], b.left-1
	return v, nil
}

func (b *gifBlocks) Read(p []byte) (int, error) {
	for i := range p {
		v, err := b.ReadByte()
		if err != nil {
			return i, err
		}
		p[i] = v
	}
	return len(p), nil
}

var _ io.ByteReader = (*gifBlocks)(nil) // else lzw would read ahead
