package simd

import "unsafe"

// pixel returns the 16 channels of output pixel i.
func (p *PoolArgs) pixel(i int) *[Block]float32 {
	return (*[Block]float32)(unsafe.Add(p.Y, i*PixelBytes))
}

// tapped returns the 16 channels of a tap of output pixel i's window.
func (p *PoolArgs) tapped(t PoolTap, i int) *[Block]float32 {
	return (*[Block]float32)(unsafe.Add(p.X, t.Offset+i*p.XPixel))
}

func (p *PoolArgs) winners(i int) *[Block]uint8 {
	return (*[Block]uint8)(unsafe.Add(p.Argmax, i*Block))
}

func (p *PoolArgs) list() []PoolTap { return unsafe.Slice(p.Taps, p.Count) }

func poolSumGeneric(p *PoolArgs) {
	taps := p.list()
	for i := range p.Pixels {
		var sum [Block]float32
		for _, t := range taps {
			for c, v := range p.tapped(t, i) {
				sum[c] += v
			}
		}
		y := p.pixel(i)
		for c, v := range sum {
			y[c] = p.Scale * v
		}
	}
}

func poolMaxGeneric(p *PoolArgs) {
	taps := p.list()
	for i := range p.Pixels {
		y, argmax := p.pixel(i), p.winners(i)
		*y = *p.tapped(taps[0], i)
		for c := range argmax {
			argmax[c] = uint8(taps[0].Index)
		}
		for _, t := range taps[1:] {
			for c, v := range p.tapped(t, i) {
				if v > y[c] {
					y[c], argmax[c] = v, uint8(t.Index)
				}
			}
		}
	}
}

func poolMaxBackGeneric(p *PoolArgs) {
	taps := p.list()
	for i := range p.Pixels {
		dy, argmax := p.pixel(i), p.winners(i)
		for _, t := range taps {
			dx := p.tapped(t, i)
			for c, winner := range argmax {
				if winner == uint8(t.Index) {
					dx[c] += dy[c]
				}
			}
		}
	}
}
