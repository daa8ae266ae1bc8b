// Package tiff decodes TIFF as far as pictures for people go: strips and tiles,
// samples together or in planes, of 1 to 16 bits; black and white, grey, RGB,
// palettes, CMYK and YCbCr, with opacity; uncompressed, LZW, deflate, PackBits,
// fax and JPEG; BigTIFF. Of several pages the first counts. Encoded bytes enter;
// rows of red, green and blue over white leave. "TIFF 6" in comments is Adobe's
// specification, revision 6.0.
package tiff

import (
	"errors"
	"fmt"
	"math"
)

// Config is what the directory of the first page says.
type Config struct {
	Width, Height int
	Orientation   int // as EXIF has it; 0 if nothing is said
	XMP           []byte

	memory int64
}

// Memory returns how many bytes Decode allocates at most.
func (c Config) Memory() int64 { return c.memory }

// Picture is a decoded page.
type Picture struct {
	Width, Height int
	Pix           []uint8 // [Height][Width][3]: red, green, blue
	Short         bool    // the file ends before all of it
	Broken        bool    // a part of it makes no sense
}

// Is says whether data begin as those of a TIFF.
func Is(data []byte) bool {
	if len(data) < 4 {
		return false
	}
	switch string(data[:4]) {
	case "II*\x00", "MM\x00*", "II+\x00", "MM\x00+":
		return true
	}
	return false
}

// DecodeConfig reads the directory.
func DecodeConfig(data []byte) (Config, error) {
	p, err := readPage(data)
	if err != nil {
		return Config{}, err
	}
	c := Config{Width: p.width, Height: p.height, XMP: p.dir.bytes(tagXMP)}
	if _, ok := p.dir.entries[tagOrientation]; ok {
		c.Orientation = int(min(p.dir.number(tagOrientation, 1), 9))
	}
	c.memory = 3*int64(p.width)*int64(p.height) + p.pieceBytes() + 1<<16
	return c, nil
}

// Decode decodes the first page. What is missing is black, or white where it
// may be transparent.
func Decode(data []byte) (Picture, error) {
	p, err := readPage(data)
	if err != nil {
		return Picture{}, err
	}
	out := Picture{Width: p.width, Height: p.height, Pix: make([]uint8, 3*p.width*p.height)}
	if p.alpha >= 0 {
		for i := range out.Pix {
			out.Pix[i] = 255
		}
	}
	shown := 0
	for n := range p.across * p.down {
		if n >= p.offsets.len() {
			out.Short = true
			break
		}
		if p.work > p.mostWork() {
			if shown == 0 {
				return Picture{}, errors.New("TIFF of pieces that lie over each other")
			}
			out.Broken = true
			break
		}
		piece, err := p.piece(n)
		switch {
		case errors.Is(err, errShort):
			out.Short = true
		case err != nil && piece == nil && shown == 0:
			return Picture{}, err
		case err != nil:
			out.Broken = true
		}
		if piece != nil {
			shown++
			p.show(&out, piece, n)
		}
	}
	if shown == 0 {
		return Picture{}, errShort
	}
	return out, nil
}

// errShort is a file that ends before its picture.
var errShort = errors.New("TIFF ends early")

// page is what the tags of a page say.
type page struct {
	data []byte
	dir  directory

	width, height  int
	bits           int // of every sample
	samples        int // of a pixel, in the file
	shown          int // of these that count: colours, and opacity
	alpha          int // which sample is the opacity, -1 if none is
	multiplied     bool
	photometric    int
	compression    int
	predictor      int
	planar         bool // each sample in pieces of its own
	reversed       bool // bits of each byte
	palette        []uint64
	subH, subV     int // pixels that share a sample of YCbCr
	wide, high     int // pixels of a piece: a strip or a tile
	tiled          bool
	across, down   int // pieces
	offsets, sizes numbers

	work int64 // bytes of pieces so far, coded and decoded
}

// The values of photometric interpretation and of compression.
const (
	whiteIsZero = 0
	blackIsZero = 1
	rgb         = 2
	indexed     = 3
	separated   = 5
	yCbCr       = 6

	uncompressed  = 1
	fax3          = 3
	fax4          = 4
	lzwCoded      = 5
	jpegCoded     = 7
	deflated      = 8
	deflatedOld   = 32946
	packBitsCoded = 32773
)

// readPage reads the first directory.
func readPage(data []byte) (*page, error) {
	dir, err := readDirectory(data)
	if err != nil {
		return nil, err
	}
	p := &page{data: data, dir: dir}
	w, h := dir.number(tagWidth, 0), dir.number(tagHeight, 0)
	if w < 1 || h < 1 || w > math.MaxInt32 || h > math.MaxInt32/w {
		return nil, fmt.Errorf("TIFF of %dx%d pixels", w, h)
	}
	p.width, p.height = int(w), int(h)
	p.compression, p.predictor = int(dir.number(tagCompression, 1)), int(dir.number(tagPredictor, 1))
	p.photometric = int(dir.number(tagPhotometric, whiteIsZero))
	p.planar, p.reversed = dir.number(tagPlanar, 1) == 2, dir.number(tagFillOrder, 1) == 2
	if err := p.readSamples(); err != nil {
		return nil, err
	}
	return p, p.readPieces()
}

// readSamples settles what a pixel is made of.
func (p *page) readSamples() error {
	bits, each := p.dir.numbers(tagBits), p.dir.number(tagBits, 1)
	const most = 16
	samples := p.dir.number(tagSamples, uint64(max(1, bits.len())))
	if samples < 1 || samples > most {
		return fmt.Errorf("TIFF of %d samples a pixel", samples)
	}
	p.bits, p.samples = int(min(each, 1<<16)), int(samples)
	for i := range min(bits.len(), p.samples) {
		if b := bits.at(i); b != each {
			return fmt.Errorf("TIFF of samples of %d and of %d bits is not supported", each, b)
		}
	}
	if p.dir.number(tagFormat, 1) != 1 {
		return errors.New("TIFF of signed or floating-point samples is not supported: nothing says which value is white")
	}
	switch p.bits {
	case 1, 2, 4, 8, 12, 16:
	default:
		return fmt.Errorf("TIFF of %d bits a sample is not supported", p.bits)
	}
	colours, ok := map[int]int{whiteIsZero: 1, blackIsZero: 1, rgb: 3, indexed: 1, separated: 4, yCbCr: 3}[p.photometric]
	if !ok {
		return fmt.Errorf("TIFF of photometric interpretation %d is not supported", p.photometric)
	}
	if p.photometric == yCbCr && p.samples == 1 {
		p.photometric, colours = blackIsZero, 1
	}
	if p.samples < colours {
		return fmt.Errorf("TIFF of %d samples a pixel where colours need %d", p.samples, colours)
	}
	if p.photometric == indexed {
		palette := p.dir.numbers(tagPalette)
		if p.bits > 8 || palette.len() < 3<<p.bits {
			return errors.New("TIFF has a broken palette")
		}
		p.palette = make([]uint64, 3<<p.bits)
		for i := range p.palette {
			p.palette[i] = palette.at(i)
		}
	}
	p.readOpacity(colours)
	return p.readSubsampling()
}

// readOpacity looks at the samples behind the colours.
func (p *page) readOpacity(colours int) {
	p.shown, p.alpha = colours, -1
	if p.photometric == separated || p.samples == colours {
		return
	}
	const associated, unassociated, corel = 1, 2, 999
	otherwise := uint64(0)
	if p.photometric == rgb && p.samples == 4 { // it was forgotten
		otherwise = unassociated
	}
	switch extra := p.dir.number(tagExtra, otherwise); extra {
	case associated, unassociated, corel:
		p.shown, p.alpha, p.multiplied = colours+1, colours, extra == associated
	}
}

// readSubsampling looks at how many pixels share their chroma. In JPEG, its own
// header says that.
func (p *page) readSubsampling() error {
	p.subH, p.subV = 1, 1
	if p.photometric != yCbCr || p.compression == jpegCoded {
		return nil
	}
	p.subH, p.subV = 2, 2
	if s := p.dir.numbers(tagSubsampling); s.len() >= 2 {
		p.subH, p.subV = int(min(s.at(0), 8)), int(min(s.at(1), 8))
	}
	for _, n := range []int{p.subH, p.subV} {
		if n != 1 && n != 2 && n != 4 {
			return fmt.Errorf("TIFF of chroma for %dx%d pixels", p.subH, p.subV)
		}
	}
	if p.subH*p.subV > 1 && (p.planar || p.bits != 8 || p.samples != 3) {
		return errors.New("TIFF of subsampled chroma in planes or not of 8 bits is not supported")
	}
	return nil
}

// readPieces lays out strips or tiles.
func (p *page) readPieces() error {
	p.wide, p.high = p.width, int(min(p.dir.number(tagRows, uint64(p.height)), uint64(p.height)))
	p.offsets, p.sizes = p.dir.numbers(tagStrips), p.dir.numbers(tagStripBytes)
	if tiles := p.dir.numbers(tagTiles); tiles.len() > 0 {
		w, h := p.dir.number(tagTileWidth, 0), p.dir.number(tagTileHeight, 0)
		if w < 1 || h < 1 || w > 1<<20 || h > 1<<20 {
			return fmt.Errorf("TIFF of tiles of %dx%d pixels", w, h)
		}
		p.tiled, p.wide, p.high = true, int(w), int(h)
		p.offsets, p.sizes = tiles, p.dir.numbers(tagTileBytes)
		if p.sizes.len() == 0 {
			p.sizes = p.dir.numbers(tagStripBytes)
		}
	}
	if p.high < 1 {
		return errors.New("TIFF of strips without rows")
	}
	if p.offsets.len() == 0 {
		return errShort
	}
	p.across, p.down = (p.width+p.wide-1)/p.wide, (p.height+p.high-1)/p.high
	return nil
}

// mostWork is how much work reading all pieces is. Nothing keeps a file from saying
// that each of a million pieces is the whole of it; those of honest files add up
// to the file and the picture, with some to spare for the edges of tiles, for equal
// pieces that are written once, and for sizes that are missing.
func (p *page) mostWork() int64 {
	return 8*(int64(len(p.data))+int64(p.height)*int64((p.width*p.bits+7)/8)*int64(p.samples)) + 1<<26
}

// pieceBytes is what decoding a piece takes at most.
func (p *page) pieceBytes() int64 {
	pixels := int64(p.wide) * int64(p.high)
	n := pixels*int64(p.samples*p.bits+7)/8 + pixels*int64(p.shown) + 1<<16
	if p.compression == jpegCoded {
		n += 16 * (pixels + 1<<12)
	}
	return n
}
