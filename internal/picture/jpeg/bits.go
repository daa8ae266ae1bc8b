package jpeg

import "encoding/binary"

// bits reads the entropy-coded data between two markers, bit by bit. Behind
// their end it reads zeros.
type bits struct {
	data []byte
	pos  int    // of the next byte
	acc  uint64 // the next bits, the first at the top
	n    int    // how many of them are valid
	pad  int    // zeros from behind the end among them
}

// fill returns acc with more than 56 valid bits, and how many.
func (b *bits) fill(acc uint64, n int) (uint64, int) {
	if n > 56 {
		return acc, n
	}
	if b.pos+8 <= len(b.data) {
		x := binary.BigEndian.Uint64(b.data[b.pos:])
		const ones = 0x0101010101010101
		if (^x-ones)&x&(ones<<7) == 0 { // none of the eight is 0xff
			k := (63 - n) >> 3
			b.pos += k
			return acc | x>>n, n + 8*k
		}
	}
	return b.fillSlowly(acc, n)
}

func (b *bits) fillSlowly(acc uint64, n int) (uint64, int) {
	for n <= 56 {
		v, ok := b.byte()
		if !ok {
			b.pad += 8
		}
		acc |= uint64(v) << (56 - n)
		n += 8
	}
	return acc, n
}

// byte returns the next byte without the zero that follows a 0xff.
func (b *bits) byte() (byte, bool) {
	if b.pos >= len(b.data) {
		return 0, false
	}
	v := b.data[b.pos]
	if v != 0xff {
		b.pos++
		return v, true
	}
	next := b.pos + 1
	for next < len(b.data) && b.data[next] == 0xff { // fill bytes
		next++
	}
	if next >= len(b.data) || b.data[next] != 0 {
		return 0, false // a marker, or the end
	}
	b.pos = next + 1
	return v, true
}

// take returns the next k bits, at most 16.
func (b *bits) take(k int) int {
	if b.n < 16 {
		b.acc, b.n = b.fill(b.acc, b.n)
	}
	v := int(b.acc >> (64 - k))
	b.acc <<= k
	b.n -= k
	return v
}

// overrun says whether more was read than there is.
func (b *bits) overrun() bool { return b.n < b.pad }

// reset forgets what was read ahead.
func (b *bits) reset() { b.acc, b.n, b.pad = 0, 0, 0 }
