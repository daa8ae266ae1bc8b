package jpeg

// arithmetic is the decoder of T.81, annex D, with the statistics of F.1.4.4.
type arithmetic struct {
	c      uint32 // base of the coding interval and bits behind it
	a      uint32 // size of the interval
	ct     int    // bits behind it
	failed bool   // the data make no sense; all that follows is lost
	ended  int    // zeros read behind the end of the segment
	dc     [4][64]uint8
	ac     [4][256]uint8
	fixed  uint8 // statistics of even odds
}

// reset begins a scan or a restart interval.
func (a *arithmetic) reset() { *a = arithmetic{ct: -16, fixed: evenOdds} }

// arithmeticConditioning reads the segment of T.81, B.2.4.3.
func (d *decoder) arithmeticConditioning(body []byte) error {
	for ; len(body) >= 2; body = body[2:] {
		class, n := body[0]>>4, body[0]&15
		if class > 1 || n > 3 || class == 0 && body[1]&15 > body[1]>>4 {
			return formatError("has a broken arithmetic conditioning")
		}
		d.conditioning[class][n] = body[1]
	}
	return nil
}

// decode decides about one bit, T.81, figures D.14 to D.19, in the form of
// libjpeg's jdarith.c.
func (a *arithmetic) decode(in *bits, s *uint8) int {
	for a.a < 0x8000 {
		if a.ct--; a.ct < 0 {
			v, ok := in.byte()
			if !ok {
				a.ended++
			}
			a.c = a.c<<8 | uint32(v)
			if a.ct += 8; a.ct < 0 {
				if a.ct++; a.ct == 0 {
					a.a = 0x8000 // two bytes are there: 0x10000 behind this
				}
			}
		}
		a.a <<= 1
	}
	state := &estimates[*s&0x7f]
	qe, mps := uint32(state.qe), *s&0x80
	a.a -= qe
	if limit := a.a << a.ct; a.c >= limit {
		a.c -= limit
		likely := a.a < qe
		a.a = qe
		if likely {
			*s = mps ^ state.mps
			return int(mps >> 7)
		}
		*s = mps ^ state.lps
		return int(mps>>7) ^ 1
	}
	if a.a >= 0x8000 {
		return int(mps >> 7)
	}
	if a.a < qe {
		*s = mps ^ state.lps
		return int(mps>>7) ^ 1
	}
	*s = mps ^ state.mps
	return int(mps >> 7)
}

// sequential reads a block as decoder.sequential does.
func (a *arithmetic) sequential(d *decoder, c *component, b *block) (nonzero uint64) {
	if a.failed {
		return 0
	}
	a.difference(d, c)
	b[0] = int32(int16(c.last)) * int32(c.quant[0])
	a.band(d, c, 1, 63, func(at uint8, v int32) {
		b[at] = int32(int16(v)) * int32(c.quant[at])
		nonzero |= 1 << at
	})
	return nonzero | 1
}

// progressive reads the bits of a block that this scan has.
func (a *arithmetic) progressive(d *decoder, c *component, coefs *[64]int16) {
	switch {
	case a.failed:
	case d.ss == 0 && d.ah == 0:
		a.difference(d, c)
		coefs[0] = int16(c.last << d.al)
	case d.ss == 0:
		coefs[0] |= int16(a.decode(&d.in, &a.fixed) << d.al)
	case d.ah == 0:
		a.band(d, c, d.ss, d.se, func(at uint8, v int32) { coefs[at] = int16(v << d.al) })
	default:
		a.refine(d, c, coefs)
	}
}

// difference reads what a mean has more than the one before, T.81, F.1.4.1.
func (a *arithmetic) difference(d *decoder, c *component) {
	stats, at := &a.dc[c.dc], c.dcContext
	if a.decode(&d.in, &stats[at]) == 0 {
		c.dcContext = 0
		return
	}
	sign := a.decode(&d.in, &stats[at+1])
	at += 2 + sign
	m := a.decode(&d.in, &stats[at])
	if m != 0 {
		if m, at = a.magnitude(d, stats[:], 20, 1); a.failed {
			return
		}
	}
	low, high := d.conditioning[0][c.dc]&15, d.conditioning[0][c.dc]>>4
	switch {
	case m < 1<<low>>1:
		c.dcContext = 0
	case m > 1<<high>>1:
		c.dcContext = 12 + 4*sign
	default:
		c.dcContext = 4 + 4*sign
	}
	c.last += a.value(d, &stats[at+14], m, sign)
}

// magnitude reads the size of a number from m on, T.81, figure F.23, and
// returns it and where its statistics are.
func (a *arithmetic) magnitude(d *decoder, stats []uint8, at, m int) (size, end int) {
	for a.decode(&d.in, &stats[at]) != 0 {
		if m <<= 1; m == 0x8000 {
			a.failed = true
			return m, at
		}
		at++
	}
	return m, at
}

// value reads the bits below the first of a number, T.81, figure F.24.
func (a *arithmetic) value(d *decoder, s *uint8, m, sign int) int32 {
	v := m
	for m >>= 1; m != 0; m >>= 1 {
		if a.decode(&d.in, s) != 0 {
			v |= m
		}
	}
	if v++; sign != 0 {
		v = -v
	}
	return int32(v)
}

// band reads coefficients from first to last, T.81, F.1.4.2.
func (a *arithmetic) band(d *decoder, c *component, first, last int, set func(at uint8, v int32)) {
	stats, most := &a.ac[c.ac], int(d.conditioning[1][c.ac])
	for k := first; k <= last; k++ {
		at := 3 * (k - 1)
		if a.decode(&d.in, &stats[at]) != 0 {
			return // end of block
		}
		for a.decode(&d.in, &stats[at+1]) == 0 {
			at += 3
			if k++; k > last {
				a.failed = true
				return
			}
		}
		sign := a.decode(&d.in, &a.fixed)
		at += 2
		m := a.decode(&d.in, &stats[at])
		if m != 0 && a.decode(&d.in, &stats[at]) != 0 {
			at = 217
			if k <= most {
				at = 189
			}
			if m, at = a.magnitude(d, stats[:], at, 2); a.failed {
				return
			}
		}
		set(natural[k], a.value(d, &stats[at+14], m, sign))
	}
}

// refine reads one more bit of a band, T.81, G.1.3.3.
func (a *arithmetic) refine(d *decoder, c *component, coefs *[64]int16) {
	stats, bit := &a.ac[c.ac], int16(1)<<d.al
	end := d.se // of the block as it was
	for end > 0 && coefs[natural[end]] == 0 {
		end--
	}
	for k := d.ss; k <= d.se; k++ {
		at := 3 * (k - 1)
		if k > end && a.decode(&d.in, &stats[at]) != 0 {
			return
		}
		for {
			v := &coefs[natural[k]]
			if *v != 0 {
				if a.decode(&d.in, &stats[at+2]) != 0 {
					if *v < 0 {
						*v -= bit
					} else {
						*v += bit
					}
				}
				break
			}
			if a.decode(&d.in, &stats[at+1]) != 0 {
				if *v = bit; a.decode(&d.in, &a.fixed) != 0 {
					*v = -bit
				}
				break
			}
			at += 3
			if k++; k > d.se {
				a.failed = true
				return
			}
		}
	}
}

// evenOdds is the state that does not learn.
const evenOdds = 113

// estimates are the states of T.81, table D.3: the probability of the less
// probable symbol, and the states that follow each symbol; 0x80 exchanges them.
var estimates = [114]struct {
	qe       uint16
	lps, mps uint8
}{
	{0x5a1d, 1 | 0x80, 1}, {0x2586, 14, 2}, {0x1114, 16, 3}, {0x080b, 18, 4}, {0x03d8, 20, 5}, {0x01da, 23, 6},
	{0x00e5, 25, 7}, {0x006f, 28, 8}, {0x0036, 30, 9}, {0x001a, 33, 10}, {0x000d, 35, 11}, {0x0006, 9, 12},
	{0x0003, 10, 13}, {0x0001, 12, 13}, {0x5a7f, 15 | 0x80, 15}, {0x3f25, 36, 16}, {0x2cf2, 38, 17}, {0x207c, 39, 18},
	{0x17b9, 40, 19}, {0x1182, 42, 20}, {0x0cef, 43, 21}, {0x09a1, 45, 22}, {0x072f, 46, 23}, {0x055c, 48, 24},
	{0x0406, 49, 25}, {0x0303, 51, 26}, {0x0240, 52, 27}, {0x01b1, 54, 28}, {0x0144, 56, 29}, {0x00f5, 57, 30},
	{0x00b7, 59, 31}, {0x008a, 60, 32}, {0x0068, 62, 33}, {0x004e, 63, 34}, {0x003b, 32, 35}, {0x002c, 33, 9},
	{0x5ae1, 37 | 0x80, 37}, {0x484c, 64, 38}, {0x3a0d, 65, 39}, {0x2ef1, 67, 40}, {0x261f, 68, 41}, {0x1f33, 69, 42},
	{0x19a8, 70, 43}, {0x1518, 72, 44}, {0x1177, 73, 45}, {0x0e74, 74, 46}, {0x0bfb, 75, 47}, {0x09f8, 77, 48},
	{0x0861, 78, 49}, {0x0706, 79, 50}, {0x05cd, 48, 51}, {0x04de, 50, 52}, {0x040f, 50, 53}, {0x0363, 51, 54},
	{0x02d4, 52, 55}, {0x025c, 53, 56}, {0x01f8, 54, 57}, {0x01a4, 55, 58}, {0x0160, 56, 59}, {0x0125, 57, 60},
	{0x00f6, 58, 61}, {0x00cb, 59, 62}, {0x00ab, 61, 63}, {0x008f, 61, 32}, {0x5b12, 65 | 0x80, 65}, {0x4d04, 80, 66},
	{0x412c, 81, 67}, {0x37d8, 82, 68}, {0x2fe8, 83, 69}, {0x293c, 84, 70}, {0x2379, 86, 71}, {0x1edf, 87, 72},
	{0x1aa9, 87, 73}, {0x174e, 72, 74}, {0x1424, 72, 75}, {0x119c, 74, 76}, {0x0f6b, 74, 77}, {0x0d51, 75, 78},
	{0x0bb6, 77, 79}, {0x0a40, 77, 48}, {0x5832, 80 | 0x80, 81}, {0x4d1c, 88, 82}, {0x438e, 89, 83}, {0x3bdd, 90, 84},
	{0x34ee, 91, 85}, {0x2eae, 92, 86}, {0x299a, 93, 87}, {0x2516, 86, 71}, {0x5570, 88 | 0x80, 89}, {0x4ca9, 95, 90},
	{0x44d9, 96, 91}, {0x3e22, 97, 92}, {0x3824, 99, 93}, {0x32b4, 99, 94}, {0x2e17, 93, 86}, {0x56a8, 95 | 0x80, 96},
	{0x4f46, 101, 97}, {0x47e5, 102, 98}, {0x41cf, 103, 99}, {0x3c3d, 104, 100}, {0x375e, 99, 93}, {0x5231, 105, 102},
	{0x4c0f, 106, 103}, {0x4639, 107, 104}, {0x415e, 103, 99}, {0x5627, 105 | 0x80, 106}, {0x50e7, 108, 107}, {0x4b85, 109, 103},
	{0x5597, 110, 109}, {0x504f, 111, 107}, {0x5a10, 110 | 0x80, 111}, {0x5522, 112, 109}, {0x59eb, 112 | 0x80, 111}, {0x5a1d, 113, 113},
}
