package jpeg

// sequential reads a Huffman-coded block of a sequential picture, T.81, F.2.2,
// and returns a bit for every coefficient that is not zero.
func (d *decoder) sequential(c *component, b *block) (nonzero uint64) {
	in, quant := &d.in, c.quant
	acc, n := in.fill(in.acc, in.n)
	symbol, length := d.huffman[0][c.dc].find(acc)
	if length > 16 {
		d.damage(Damaged)
	}
	size := int(symbol & 15)
	acc <<= length
	if size > 0 {
		c.last += extend(acc, size)
	}
	acc <<= size
	n -= length + size
	b[0] = int32(int16(c.last)) * int32(quant[0])
	nonzero = 1

	ac := d.huffman[1][c.ac]
	for k := 1; k < 64; k++ {
		if n < 32 { // the longest code and what follows it
			acc, n = in.fill(acc, n)
		}
		e := ac.values[acc>>(64-lookupBits)]
		if e == 0 {
			e = d.longCode(ac, acc)
		}
		taken := int(e & 63)
		acc <<= taken
		n -= taken
		k += int(e >> 8 & 127)
		value := int32(e) >> 16
		if e&needsValue != 0 {
			size := int(value)
			value = extend(acc, size)
			acc <<= size
			n -= size
		}
		if k >= endOfBlock {
			break
		}
		at := natural[k] & 63
		b[at] = value * int32(quant[at])
		nonzero |= 1 << at
	}
	in.acc, in.n = acc, n
	return nonzero
}

// longCode returns what huffman.values would have for a code longer than those
// that are there. One that does not exist ends the block.
func (d *decoder) longCode(ac *huffman, acc uint64) uint32 {
	symbol, length := ac.find(acc)
	if length > 16 {
		d.damage(Damaged)
		return 16 | endOfBlock<<8
	}
	run, size := uint32(symbol>>4), uint32(symbol&15)
	switch {
	case size > 0:
		return uint32(length) | needsValue | run<<8 | size<<16
	case run == 15:
		return uint32(length) | run<<8
	}
	return uint32(length) | endOfBlock<<8
}
