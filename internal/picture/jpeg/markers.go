package jpeg

import "encoding/binary"

// Markers of T.81, table B.1.
const (
	markerSOF0 = 0xc0
	markerDHT  = 0xc4
	markerDAC  = 0xcc
	markerRST0 = 0xd0
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerDQT  = 0xdb
	markerDRI  = 0xdd
	markerAPP0 = 0xe0
	markerAPPE = 0xee
)

// untilFrame reads the markers up to and including the frame's header.
func (d *decoder) untilFrame() error {
	data := d.in.data
	if len(data) < 3 || data[0] != 0xff || data[1] != markerSOI {
		return formatError("does not begin with its marker")
	}
	d.in.pos = 2
	for {
		marker := d.nextMarker()
		switch marker {
		case 0:
			return errEnd
		case markerEOI, markerSOS:
			return formatError("has no frame header")
		case 0xc0, 0xc1, 0xc2, 0xc9, 0xca:
			body, err := d.segment()
			if err != nil {
				return err
			}
			return d.frame(marker, body)
		case 0xc3, 0xc5, 0xc6, 0xc7, 0xcb, 0xcd, 0xce, 0xcf:
			return formatError("is lossless or hierarchical, which is not supported")
		}
		if err := d.miscellaneous(marker); err != nil {
			return err
		}
	}
}

// untilScan reads the markers between scans and returns the one that is none
// of these: SOS, EOI or 0 at the end of all data.
func (d *decoder) untilScan() (byte, error) {
	for {
		marker := d.nextMarker()
		switch {
		case marker == markerEOI:
			d.ended = true
			return marker, nil
		case marker == 0 || marker == markerSOS:
			return marker, nil
		case marker >= markerSOF0 && marker <= 0xcf && marker != markerDHT && marker != markerDAC && marker != 0xc8:
			return 0, formatError("has two frames")
		case marker == markerSOI:
			return 0, formatError("begins twice")
		}
		if err := d.miscellaneous(marker); err != nil {
			return 0, err
		}
	}
}

// nextMarker skips to the next marker and returns it, 0 if there is none.
func (d *decoder) nextMarker() byte {
	data := d.in.data
	for p := d.in.pos; p+1 < len(data); p++ {
		if data[p] == 0xff && data[p+1] != 0 && data[p+1] != 0xff {
			d.in.pos = p + 2
			return data[p+1]
		}
	}
	d.in.pos = len(data)
	return 0
}

// segment returns what belongs to the marker just read.
func (d *decoder) segment() ([]byte, error) {
	rest := d.in.data[d.in.pos:]
	if len(rest) < 2 {
		return nil, errEnd
	}
	n := int(binary.BigEndian.Uint16(rest))
	if n < 2 {
		return nil, formatError("has a segment of length %d", n)
	}
	if n > len(rest) {
		return nil, errEnd
	}
	d.in.pos += n
	return rest[2:n], nil
}

// miscellaneous reads a segment that can stand before a scan.
func (d *decoder) miscellaneous(marker byte) error {
	if marker == 1 || marker >= markerRST0 && marker < markerSOI {
		return nil // they stand alone
	}
	body, err := d.segment()
	if err != nil {
		return err
	}
	switch marker {
	case markerDQT:
		return d.quantisation(body)
	case markerDHT:
		return d.huffmanTables(body)
	case markerDAC:
		return d.arithmeticConditioning(body)
	case markerDRI:
		if len(body) < 2 {
			return formatError("has a restart interval of %d bytes", len(body))
		}
		d.restartInterval = int(binary.BigEndian.Uint16(body))
	case markerAPP0:
		if len(body) >= 5 && string(body[:5]) == "JFIF\x00" {
			d.jfif = true
		}
	case markerAPPE:
		if len(body) >= 12 && string(body[:5]) == "Adobe" {
			d.adobe, d.adobeTransform = true, body[11]
		}
	}
	return nil
}

// quantisation reads tables of T.81, B.2.4.1.
func (d *decoder) quantisation(body []byte) error {
	for len(body) > 0 {
		wide, n := body[0]>>4, body[0]&15
		size := 64 * (1 + int(wide))
		if wide > 1 || n > 3 || len(body) < 1+size {
			return formatError("has a broken quantisation table")
		}
		table := new([64]uint16)
		for k := range 64 {
			if wide == 1 {
				table[natural[k]] = binary.BigEndian.Uint16(body[1+2*k:])
			} else {
				table[natural[k]] = uint16(body[1+k])
			}
		}
		d.quant[n] = table // a new one: components keep the one that they began with
		body = body[1+size:]
	}
	return nil
}

// frame reads the header of T.81, B.2.2.
func (d *decoder) frame(marker byte, body []byte) error {
	if len(body) < 6 {
		return formatError("has a frame header of %d bytes", len(body))
	}
	d.progressive = marker == 0xc2 || marker == 0xca
	d.arithmetic = marker >= 0xc9
	if body[0] != 8 {
		return formatError("has %d bits a sample; only 8 are supported", body[0])
	}
	d.height, d.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	n := int(body[5])
	if d.width == 0 || d.height == 0 {
		return formatError("has %dx%d pixels", d.width, d.height)
	}
	if n < 1 || n > 4 || len(body) < 6+3*n {
		return formatError("has %d components in a header of %d bytes; 1 to 4 are supported", n, len(body))
	}
	d.components = make([]component, n)
	for i := range d.components {
		spec := body[6+3*i:]
		c := component{id: spec[0], h: int(spec[1] >> 4), v: int(spec[1] & 15), table: spec[2]}
		if c.h < 1 || c.h > 4 || c.v < 1 || c.v > 4 || c.table > 3 {
			return formatError("has sampling factors %dx%d and quantisation table %d", c.h, c.v, c.table)
		}
		d.maxH, d.maxV = max(d.maxH, c.h), max(d.maxV, c.v)
		d.components[i] = c
	}
	if n == 1 { // T.81, A.2.2: the factors of a single component mean nothing
		c := &d.components[0]
		c.h, c.v, d.maxH, d.maxV = 1, 1, 1, 1
	}
	d.mcusAcross, d.mcusDown = ceil(d.width, 8*d.maxH), ceil(d.height, 8*d.maxV)
	return nil
}

// natural is where the coefficients of zigzag order lie in a block, T.81,
// figure 5. Behind the last one, damaged data go where they hurt least.
var natural = [80]uint8{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5,
	12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
	58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
	63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63, 63,
}
