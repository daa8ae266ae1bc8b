package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"

	"golang.org/x/image/webp"
)

var webpFormat = format{
	name: "WebP", ending: ".webp",
	is: func(data []byte) bool {
		return len(data) >= 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
	},
	measure: func(data []byte) (header, error) {
		p, err := readWebP(data)
		if err != nil {
			return header{}, err
		}
		c, err := webp.DecodeConfig(bytes.NewReader(p.file()))
		if err != nil {
			return header{}, err
		}
		if p.x+c.Width > p.w || p.y+c.Height > p.h {
			return header{}, fmt.Errorf("WebP picture of %dx%d pixels does not fit on its canvas of %dx%d",
				c.Width, c.Height, p.w, p.h)
		}
		return header{p.w, p.h, 11 * int64(p.w) * int64(p.h)}, nil // 8 for lossless while its rows are decoded
	},
	decode: decodeWebP,
	orientation: func(data []byte) int {
		p, err := readWebP(data)
		if err != nil {
			return 1
		}
		return orientationOf(p.exif, p.xmp)
	},
}

// webPicture is what a WebP holds of its first picture.
type webPicture struct {
	w, h        int // of the canvas
	x, y        int // of the picture on it
	transparent bool
	alpha, data []byte // the chunks ALPH, if there is one, and VP8 or VP8L
	lossless    bool
	exif, xmp   []byte
}

// readWebP reads the chunks. One of odd length is followed by a byte that does
// not count.
func readWebP(data []byte) (*webPicture, error) {
	p := &webPicture{}
	p.chunks(data[12:], func(name string, body []byte) {
		switch {
		case name == "VP8X" && len(body) >= 10:
			p.transparent = body[0]&0x10 != 0
			p.w, p.h = int(uint24(body[4:]))+1, int(uint24(body[7:]))+1
		case name == "EXIF":
			p.exif = bytes.TrimPrefix(body, []byte("Exif\x00\x00"))
		case name == "XMP ":
			p.xmp = body
		case name == "ANMF" && p.data == nil && len(body) >= 16:
			p.x, p.y = 2*int(uint24(body)), 2*int(uint24(body[3:]))
			p.chunks(body[16:], p.picture)
		default:
			p.picture(name, body)
		}
	})
	if p.data == nil {
		return nil, io.ErrUnexpectedEOF
	}
	if p.w == 0 { // no VP8X, so no canvas
		c, err := webp.DecodeConfig(bytes.NewReader(p.file()))
		if err != nil {
			return nil, err
		}
		p.w, p.h = c.Width, c.Height
	}
	return p, nil
}

func (p *webPicture) chunks(rest []byte, visit func(name string, body []byte)) {
	for len(rest) >= 8 {
		n := int64(binary.LittleEndian.Uint32(rest[4:]))
		name, body := string(rest[:4]), rest[8:min(8+n, int64(len(rest)))]
		visit(name, body)
		rest = rest[min(8+n+n&1, int64(len(rest))):]
	}
}

// picture takes a chunk with pixels, if it is the first.
func (p *webPicture) picture(name string, body []byte) {
	switch {
	case p.data != nil:
	case name == "ALPH":
		p.alpha = body
	case name == "VP8 " || name == "VP8L":
		p.data, p.lossless = body, name == "VP8L"
	}
}

func uint24(b []byte) uint32 { return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 }

// file returns the picture alone, as a WebP of its own.
func (p *webPicture) file() []byte {
	var b bytes.Buffer
	b.WriteString("RIFF\x00\x00\x00\x00WEBP")
	chunk := func(name string, body []byte) {
		b.WriteString(name)
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(body))))
		b.Write(body)
		if len(body)&1 == 1 {
			b.WriteByte(0)
		}
	}
	name := "VP8 "
	if p.lossless {
		name = "VP8L"
	}
	if p.alpha != nil && !p.lossless && len(p.data) >= 10 {
		head := make([]byte, 10)
		head[0] = 0x10
		w, h := binary.LittleEndian.Uint16(p.data[6:])&0x3fff, binary.LittleEndian.Uint16(p.data[8:])&0x3fff
		if w > 0 && h > 0 {
			binary.LittleEndian.PutUint16(head[4:], w-1)
			binary.LittleEndian.PutUint16(head[7:], h-1)
		}
		chunk("VP8X", head)
		chunk("ALPH", p.alpha)
	}
	chunk(name, p.data)
	out := b.Bytes()
	binary.LittleEndian.PutUint32(out[4:], uint32(len(out)-8))
	return out
}

// decodeWebP shows the first picture on its canvas, which is white where it may
// be transparent and else black, as Pillow shows it.
func decodeWebP(data []byte) (Image, error) {
	p, err := readWebP(data)
	if err != nil {
		return Image{}, err
	}
	decoded, err := webp.Decode(bytes.NewReader(p.file()))
	if err != nil {
		return Image{}, err
	}
	frame, err := fromWebP(decoded)
	if err != nil || frame.W == p.w && frame.H == p.h {
		return frame, err
	}
	im := New(p.w, p.h)
	for i := range im.Pix {
		if p.transparent {
			im.Pix[i] = 255
		}
	}
	for y := range max(0, min(frame.H, im.H-p.y)) {
		n := max(0, min(frame.W, im.W-p.x))
		copy(im.Pix[3*((p.y+y)*im.W+min(p.x, im.W-1)):][:3*n], frame.Pix[3*y*frame.W:])
	}
	return im, nil
}

// fromWebP converts a lossy picture's colours as libwebp does.
func fromWebP(decoded image.Image) (Image, error) {
	var s *image.YCbCr
	var alpha []uint8
	stride := 0
	switch d := decoded.(type) {
	case *image.YCbCr:
		s = d
	case *image.NYCbCrA:
		s, alpha, stride = &d.YCbCr, d.A, d.AStride
	default:
		return FromImage(decoded), nil
	}
	if s.SubsampleRatio != image.YCbCrSubsampleRatio420 || s.Rect.Min != (image.Point{}) {
		return Image{}, errors.New("WebP of another sampling than there is")
	}
	im := New(s.Rect.Dx(), s.Rect.Dy())
	u, v := make([]uint8, im.W), make([]uint8, im.W)
	for y := range im.H {
		webpChroma(u, s.Cb, s.CStride, y, (im.H+1)/2)
		webpChroma(v, s.Cr, s.CStride, y, (im.H+1)/2)
		row := im.Pix[3*y*im.W:][:3*im.W]
		webpColours(row, s.Y[y*s.YStride:][:im.W], u, v)
		if alpha == nil {
			continue
		}
		for x, a := range alpha[y*stride:][:im.W] {
			for i := 3 * x; i < 3*x+3; i++ {
				row[i] = blend(uint32(row[i])*0x101, uint32(a)*0x101)
			}
		}
	}
	return im, nil
}

// webpChroma interpolates a row of chroma from h rows of half the width, in
// the roundings of libwebp (dsp/upsampling.c).
func webpChroma(dst, plane []uint8, stride, y, h int) {
	n := (len(dst) + 1) / 2
	near := plane[y/2*stride:][:n]
	far := plane[max(0, min(h-1, y/2-1+2*(y&1)))*stride:][:n]
	for x := range dst {
		k := x / 2
		beside := k - 1 + 2*(x&1)
		here, below := uint32(near[k]), uint32(far[k])
		if beside < 0 || beside >= n {
			dst[x] = uint8((3*here + below + 2) >> 2)
			continue
		}
		side, corner := uint32(near[beside]), uint32(far[beside])
		diagonal := (here + side + below + corner + 8 + 2*(side+below)) >> 3
		dst[x] = uint8((diagonal + here) >> 1)
	}
}

// webpColours writes a row of red, green and blue in libwebp's fixed point
// (dsp/yuv.h); black is 16 and white 235 (RFC 6386, section 9.2).
func webpColours(rgb, luma, u, v []uint8) {
	for x, l := range luma {
		y, u, v := int32(l)*19077>>8, int32(u[x]), int32(v[x])
		p := rgb[3*x : 3*x+3]
		p[0] = clamp((y + v*26149>>8 - 14234) >> 6)
		p[1] = clamp((y - u*6419>>8 - v*13320>>8 + 8708) >> 6)
		p[2] = clamp((y + u*33050>>8 - 17685) >> 6)
	}
}
