package tiff

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"math/bits"

	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"

	"github.com/inception-go/inception/internal/picture/jpeg"
)

// piece returns the samples of a strip or tile that count, of 8 bits each:
// [high][wide][shown]; nil if none could be read.
func (p *page) piece(n int) ([]uint8, error) {
	rows := p.rowsOf(n)
	out := make([]uint8, rows*p.wide*p.shown)
	if !p.planar {
		raw, err := p.read(n, rows, p.samples)
		if raw == nil {
			return nil, err
		}
		for c := range p.shown {
			p.sample(out[c:], raw, rows, c, p.samples)
		}
		return out, err
	}
	var first error
	read := false
	for c := range p.shown {
		raw, err := p.read(c*p.across*p.down+n, rows, 1)
		if first == nil {
			first = err
		}
		if raw != nil {
			read = true
			p.sample(out[c:], raw, rows, 0, 1)
		}
	}
	if !read {
		return nil, first
	}
	return out, first
}

// rowsOf returns the rows of piece n: the last strip may have fewer.
func (p *page) rowsOf(n int) int {
	if p.tiled {
		return p.high
	}
	return min(p.high, p.height-n*p.high)
}

// rowBytes returns the bytes of a row of a piece.
func (p *page) rowBytes(samples int) int { return (p.wide*samples*p.bits + 7) / 8 }

// read returns the decompressed bytes of piece n of so many samples a pixel;
// nil if there are none.
func (p *page) read(n, rows, samples int) ([]byte, error) {
	if n >= p.offsets.len() {
		return nil, errShort
	}
	from, size := p.offsets.at(n), uint64(len(p.data))
	if n < p.sizes.len() {
		size = p.sizes.at(n)
	}
	if from >= uint64(len(p.data)) {
		return nil, errShort
	}
	coded := p.data[from:]
	short := size > uint64(len(coded))
	coded = coded[:min(size, uint64(len(coded)))]
	want := rows * p.rowBytes(samples)
	if p.subH*p.subV > 1 {
		want = p.packedBytes(rows)
	}
	if p.compression == uncompressed {
		coded = coded[:min(want, len(coded))]
	}
	p.work += int64(len(coded) + want)
	raw, err := p.decompress(coded, rows, samples, want)
	if len(raw) == 0 {
		if err == nil || short {
			err = errShort
		}
		return nil, err
	}
	if len(raw) < want {
		if err == nil || short || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errShort
		}
		raw = append(raw, make([]byte, want-len(raw))...)
	} else if p.compression != jpegCoded {
		err = nil // what follows does not matter
	}
	if p.compression != jpegCoded {
		p.unpredict(raw, rows, samples)
	}
	if p.subH*p.subV > 1 {
		raw = p.unpack(raw, rows)
	}
	return raw, err
}

// decompress returns at most want bytes.
func (p *page) decompress(coded []byte, rows, samples, want int) ([]byte, error) {
	if p.reversed && p.compression != jpegCoded {
		coded = bytes.Clone(coded)
		for i, b := range coded {
			coded[i] = bits.Reverse8(b)
		}
	}
	switch p.compression {
	case uncompressed:
		if size := p.rowBytes(samples); len(coded) < want {
			coded = coded[:len(coded)/size*size] // as Pillow, who shows whole rows
		}
		return bytes.Clone(coded), nil
	case packBitsCoded:
		return unpackBits(coded, want)
	case lzwCoded:
		return readUpTo(lzw.NewReader(bytes.NewReader(coded), lzw.MSB, 8), want)
	case deflated, deflatedOld:
		z, err := zlib.NewReader(bytes.NewReader(coded))
		if err != nil {
			return nil, err
		}
		return readUpTo(z, want)
	case fax3, fax4:
		return p.fax(coded, rows, want)
	case jpegCoded:
		return p.jpeg(coded, rows, samples)
	}
	return nil, fmt.Errorf("TIFF of compression %d is not supported", p.compression)
}

// readUpTo returns what a reader has, and its error unless that is the end.
func readUpTo(r io.Reader, want int) ([]byte, error) {
	out := make([]byte, want)
	n, err := io.ReadFull(r, out)
	if err == io.EOF {
		err = nil
	}
	return out[:n], err
}

// unpackBits decodes TIFF 6, section 9.
func unpackBits(coded []byte, want int) ([]byte, error) {
	out := make([]byte, 0, want)
	for len(out) < want && len(coded) > 0 {
		n := int(int8(coded[0]))
		coded = coded[1:]
		switch {
		case n >= 0:
			n = min(n+1, len(coded))
			out = append(out, coded[:n]...)
			coded = coded[n:]
		case n > -128 && len(coded) > 0:
			for range 1 - n {
				out = append(out, coded[0])
			}
			coded = coded[1:]
		}
	}
	return out[:min(want, len(out))], nil
}

// fax decodes T.4 and T.6; a 1 is black in the code whatever the photometric
// interpretation.
func (p *page) fax(coded []byte, rows, want int) ([]byte, error) {
	if p.bits != 1 || p.samples != 1 {
		return nil, errors.New("TIFF of fax compression has more than one bit a pixel")
	}
	format := ccitt.Group4
	if p.compression == fax3 {
		if format = ccitt.Group3; p.dir.number(tagFaxOptions, 0)&1 == 1 {
			return nil, errors.New("TIFF of two-dimensional T.4 fax compression is not supported")
		}
	}
	r := ccitt.NewReader(bytes.NewReader(coded), ccitt.MSB, format, p.wide, rows, &ccitt.Options{Invert: true})
	return readUpTo(r, want)
}

// jpeg decodes a piece, whose tables may stand in a tag of their own, into the
// samples of the file, chroma interpolated.
func (p *page) jpeg(coded []byte, rows, samples int) ([]byte, error) {
	if p.bits != 8 {
		return nil, fmt.Errorf("TIFF of JPEG of %d bits is not supported", p.bits)
	}
	tables := p.dir.bytes(tagJPEGTables)
	if len(tables) > 4 && len(coded) > 2 {
		p.work += int64(len(tables))
		coded = append(bytes.Clone(tables[:len(tables)-2]), coded[2:]...)
	}
	c, err := jpeg.DecodeConfig(coded)
	if err != nil {
		return nil, err
	}
	if c.Width != p.wide || c.Height > p.high+7 || c.Components != samples {
		return nil, fmt.Errorf("TIFF piece of %dx%d pixels is a JPEG of %dx%d", p.wide, rows, c.Width, c.Height)
	}
	raw, err := jpeg.DecodeSamples(coded)
	if err != nil {
		return nil, err
	}
	switch raw.Damage {
	case "":
	case jpeg.EndsEarly:
		err = errShort
	default:
		err = errors.New("JPEG is damaged")
	}
	return raw.Pix[:min(len(raw.Pix), rows*p.wide*samples)], err
}

// unpredict undoes differences between neighbours, TIFF 6, section 14.
func (p *page) unpredict(raw []byte, rows, samples int) {
	const horizontal = 2
	if p.predictor != horizontal || p.bits != 8 && p.bits != 16 {
		return
	}
	size := p.rowBytes(samples)
	for y := range rows {
		row := raw[y*size : (y+1)*size]
		if p.bits == 8 {
			for i := samples; i < len(row); i++ {
				row[i] += row[i-samples]
			}
			continue
		}
		order := p.dir.order
		for i := 2 * samples; i+1 < len(row); i += 2 {
			order.PutUint16(row[i:], order.Uint16(row[i:])+order.Uint16(row[i-2*samples:]))
		}
	}
}

// packedBytes is the size of rows whose pixels share chroma, TIFF 6, section 21.
func (p *page) packedBytes(rows int) int {
	return (p.wide + p.subH - 1) / p.subH * ((rows + p.subV - 1) / p.subV) * (p.subH*p.subV + 2)
}

// unpack gives each pixel its chroma.
func (p *page) unpack(raw []byte, rows int) []byte {
	out := make([]byte, 3*rows*p.wide)
	unit, across := p.subH*p.subV+2, (p.wide+p.subH-1)/p.subH
	for y := range rows {
		for x := range p.wide {
			u := raw[(y/p.subV*across+x/p.subH)*unit:][:unit]
			o := out[3*(y*p.wide+x):][:3]
			o[0], o[1], o[2] = u[y%p.subV*p.subH+x%p.subH], u[unit-2], u[unit-1]
		}
	}
	return out
}

// sample writes one sample of each pixel, stretched to 8 bits; of 16 bits, the
// upper half. Places in a palette stay as they are.
func (p *page) sample(out, raw []byte, rows, c, samples int) {
	size := p.rowBytes(samples)
	for y := range rows {
		row := raw[y*size : (y+1)*size]
		for x := range p.wide {
			i := x*samples + c
			var v uint8
			switch p.bits {
			case 8:
				v = row[i]
			case 16:
				v = uint8(p.dir.order.Uint16(row[2*i:]) >> 8)
			case 12: // its upper 8
				v = row[i*3/2]
				if i&1 == 1 {
					v = v<<4 | row[i*3/2+1]>>4
				}
			default:
				v = row[i*p.bits/8] >> (8 - p.bits - i*p.bits%8) & (1<<p.bits - 1)
				if p.photometric != indexed {
					v *= 255 / (1<<p.bits - 1)
				}
			}
			out[(y*p.wide+x)*p.shown] = v
		}
	}
}
