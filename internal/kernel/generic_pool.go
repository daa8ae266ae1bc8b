package kernel

import "unsafe"

// pixel returns the 16 channels of output pixel i.
func (p *poolArgs) pixel(i int) *[Block]float32 {
	return (*[Block]float32)(unsafe.Add(p.y, i*pixelBytes))
}

// tapped returns the 16 channels of a tap of output pixel i's window.
func (p *poolArgs) tapped(t poolTap, i int) *[Block]float32 {
	return (*[Block]float32)(unsafe.Add(p.x, t.offset+i*p.xPixel))
}

func (p *poolArgs) winners(i int) *[Block]uint8 {
	return (*[Block]uint8)(unsafe.Add(p.argmax, i*Block))
}

func (p *poolArgs) list() []poolTap { return unsafe.Slice(p.taps, p.count) }

func poolSumGeneric(p *poolArgs) {
	taps := p.list()
	for i := range p.pixels {
		var sum [Block]float32
		for _, t := range taps {
			for c, v := range p.tapped(t, i) {
				sum[c] += v
			}
		}
		y := p.pixel(i)
		for c, v := range sum {
			y[c] = p.scale * v
		}
	}
}

func poolMaxGeneric(p *poolArgs) {
	taps := p.list()
	for i := range p.pixels {
		y, argmax := p.pixel(i), p.winners(i)
		*y = *p.tapped(taps[0], i)
		for c := range argmax {
			argmax[c] = uint8(taps[0].index)
		}
		for _, t := range taps[1:] {
			for c, v := range p.tapped(t, i) {
				if v > y[c] {
					y[c], argmax[c] = v, uint8(t.index)
				}
			}
		}
	}
}

func poolMaxBackGeneric(p *poolArgs) {
	taps := p.list()
	for i := range p.pixels {
		dy, argmax := p.pixel(i), p.winners(i)
		for _, t := range taps {
			dx := p.tapped(t, i)
			for c, winner := range argmax {
				if winner == uint8(t.index) {
					dx[c] += dy[c]
				}
			}
		}
	}
}
