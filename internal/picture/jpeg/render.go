package jpeg

import "github.com/inception-go/inception/internal/picture/chroma"

// render makes red, green and blue out of the planes.
func (d *decoder) render() Picture {
	p := Picture{d.width, d.height, make([]uint8, 3*d.width*d.height), d.damaged}
	toRGB := d.colours()
	d.eachRow(func(y int, rows [][]uint8) { toRGB(p.Pix[3*y*d.width:][:3*d.width], rows) })
	return p
}

// eachRow calls visit for each row of pixels, with the samples of each component.
func (d *decoder) eachRow(visit func(y int, rows [][]uint8)) {
	planes, rows := make([]chroma.Plane, len(d.components)), make([][]uint8, len(d.components))
	for i := range d.components {
		c := &d.components[i]
		planes[i] = chroma.Plane{
			Pix: c.plane, Stride: c.stride, W: c.w, H: c.high,
			Across: chroma.Ratio{Samples: c.h, Pixels: d.maxH}, Down: chroma.Ratio{Samples: c.v, Pixels: d.maxV},
		}
		rows[i] = make([]uint8, d.width+3)
	}
	for y := range d.height {
		for i := range planes {
			rows[i] = planes[i].Row(rows[i][:d.width], y)
		}
		visit(y, rows)
	}
}

// interleaved puts the samples of a pixel behind each other.
func (d *decoder) interleaved() Picture {
	n := len(d.components)
	p := Picture{d.width, d.height, make([]uint8, n*d.width*d.height), d.damaged}
	d.eachRow(func(y int, rows [][]uint8) {
		to := p.Pix[n*y*d.width:][:n*d.width]
		for c, row := range rows {
			for x, v := range row {
				to[n*x+c] = v
			}
		}
	})
	return p
}

// colours returns what makes a row of red, green and blue out of a row of each
// component. What the components mean is decided as libjpeg (jdapimin.c) and
// Pillow do, who take all CMYK for inverted, as Adobe writes it.
func (d *decoder) colours() func(rgb []uint8, rows [][]uint8) {
	switch len(d.components) {
	case 1:
		return func(rgb []uint8, rows [][]uint8) { chroma.Grey(rgb, rows[0]) }
	case 3:
		if d.isRGB() {
			return interleave
		}
		return func(rgb []uint8, rows [][]uint8) { chroma.ToRGB(rgb, rows[0], rows[1], rows[2]) }
	}
	if d.adobe && d.adobeTransform != 0 {
		return func(rgb []uint8, rows [][]uint8) {
			chroma.ToRGB(rgb, rows[0], rows[1], rows[2])
			for i := range rgb {
				rgb[i] = 255 - rgb[i]
			}
			ink(rgb, rows[3])
		}
	}
	return func(rgb []uint8, rows [][]uint8) {
		interleave(rgb, rows)
		ink(rgb, rows[3])
	}
}

func (d *decoder) isRGB() bool {
	c := d.components
	switch {
	case d.jfif:
		return false
	case d.adobe:
		return d.adobeTransform == 0
	}
	return c[0].id == 'R' && c[1].id == 'G' && c[2].id == 'B'
}

func interleave(rgb []uint8, rows [][]uint8) {
	for x, r := range rows[0] {
		rgb[3*x], rgb[3*x+1], rgb[3*x+2] = r, rows[1][x], rows[2][x]
	}
}

// ink darkens inverted cyan, magenta and yellow by inverted black, in Pillow's
// rounding.
func ink(cmy, black []uint8) {
	for x, k := range black {
		for i := 3 * x; i < 3*x+3; i++ {
			t := int(255-cmy[i])*int(k) + 128
			cmy[i] = k - uint8((t>>8+t)>>8)
		}
	}
}
