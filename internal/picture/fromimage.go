package picture

import (
	"image"

	"github.com/inception-go/inception/internal/picture/chroma"
)

// FromImage converts a picture of Go's image package; transparent pixels show
// white.
func FromImage(src image.Image) Image {
	b := src.Bounds()
	im := New(b.Dx(), b.Dy())
	switch s := src.(type) {
	case *image.YCbCr:
		fromYCbCr(im, s)
	case *image.Gray:
		for y := range im.H {
			chroma.Grey(im.Pix[3*y*im.W:][:3*im.W], s.Pix[y*s.Stride:][:im.W])
		}
	case *image.Gray16:
		fromSamples(im, s.Pix, s.Stride, []int{0, 0, 0}, 2)
	case *image.RGBA64:
		if !s.Opaque() {
			fromAny(im, src)
			break
		}
		fromSamples(im, s.Pix, s.Stride, []int{0, 2, 4}, 8)
	case *image.NRGBA:
		fromNRGBA(im, s)
	case *image.RGBA:
		if !s.Opaque() {
			fromAny(im, src)
			break
		}
		fromSamples(im, s.Pix, s.Stride, []int{0, 1, 2}, 4)
	default:
		fromAny(im, src)
	}
	return im
}

// fromSamples takes the bytes at those places of each pixel of so many bytes.
func fromSamples(im Image, pix []uint8, stride int, places []int, size int) {
	r, g, b := places[0], places[1], places[2]
	for y := range im.H {
		row, to := pix[y*stride:], im.Pix[3*y*im.W:][:3*im.W]
		for x := range im.W {
			p, d := row[size*x:size*x+size], to[3*x:3*x+3]
			d[0], d[1], d[2] = p[r], p[g], p[b]
		}
	}
}

// fromNRGBA lays the picture over white.
func fromNRGBA(im Image, s *image.NRGBA) {
	for y := range im.H {
		row, to := s.Pix[y*s.Stride:], im.Pix[3*y*im.W:][:3*im.W]
		for x := range im.W {
			p, d := row[4*x:4*x+4], to[3*x:3*x+3]
			alpha := uint32(p[3]) * 0x101
			for i := range d {
				d[i] = blend(uint32(p[i])*0x101, alpha)
			}
		}
	}
}

// fromAny lays the picture over white.
func fromAny(im Image, src image.Image) {
	b := src.Bounds()
	at := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, a := src.At(x, y).RGBA()
			white := 0xffff - a // colors are multiplied by alpha already
			im.Pix[at], im.Pix[at+1], im.Pix[at+2] = uint8((r+white)>>8), uint8((g+white)>>8), uint8((bl+white)>>8)
			at += 3
		}
	}
}

// fromYCbCr converts a picture as libjpeg does. A part of a picture begins with
// the first pixel of a sample, which is not shown then.
func fromYCbCr(im Image, s *image.YCbCr) {
	across, down := 1, 1
	switch s.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio411:
		across = 4
	case image.YCbCrSubsampleRatio410:
		across, down = 4, 2
	}
	x0, y0 := s.Rect.Min.X/across*across, s.Rect.Min.Y/down*down
	left, top := s.Rect.Min.X-x0, s.Rect.Min.Y-y0
	plane := func(pix []uint8) chroma.Plane {
		return chroma.Plane{
			Pix: pix[s.COffset(s.Rect.Min.X, s.Rect.Min.Y):], Stride: s.CStride,
			W: (left + im.W + across - 1) / across, H: (top + im.H + down - 1) / down,
			Across: chroma.Ratio{Samples: 1, Pixels: across}, Down: chroma.Ratio{Samples: 1, Pixels: down},
		}
	}
	blue, red := plane(s.Cb), plane(s.Cr)
	cb, cr := make([]uint8, left+im.W), make([]uint8, left+im.W)
	for y := range im.H {
		luma := s.Y[s.YOffset(s.Rect.Min.X, s.Rect.Min.Y+y):][:im.W]
		chroma.ToRGB(im.Pix[3*y*im.W:][:3*im.W], luma, blue.Row(cb, top+y)[left:], red.Row(cr, top+y)[left:])
	}
}
