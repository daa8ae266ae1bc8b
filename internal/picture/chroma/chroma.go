// Package chroma makes pixels out of planes of brightness and colour as libjpeg
// does: colour that is stored at half the size is interpolated ("fancy
// upsampling", jdsample.c), and the conversion to red, green and blue rounds
// (jdcolor.c). Go's image/color does neither, which shows at edges between
// colours by tens of levels.
package chroma

// Plane is samples of which each stands for one pixel or several.
type Plane struct {
	Pix          []uint8
	Stride       int
	W, H         int // samples
	Across, Down Ratio
}

// Ratio is so many samples for so many pixels.
type Ratio struct{ Samples, Pixels int }

func (r Ratio) full() bool { return r.Samples == r.Pixels }
func (r Ratio) half() bool { return 2*r.Samples == r.Pixels }

// Row returns the plane at each pixel of row y. It writes to dst, which says
// how many pixels, or returns samples that are as many.
func (p Plane) Row(dst []uint8, y int) []uint8 {
	switch {
	case p.Across.full() && p.Down.full():
		return p.row(y)[:len(dst)]
	case p.Across.half() && p.Down.full() && p.W > 2:
		wider(dst, p.row(y))
	case p.Across.full() && p.Down.half():
		near, far := p.around(y)
		taller(dst, near, far, uint16(1+y&1))
	case p.Across.half() && p.Down.half() && p.W > 2: // libjpeg does not interpolate fewer
		near, far := p.around(y)
		larger(dst, near, far)
	default:
		p.repeat(dst, y)
	}
	return dst
}

// row returns a row of samples.
func (p Plane) row(y int) []uint8 { return p.Pix[y*p.Stride:][:p.W] }

// around returns for a plane of half the height the row of samples that pixels
// of row y lie in, and the next nearest one.
func (p Plane) around(y int) (near, far []uint8) {
	k := y / 2
	return p.row(k), p.row(max(0, min(p.H-1, k-1+2*(y&1))))
}

// repeat gives each pixel the sample that it lies in.
func (p Plane) repeat(dst []uint8, y int) {
	row := p.row(min(p.H-1, y*p.Down.Samples/p.Down.Pixels))
	if n := p.Across.Pixels / p.Across.Samples; n*p.Across.Samples == p.Across.Pixels {
		for x := range dst {
			dst[x] = row[x/n]
		}
		return
	}
	for x := range dst {
		dst[x] = row[min(len(row)-1, x*p.Across.Samples/p.Across.Pixels)]
	}
}

// wider gives two pixels for each sample: three quarters of it and one of the
// sample at that side.
func wider(dst, row []uint8) {
	before, here := uint32(row[0]), uint32(row[0])
	for k := range row {
		after := here
		if k+1 < len(row) {
			after = uint32(row[k+1])
		}
		dst[2*k] = uint8((3*here + before + 1) >> 2)
		if 2*k+1 < len(dst) {
			dst[2*k+1] = uint8((3*here + after + 2) >> 2)
		}
		before, here = here, after
	}
}

// taller is wider for the other direction.
func taller(dst, near, far []uint8, rounding uint16) {
	near, far = near[:len(dst)], far[:len(dst)]
	for x := range dst {
		dst[x] = uint8((3*uint16(near[x]) + uint16(far[x]) + rounding) >> 2)
	}
}

// larger does both.
func larger(dst, near, far []uint8) {
	far = far[:len(near)]
	here := 3*uint32(near[0]) + uint32(far[0])
	before := here
	last := len(near) - 1
	pairs := dst[:2*last]
	for k := 0; k < last; k++ {
		after := 3*uint32(near[k+1]) + uint32(far[k+1])
		pair := pairs[2*k : 2*k+2 : 2*k+2]
		pair[0] = uint8((3*here + before + 8) >> 4)
		pair[1] = uint8((3*here + after + 7) >> 4)
		before, here = here, after
	}
	dst[2*last] = uint8((3*here + before + 8) >> 4)
	if 2*last+1 < len(dst) {
		dst[2*last+1] = uint8((4*here + 7) >> 4)
	}
}

// ToRGB writes a row of red, green and blue, in 16.16 fixed point.
func ToRGB(rgb, luma, cb, cr []uint8) {
	const half = 1 << 15
	cb, cr, rgb = cb[:len(luma)], cr[:len(luma)], rgb[:3*len(luma)]
	for x, l := range luma {
		y, b, r := int32(l)<<16+half, int32(cb[x])-128, int32(cr[x])-128
		p := rgb[3*x : 3*x+3 : 3*x+3]
		p[0] = clamp((y + 91881*r) >> 16)           // 1.402
		p[1] = clamp((y - 22554*b - 46802*r) >> 16) // 0.34414 and 0.71414
		p[2] = clamp((y + 116130*b) >> 16)          // 1.772
	}
}

// Grey writes a row of red, green and blue.
func Grey(rgb, luma []uint8) {
	for x, v := range luma {
		p := rgb[3*x : 3*x+3 : 3*x+3]
		p[0], p[1], p[2] = v, v, v
	}
}

func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^(v >> 31))
	}
	return uint8(v)
}
