package picture

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

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
