package jpeg

// firstDC reads the upper bits of a mean, T.81, G.1.2.1.
func (d *decoder) firstDC(c *component, coefs *[64]int16) {
	symbol, ok := d.in.symbol(d.huffman[0][c.dc])
	if !ok {
		d.damage(Damaged)
	}
	if size := int(symbol & 15); size > 0 {
		c.last += d.in.number(size)
	}
	coefs[0] = int16(c.last << d.al)
}

// number reads a number of so many bits, T.81, F.2.2.1.
func (b *bits) number(size int) int32 {
	if b.n < 16 {
		b.acc, b.n = b.fill(b.acc, b.n)
	}
	v := extend(b.acc, size)
	b.acc <<= size
	b.n -= size
	return v
}

// firstAC reads the upper bits of a band, T.81, G.1.2.2.
func (d *decoder) firstAC(c *component, coefs *[64]int16) {
	if d.eobRun > 0 {
		d.eobRun--
		return
	}
	ac := d.huffman[1][c.ac]
	for k := d.ss; k <= d.se; k++ {
		symbol, ok := d.in.symbol(ac)
		if !ok {
			d.damage(Damaged)
		}
		run, size := int(symbol>>4), int(symbol&15)
		k += run
		if size > 0 {
			coefs[natural[k]] = int16(d.in.number(size) << d.al)
			continue
		}
		if run < 15 {
			d.eobRun = 1<<run - 1 + d.in.take(run)
			return
		}
	}
}

// refineAC reads one more bit of a band, T.81, G.1.2.3.
func (d *decoder) refineAC(c *component, coefs *[64]int16) {
	in, ac := &d.in, d.huffman[1][c.ac]
	bit := int16(1) << d.al
	k := d.ss
	for ; k <= d.se && d.eobRun == 0; k++ {
		symbol, ok := in.symbol(ac)
		if !ok {
			d.damage(Damaged)
		}
		run, value := int(symbol>>4), int16(0)
		switch {
		case symbol&15 != 0:
			if symbol&15 != 1 {
				d.damage(Damaged)
			}
			value = -bit
			if in.take(1) == 1 {
				value = bit
			}
		case run < 15:
			d.eobRun = 1<<run + in.take(run)
		}
		if d.eobRun > 0 {
			break
		}
		for ; k <= d.se; k++ { // past the zeros of the run, which values known may interrupt
			at := &coefs[natural[k]]
			if *at == 0 {
				if run == 0 {
					*at = value
					break
				}
				run--
				continue
			}
			in.refine(at, bit)
		}
	}
	if d.eobRun > 0 {
		for ; k <= d.se; k++ {
			if at := &coefs[natural[k]]; *at != 0 {
				in.refine(at, bit)
			}
		}
		d.eobRun--
	}
}

// refine reads the next bit of a value that is known not to be zero.
func (b *bits) refine(value *int16, bit int16) {
	switch {
	case b.take(1) == 0 || *value&bit != 0:
	case *value >= 0:
		*value += bit
	default:
		*value -= bit
	}
}

// transform makes the samples of a progressive picture out of coefficients.
func (d *decoder) transform() {
	smooth := d.smoothing()
	for i := range d.components {
		c := &d.components[i]
		if c.quant == nil {
			continue
		}
		for by := range c.down {
			for bx := range c.across {
				coefs := *(*[64]int16)(c.coefs[64*(by*c.stride/8+bx):])
				if smooth {
					c.smooth(&coefs, bx, by, d.lastRow)
				}
				var b block
				nonzero := uint64(0)
				for k, v := range coefs {
					if v != 0 {
						b[k] = int32(v) * int32(c.quant[k])
						nonzero |= 1 << k
					}
				}
				idct(&b, nonzero, c.plane[8*by*c.stride+8*bx:], c.stride)
			}
		}
		c.coefs = nil
	}
}
