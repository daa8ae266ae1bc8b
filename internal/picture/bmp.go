package picture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/inception-go/inception/internal/picture/jpeg"
)

var bmpFormat = format{
	name: "BMP", ending: ".bmp", is: isBMP,
	measure: func(data []byte) (header, error) {
		b, err := readBMP(data)
		return header{b.w, b.h, 4 * int64(b.w) * int64(b.h)}, err
	},
	decode: decodeBMP,
}

// bmpPicture is a Windows or OS/2 bitmap.
type bmpPicture struct {
	w, h    int
	topDown bool
	depth   int // bits a pixel
	kind    uint32
	masks   [4]uint32  // of red, green, blue and opacity, with 16 and 32 bits
	palette [][3]uint8 // with up to 8
	pixels  []byte
}

// isBMP knows bitmaps by their file header, and those without one (.dib) by the
// size of the other header and their single plane.
func isBMP(data []byte) bool {
	if len(data) >= 26 && !isWindowsBMP(data) {
		switch le := binary.LittleEndian; le.Uint32(data) {
		case 12:
			return le.Uint16(data[8:]) == 1
		case 40, 52, 56, 64, 108, 124:
			return le.Uint16(data[12:]) == 1
		}
	}
	return isWindowsBMP(data)
}

var isWindowsBMP = beginsWith("BM")

// Compressions.
const (
	bmpRGB       = 0
	bmpRLE8      = 1
	bmpRLE4      = 2
	bmpFields    = 3
	bmpAllFields = 6
)

// readBMP reads the headers and the palette.
func readBMP(data []byte) (bmpPicture, error) {
	le := binary.LittleEndian
	if !isWindowsBMP(data) {
		data = append(make([]byte, 14), data...) // an offset of 0: the pixels follow
	}
	if len(data) < 26 {
		return bmpPicture{}, io.ErrUnexpectedEOF
	}
	offset, size := int64(le.Uint32(data[10:])), int64(le.Uint32(data[14:]))
	head := data[14:]
	if size < 12 || size > 1<<16 {
		return bmpPicture{}, fmt.Errorf("BMP header of %d bytes is unknown", size)
	}
	if int64(len(head)) < size {
		return bmpPicture{}, io.ErrUnexpectedEOF
	}
	b := bmpPicture{}
	colours, entry := 0, 4
	rest := head[size:]
	if size == 12 { // OS/2's first
		b.w, b.h, b.depth, entry = int(le.Uint16(head[4:])), int(le.Uint16(head[6:])), int(le.Uint16(head[10:])), 3
	} else {
		if size < 16 {
			return bmpPicture{}, fmt.Errorf("BMP header of %d bytes is unknown", size)
		}
		full := make([]byte, max(64, size)) // OS/2's second may leave out the end
		copy(full, head[:size])
		b.w, b.h, b.depth = int(int32(le.Uint32(full[4:]))), int(int32(le.Uint32(full[8:]))), int(le.Uint16(full[14:]))
		b.kind, colours = le.Uint32(full[16:]), int(le.Uint32(full[32:]))
		if b.h < 0 {
			b.h, b.topDown = -b.h, true
		}
		masks := full[40:56]
		if size == 40 && (b.kind == bmpFields || b.kind == bmpAllFields) { // they follow the header
			n := 12
			if b.kind == bmpAllFields {
				n = 16
			}
			if len(rest) < n {
				return bmpPicture{}, io.ErrUnexpectedEOF
			}
			masks = make([]byte, 16)
			copy(masks, rest[:n])
			rest = rest[n:]
		}
		for i := range b.masks {
			b.masks[i] = le.Uint32(masks[4*i:])
		}
		if size < 56 && b.kind == bmpFields { // OS/2's and the oldest have no opacity
			b.masks[3] = 0
		}
		if b.depth == 16 && b.masks[3] == 1<<15 { // which many leave at 0; nobody looks at it
			b.masks[3] = 0
		}
	}
	if b.w < 0 || b.h < 0 {
		return bmpPicture{}, fmt.Errorf("BMP of %dx%d pixels", b.w, b.h)
	}
	if err := b.check(); err != nil {
		return bmpPicture{}, err
	}
	if b.depth <= 8 {
		if colours <= 0 || colours > 1<<b.depth {
			colours = 1 << b.depth
		}
		for i := 0; i < colours && (i+1)*entry <= len(rest); i++ {
			p := rest[i*entry:]
			b.palette = append(b.palette, [3]uint8{p[2], p[1], p[0]})
		}
	}
	if offset == 0 {
		offset = int64(len(data)-len(rest)) + int64(entry*len(b.palette))
	}
	if offset < 14 || offset > int64(len(data)) {
		return bmpPicture{}, io.ErrUnexpectedEOF
	}
	b.pixels = data[offset:]
	return b, nil
}

// check settles how pixels are coded.
func (b *bmpPicture) check() error {
	switch {
	case b.kind == bmpRGB && (b.depth == 16):
		b.masks = [4]uint32{0x7c00, 0x3e0, 0x1f, 0}
	case b.kind == bmpRGB && b.depth == 32:
		b.masks = [4]uint32{0xff0000, 0xff00, 0xff, 0}
	case b.kind == bmpRGB && (b.depth == 1 || b.depth == 2 || b.depth == 4 || b.depth == 8 || b.depth == 24):
	case b.kind == bmpRLE8 && b.depth == 8, b.kind == bmpRLE4 && b.depth == 4:
	case (b.kind == bmpFields || b.kind == bmpAllFields) && (b.depth == 16 || b.depth == 32):
	default:
		return fmt.Errorf("BMP of compression %d with %d bits a pixel is not supported", b.kind, b.depth)
	}
	return nil
}

func decodeBMP(data []byte) (Image, error) {
	b, err := readBMP(data)
	if err != nil {
		return Image{}, err
	}
	im := New(b.w, b.h)
	if b.kind == bmpRLE8 || b.kind == bmpRLE4 {
		b.runs(&im)
		return im, nil
	}
	stride := (int64(b.w)*int64(b.depth) + 31) / 32 * 4
	least := (int64(b.w)*int64(b.depth) + 7) / 8
	fields := b.fields()
	for y := range b.h {
		if int64(len(b.pixels)) < least {
			if im.Damage = jpeg.EndsEarly; y == 0 {
				return Image{}, io.ErrUnexpectedEOF
			}
			break
		}
		b.row(im.Pix[3*b.line(y)*b.w:][:3*b.w], b.pixels, fields)
		b.pixels = b.pixels[min(stride, int64(len(b.pixels))):]
	}
	return im, nil
}

// line returns which row of the picture is the file's y-th.
func (b *bmpPicture) line(y int) int {
	if b.topDown {
		return y
	}
	return b.h - 1 - y
}

// row converts one row.
func (b *bmpPicture) row(dst, src []byte, fields [4]field) {
	for x := range b.w {
		d := dst[3*x : 3*x+3]
		switch b.depth {
		case 24:
			d[0], d[1], d[2] = src[3*x+2], src[3*x+1], src[3*x]
		case 16, 32:
			var v uint32
			if b.depth == 16 {
				v = uint32(binary.LittleEndian.Uint16(src[2*x:]))
			} else {
				v = binary.LittleEndian.Uint32(src[4*x:])
			}
			for i := range d {
				d[i] = fields[i].value(v)
			}
			if fields[3].mask != 0 {
				alpha := uint32(fields[3].value(v)) * 0x101
				for i := range d {
					d[i] = blend(uint32(d[i])*0x101, alpha)
				}
			}
		default:
			at := x * b.depth
			b.colour(d, int(src[at/8]>>(8-b.depth-at%8)&(1<<b.depth-1)))
		}
	}
}

// colour writes a colour of the palette.
func (b *bmpPicture) colour(dst []byte, i int) {
	if i < len(b.palette) {
		copy(dst, b.palette[i][:])
	}
}

// field is where a sample lies in a pixel.
type field struct {
	mask  uint32
	shift int
	most  uint32
}

func (b *bmpPicture) fields() (fields [4]field) {
	for i, m := range b.masks {
		shift := bits.TrailingZeros32(m) & 31
		fields[i] = field{m, shift, m >> shift}
	}
	return fields
}

// value returns a sample, stretched to eight bits.
func (f field) value(pixel uint32) uint8 {
	if f.most == 0 {
		return 0
	}
	return uint8(uint64((pixel&f.mask)>>f.shift) * 255 / uint64(f.most))
}

// runs reads a run-length coded picture. What it leaves out has the first
// colour.
func (b *bmpPicture) runs(im *Image) {
	for i := 0; i < len(im.Pix); i += 3 {
		b.colour(im.Pix[i:i+3], 0)
	}
	src := b.pixels
	x, y := 0, 0
	put := func(i int) {
		if x < b.w && y < b.h {
			b.colour(im.Pix[3*(b.line(y)*b.w+x):][:3], i)
		}
		x++
	}
	// of returns pixel i of bytes with one or two pixels each.
	of := func(bytes []byte, i int) int {
		if b.kind == bmpRLE8 {
			return int(bytes[i])
		}
		return int(bytes[i/2] >> (4 - 4*(i&1)) & 15)
	}
	for y < b.h {
		if len(src) < 2 {
			im.Damage = jpeg.EndsEarly
			return
		}
		n, v := int(src[0]), int(src[1])
		src = src[2:]
		switch {
		case n > 0:
			for i := range n {
				put(of([]byte{byte(v), byte(v)}, i&1))
			}
		case v == 0:
			x, y = 0, y+1
		case v == 1:
			return
		case v == 2:
			if len(src) < 2 {
				im.Damage = jpeg.EndsEarly
				return
			}
			x, y, src = x+int(src[0]), y+int(src[1]), src[2:]
		default:
			size := v
			if b.kind == bmpRLE4 {
				size = (v + 1) / 2
			}
			if len(src) < size {
				im.Damage = jpeg.EndsEarly
				return
			}
			for i := range v {
				put(of(src, i))
			}
			src = src[min(size+size&1, len(src)):]
		}
	}
}
