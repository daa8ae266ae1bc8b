package avif

// interpolate smooths the chroma of a picture that stores it at half the size.
// libavif interpolates it, but this build of it repeats each sample, which
// shows at edges between colours. What a sample was is still to be seen in the
// pixels that share it: those that no bound has cut off tell it exactly.
//
// Where alpha is small, no colour is to be seen.
func (h Header) interpolate(rgb, alpha []uint8) {
	if h.across == 1 && h.down == 1 {
		return
	}
	const small = 16
	shown := func(i int) bool { return alpha == nil || alpha[i] >= small }
	c := cells{h, (h.Width + h.across - 1) / h.across, (h.Height + h.down - 1) / h.down, nil}
	c.differences = make([]difference, c.w*c.h)
	for y := range c.h {
		for x := range c.w {
			c.differences[y*c.w+x] = h.shared(rgb, shown, x*h.across, y*h.down)
		}
	}
	for y := range h.Height {
		for x := range h.Width {
			i := y*h.Width + x
			if !shown(i) {
				continue
			}
			p := rgb[3*i : 3*i+3]
			h.write(p, h.brightness(p, c.differences[y/h.down*c.w+x/h.across]), c.at(x, y))
		}
	}
}

// difference is blue and red without brightness.
type difference struct{ blue, red float32 }

// cells are the chroma samples.
type cells struct {
	Header
	w, h        int
	differences []difference
}

// at returns the chroma at a pixel: in each direction with fewer samples three
// quarters of its own and one of the nearest other.
func (c cells) at(x, y int) difference {
	cx, cy := x/c.across, y/c.down
	nx, ny := cx, cy
	if c.across == 2 {
		nx = max(0, min(c.w-1, cx-1+2*(x&1)))
	}
	if c.down == 2 {
		ny = max(0, min(c.h-1, cy-1+2*(y&1)))
	}
	own, beside := c.differences[cy*c.w+cx], c.differences[cy*c.w+nx]
	below, corner := c.differences[ny*c.w+cx], c.differences[ny*c.w+nx]
	mix := func(own, beside, below, corner float32) float32 {
		return (9*own + 3*beside + 3*below + corner) / 16
	}
	return difference{
		mix(own.blue, beside.blue, below.blue, corner.blue),
		mix(own.red, beside.red, below.red, corner.red),
	}
}

// shared returns the chroma of the pixels from x, y on that share it.
func (h Header) shared(rgb []uint8, shown func(int) bool, x, y int) difference {
	var sums [2]difference // of exact pixels, and of all
	var counts [2]float32
	for py := y; py < min(y+h.down, h.Height); py++ {
		for px := x; px < min(x+h.across, h.Width); px++ {
			i := py*h.Width + px
			if !shown(i) {
				continue
			}
			p := rgb[3*i : 3*i+3]
			luma := h.kr*float32(p[0]) + (1-h.kr-h.kb)*float32(p[1]) + h.kb*float32(p[2])
			for k := range sums {
				if k == 0 && !(inside(p[0]) && inside(p[1]) && inside(p[2])) {
					continue
				}
				sums[k].blue += float32(p[2]) - luma
				sums[k].red += float32(p[0]) - luma
				counts[k]++
			}
		}
	}
	for k, n := range counts {
		if n > 0 {
			return difference{sums[k].blue / n, sums[k].red / n}
		}
	}
	return difference{}
}

// inside says whether a sample cannot have been cut off.
func inside(v uint8) bool { return v > 0 && v < 255 }

// green returns what green is without brightness.
func (h Header) green(d difference) float32 { return -(h.kr*d.red + h.kb*d.blue) / (1 - h.kr - h.kb) }

// brightness returns a pixel's, whose chroma is known, from the samples that
// were not cut off.
func (h Header) brightness(p []uint8, d difference) float32 {
	sum, n := float32(0), float32(0)
	for c, v := range [3]float32{d.red, h.green(d), d.blue} {
		if inside(p[c]) {
			sum += float32(p[c]) - v
			n++
		}
	}
	if n == 0 {
		return h.kr*float32(p[0]) + (1-h.kr-h.kb)*float32(p[1]) + h.kb*float32(p[2])
	}
	return sum / n
}

// write writes a pixel.
func (h Header) write(p []uint8, luma float32, d difference) {
	for c, v := range [3]float32{d.red, h.green(d), d.blue} {
		p[c] = uint8(max(0, min(255, luma+v+0.5)))
	}
}
