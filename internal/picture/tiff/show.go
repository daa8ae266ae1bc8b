package tiff

import "github.com/inception-go/inception/internal/picture/chroma"

// show writes piece n to its place in the picture.
func (p *page) show(out *Picture, piece []uint8, n int) {
	x0, y0 := n%p.across*p.wide, n/p.across*p.high
	w := min(p.wide, p.width-x0)
	for y := range min(len(piece)/(p.wide*p.shown), p.height-y0) {
		p.row(out.Pix[3*((y0+y)*p.width+x0):][:3*w], piece[y*p.wide*p.shown:])
	}
}

// row writes pixels over white.
func (p *page) row(dst, src []uint8) {
	for x := 0; 3*x < len(dst); x++ {
		s, d := src[x*p.shown:][:p.shown], dst[3*x:3*x+3]
		p.colour(d, s)
		if p.alpha >= 0 {
			overWhite(d, int(s[p.alpha]), p.multiplied)
		}
	}
}

// colour writes what the colours of a pixel show.
func (p *page) colour(d, s []uint8) {
	switch p.photometric {
	case whiteIsZero:
		d[0], d[1], d[2] = 255-s[0], 255-s[0], 255-s[0]
	case blackIsZero:
		d[0], d[1], d[2] = s[0], s[0], s[0]
	case rgb:
		copy(d, s[:3])
	case indexed:
		n := 1 << p.bits
		for c := range d {
			d[c] = uint8(p.palette[c*n+int(s[0])] >> 8)
		}
	case separated:
		for c := range d { // as Pillow rounds
			t := int(s[c])*int(255-s[3]) + 128
			d[c] = uint8(max(0, 255-int(s[3])-(t>>8+t)>>8))
		}
	case yCbCr:
		chroma.ToRGB(d, s[:1], s[1:2], s[2:3])
	}
}

// overWhite lays a colour over white, which may be multiplied by its opacity
// already.
func overWhite(d []uint8, alpha int, multiplied bool) {
	for c, v := range d {
		t := int(v) * alpha
		if multiplied {
			t = 255 * min(int(v), alpha)
		}
		d[c] = uint8((t + 255*(255-alpha) + 127) / 255)
	}
}
