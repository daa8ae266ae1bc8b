package jpeg

// lookupBits is how long the codes are that one look in a table decodes.
const lookupBits = 10

// huffman is a table of codes.
type huffman struct {
	// symbols has for the next bits a symbol and above it the length of its
	// code, 0 for a longer one.
	symbols [1 << lookupBits]uint16
	// values has what a symbol of a sequential AC coefficient and, where they
	// fit, the bits behind it say: how many bits that takes, in the lowest six;
	// needsValue; from bit 8 the zeros before the coefficient, endOfBlock for
	// the end; from bit 16 the coefficient, or its length with needsValue.
	values [1 << lookupBits]uint32

	limit  [18]int32 // by length, the first code that is too large for it, at 16 bits
	offset [17]int32 // by length, from a code to its place in order
	order  [256]uint8
}

const (
	needsValue = 1 << 6
	endOfBlock = 64
)

// huffmanTables reads tables of T.81, B.2.4.2.
func (d *decoder) huffmanTables(body []byte) error {
	for len(body) > 0 {
		class, n := body[0]>>4, body[0]&15
		if class > 1 || n > 3 || len(body) < 17 {
			return formatError("has a broken Huffman table")
		}
		total := 0
		for _, count := range body[1:17] {
			total += int(count)
		}
		if total > 256 || len(body) < 17+total {
			return formatError("has a Huffman table of %d codes in a segment too short", total)
		}
		h, err := newHuffman(body[1:17], body[17:17+total])
		if err != nil {
			return err
		}
		d.huffman[class][n] = h
		body = body[17+total:]
	}
	return nil
}

// newHuffman makes the codes of T.81, annex C.
func newHuffman(counts, symbols []byte) (*huffman, error) {
	h := &huffman{}
	copy(h.order[:], symbols)
	code, at := int32(0), int32(0)
	for length := 1; length <= 16; length++ {
		h.offset[length] = at - code
		for range counts[length-1] {
			if length <= lookupBits {
				first := code << (lookupBits - length)
				for i := range int32(1) << (lookupBits - length) {
					if int(first+i) < len(h.symbols) {
						h.symbols[first+i] = uint16(length)<<8 | uint16(symbols[at])
					}
				}
			}
			code++
			at++
		}
		if code > 1<<length {
			return nil, formatError("has a Huffman table with more codes than there can be")
		}
		h.limit[length] = code << (16 - length)
		code <<= 1
	}
	h.limit[17] = 1 << 16
	for i, s := range h.symbols {
		h.values[i] = coefficient(uint32(i), s)
	}
	return h, nil
}

// coefficient returns the entry of huffman.values for these bits.
func coefficient(next uint32, symbol uint16) uint32 {
	length, run, size := uint32(symbol>>8), uint32(symbol>>4&15), uint32(symbol&15)
	switch {
	case length == 0:
		return 0
	case size == 0 && run != 15:
		return length | endOfBlock<<8
	case length+size > lookupBits:
		return length | needsValue | run<<8 | size<<16
	}
	v := int32(next>>(lookupBits-length-size)) & (1<<size - 1)
	if size > 0 && v < 1<<(size-1) {
		v += 1 - 1<<size
	}
	return length + size | run<<8 | uint32(v)<<16
}

// symbol decodes the next symbol. ok is false for a code that the table does
// not have.
func (b *bits) symbol(h *huffman) (symbol uint8, ok bool) {
	if b.n < 16 {
		b.acc, b.n = b.fill(b.acc, b.n)
	}
	symbol, length := h.find(b.acc)
	ok = length <= 16
	length = min(length, 16) // no more than there are
	b.acc <<= length
	b.n -= length
	return symbol, ok
}

// find returns the symbol that stands at the top of acc and the length of its
// code, 17 if there is none.
func (h *huffman) find(acc uint64) (symbol uint8, length int) {
	if s := h.symbols[acc>>(64-lookupBits)]; s != 0 {
		return uint8(s), int(s >> 8)
	}
	next := int32(acc >> 48)
	for length = lookupBits + 1; next >= h.limit[length]; length++ {
		if length == 17 {
			return 0, 17
		}
	}
	if length == 17 {
		return 0, 17
	}
	return h.order[(next>>(16-length)+h.offset[length])&255], length
}

// extend turns size bits at the top of acc into a number, T.81, figure F.12.
func extend(acc uint64, size int) int32 {
	positive := int64(acc) >> 63 // all ones, or none
	return int32(acc>>(64-size)) + int32(^positive)&(1-1<<size)
}

// standard has the tables of T.81, K.3, which Motion JPEG leaves out.
var standard = func() (tables [2][2]*huffman) {
	dc := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}
	for class, specs := range [2][2]struct {
		counts  [16]byte
		symbols []byte
	}{
		{
			{[16]byte{0, 1, 5, 1, 1, 1, 1, 1, 1}, dc},
			{[16]byte{0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}, dc},
		},
		{
			{[16]byte{0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d}, lumaAC},
			{[16]byte{0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77}, chromaAC},
		},
	} {
		for i, spec := range specs {
			h, err := newHuffman(spec.counts[:], spec.symbols)
			if err != nil {
				panic(err) // a constant
			}
			tables[class][i] = h
		}
	}
	return tables
}()

// lumaAC are the symbols of T.81, table K.5, by the length of their codes.
var lumaAC = []byte{
	0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
	0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
	0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
	0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
	0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
	0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
	0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
	0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
	0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
}

// chromaAC are the symbols of T.81, table K.6, by the length of their codes.
var chromaAC = []byte{
	0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
	0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
	0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
	0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
	0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
	0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
	0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
	0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
	0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
}
