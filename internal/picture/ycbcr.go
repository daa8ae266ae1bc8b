package picture

import (
	"image"
	"math"
)

// fromYCbCr converts a picture as libjpeg does: chroma that is stored at half
// the size is interpolated ("fancy upsampling", jdsample.c), and the conversion
// to RGB rounds (jdcolor.c). Go's image/color does neither, which shows at
// edges between colours by tens of levels.
func fromYCbCr(im Image, s *image.YCbCr) {
	cb, cr := make([]uint8, im.W), make([]uint8, im.W)
	var sums []int32
	for y := range im.H {
		c := chromaOf(s, s.Rect.Min.Y+y)
		sums = c.row(cb, s.Cb, sums)
		sums = c.row(cr, s.Cr, sums)
		luma := s.Y[s.YOffset(s.Rect.Min.X, s.Rect.Min.Y+y):][:im.W]
		convertYCbCr(im.Pix[3*y*im.W:][:3*im.W], luma, cb, cr)
	}
}

// toFullRange stretches the colours of a lossy WebP, which has black at 16 and
// white at 235 (RFC 6386, section 9.2), to what JPEG and Go's image/color mean.
func toFullRange(im image.Image) {
	var s *image.YCbCr
	switch im := im.(type) {
	case *image.YCbCr:
		s = im
	case *image.NYCbCrA:
		s = &im.YCbCr
	default:
		return // lossless, so RGB
	}
	stretch := func(plane []uint8, from, to, span float64) {
		for i, v := range plane {
			plane[i] = clamp(int32(math.Round(to + (float64(v)-from)*255/span)))
		}
	}
	stretch(s.Y, 16, 0, 219)
	stretch(s.Cb, 128, 128, 224)
	stretch(s.Cr, 128, 128, 224)
}

// convertYCbCr writes a row of red, green and blue, in 16.16 fixed point.
func convertYCbCr(rgb, luma, cb, cr []uint8) {
	const half = 1 << 15
	for x, l := range luma {
		y, b, r := int32(l), int32(cb[x])-128, int32(cr[x])-128
		p := rgb[3*x : 3*x+3 : 3*x+3]
		p[0] = clamp(y + (91881*r+half)>>16)          // 1.402
		p[1] = clamp(y + (-22554*b-46802*r+half)>>16) // 0.34414 and 0.71414
		p[2] = clamp(y + (116130*b+half)>>16)         // 1.772
	}
}

// chroma says how the chroma of a row of pixels comes from samples: where they
// are fewer, three quarters of the nearest one and one of the next, down and
// across.
type chroma struct {
	x0          int  // first pixel
	width       int  // samples of a row
	near, far   int  // where the nearest row of samples begins, and the next
	wide, tall  bool // a sample is for two pixels across, down
	left, right int32
	shift       int           // sums are divided by 1<<shift after adding left or, at odd pixels, right
	repeated    func(int) int // instead of all that: the sample of a pixel
}

func chromaOf(s *image.YCbCr, y int) chroma {
	first, last := s.COffset(s.Rect.Min.X, y), s.COffset(s.Rect.Max.X-1, y)
	c := chroma{x0: s.Rect.Min.X, width: last - first + 1, near: first, far: first}
	next := y - 1 + 2*(y&1)
	switch s.SubsampleRatio {
	case image.YCbCrSubsampleRatio444:
	case image.YCbCrSubsampleRatio422:
		c.wide, c.left, c.right, c.shift = true, 1, 2, 2
	case image.YCbCrSubsampleRatio440:
		c.tall, c.left, c.shift = true, 1+int32(y&1), 2
	case image.YCbCrSubsampleRatio420:
		c.wide, c.tall, c.left, c.right, c.shift = true, true, 8, 7, 4
	default:
		c.repeated = func(x int) int { return s.COffset(x, y) }
	}
	if c.wide && c.width <= 2 { // libjpeg does not interpolate so few
		c.repeated = func(x int) int { return s.COffset(x, y) }
	}
	if c.tall {
		c.far = s.COffset(s.Rect.Min.X, max(s.Rect.Min.Y, min(s.Rect.Max.Y-1, next)))
	}
	return c
}

// row fills dst with the chroma of a row of pixels. sums is memory to be used
// again.
func (c chroma) row(dst, plane []uint8, sums []int32) []int32 {
	if c.repeated != nil {
		for i := range dst {
			dst[i] = plane[c.repeated(c.x0+i)]
		}
		return sums
	}
	sums = sums[:0]
	near, far := plane[c.near:][:c.width], plane[c.far:][:c.width]
	for i, v := range near {
		if c.tall {
			sums = append(sums, 3*int32(v)+int32(far[i]))
		} else {
			sums = append(sums, int32(v))
		}
	}
	for i := range dst {
		x := c.x0 + i
		switch k := x/2 - c.x0/2; {
		case !c.wide:
			dst[i] = uint8((sums[i] + c.left) >> c.shift)
		case x&1 == 0:
			dst[i] = uint8((3*sums[k] + sums[max(0, k-1)] + c.left) >> c.shift)
		default:
			dst[i] = uint8((3*sums[k] + sums[min(len(sums)-1, k+1)] + c.right) >> c.shift)
		}
	}
	return sums
}
