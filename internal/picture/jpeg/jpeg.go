// Package jpeg decodes JPEG as libjpeg-turbo does, to the pixel: its inverse
// transform, its interpolation of chroma and its smoothing of unfinished
// progressive pictures. Baseline, extended and progressive pictures are read,
// Huffman or arithmetic coded, with any sampling ratio, with restart markers
// anywhere, and as far as they go if they are cut off or damaged. Encoded bytes
// enter; rows of red, green and blue leave. "T.81" in comments is ITU-T
// Recommendation T.81, the standard.
package jpeg

import (
	"errors"
	"fmt"
)

// Config is what a picture's header says.
type Config struct {
	Width, Height int
	Components    int
	Progressive   bool

	samples int64 // of all components, whole blocks
}

// Memory returns how many bytes Decode allocates at most.
func (c Config) Memory() int64 {
	samples := c.samples
	if c.Progressive {
		samples *= 3 // a sample, and a coefficient of two bytes
	}
	return samples + 3*int64(c.Width)*int64(c.Height) + 1<<16
}

// Picture is a decoded picture.
type Picture struct {
	Width, Height int
	Pix           []uint8 // [Height][Width][3]: red, green, blue
	Damage        string  // what is wrong with it, as "ends early"; empty if nothing is
}

// What a Picture's Damage can be.
const (
	EndsEarly = "ends early"
	Damaged   = "has damaged data"
)

// DecodeConfig reads the header.
func DecodeConfig(data []byte) (Config, error) {
	d := newDecoder(data)
	if err := d.untilFrame(); err != nil {
		return Config{}, err
	}
	if err := d.plausible(); err != nil {
		return Config{}, err
	}
	return Config{d.width, d.height, len(d.components), d.progressive, 64 * int64(d.claimed())}, nil
}

// plausible returns an error if so few bytes cannot show a 64th of the picture:
// every block takes a bit at least, but in arithmetic coding.
func (d *decoder) plausible() error {
	if bytes := len(d.in.data); !d.arithmetic && bytes < d.claimed()/512 {
		return formatError("has %dx%d pixels in %d bytes", d.width, d.height, bytes)
	}
	return nil
}

// claimed returns how many blocks the header claims.
func (d *decoder) claimed() (blocks int) {
	for _, c := range d.components {
		blocks += d.mcusAcross * c.h * d.mcusDown * c.v
	}
	return blocks
}

// Decode decodes a picture. Where its data end early or make no sense, the
// rest is grey, and Damage says so; it is an error only if nothing can be
// shown.
func Decode(data []byte) (Picture, error) {
	d, err := decodePlanes(data)
	if err == nil && len(d.components) == 2 {
		err = formatError("has two components, of which nothing says what they show")
	}
	if err != nil {
		return Picture{}, err
	}
	return d.render(), nil
}

// DecodeSamples is Decode for those who know better what the components mean:
// Pix has the samples of each pixel as they are, of all components.
func DecodeSamples(data []byte) (Picture, error) {
	d, err := decodePlanes(data)
	if err != nil {
		return Picture{}, err
	}
	return d.interleaved(), nil
}

// decodePlanes decodes all components.
func decodePlanes(data []byte) (*decoder, error) {
	d := newDecoder(data)
	if err := d.untilFrame(); err != nil {
		return nil, err
	}
	d.allocate()
	for {
		marker, err := d.untilScan()
		if err == nil && marker == markerSOS {
			err = d.scan()
		}
		if err != nil {
			if d.scans == 0 {
				return nil, err
			}
			d.damage(damageOf(err))
		}
		if err != nil || marker != markerSOS {
			break
		}
	}
	if d.scans == 0 {
		return nil, errEnd
	}
	d.finish()
	return d, nil
}

// errEnd is a picture that ends before what it must have.
var errEnd = errors.New("JPEG ends early")

func damageOf(err error) string {
	if errors.Is(err, errEnd) {
		return EndsEarly
	}
	return Damaged
}

// damage notes what is wrong; the first thing is told.
func (d *decoder) damage(what string) {
	if d.damaged == "" {
		d.damaged = what
	}
}

// decoder is the state of one picture.
type decoder struct {
	in bits

	// The frame.
	width, height           int
	progressive, arithmetic bool
	components              []component
	maxH, maxV              int // largest sampling factors
	mcusAcross, mcusDown    int
	quant                   [4]*[64]uint16 // in natural order
	huffman                 [2][4]*huffman // DC, AC
	conditioning            [2][4]uint8    // of arithmetic coding
	jfif, adobe             bool
	adobeTransform          byte
	restartInterval         int
	scans                   int  // that have begun
	ended                   bool // the end marker has been read
	damaged                 string
	arith                   *arithmetic
	visited                 int // blocks, in all scans
	ss, se, ah, al          int // of the scan
	eobRun                  int // blocks that hold nothing more in this scan
	lastRow                 int // of MCUs that the last scan came to
}

// component is one of the picture's planes.
type component struct {
	id        byte
	h, v      int
	table     byte        // of quantisation
	quant     *[64]uint16 // latched at its first scan
	dc, ac    byte        // tables of this scan
	w, high   int         // samples that count
	across    int         // blocks that count
	down      int         //
	stride    int         // of plane, in samples; whole MCUs
	rows      int         // of plane
	plane     []uint8     // decoded samples
	coefs     []int16     // of a progressive picture, [block row][block][64] in natural order
	known     [64]int8    // progressive: the bit down to which a coefficient is known, -1 if it is not; zigzag order
	before    [64]int8    // the same before the last scan
	last      int32       // DC prediction
	dcContext int         // of arithmetic coding
}

func newDecoder(data []byte) *decoder {
	d := &decoder{in: bits{data: data}}
	for i := range 4 {
		d.conditioning[0][i], d.conditioning[1][i] = 0x10, 5 // T.81, table F.3
	}
	return d
}

// allocate makes the planes and lays the geometry of T.81, A.1 and A.2.
func (d *decoder) allocate() {
	for i := range d.components {
		c := &d.components[i]
		c.w, c.high = ceil(d.width*c.h, d.maxH), ceil(d.height*c.v, d.maxV)
		c.across, c.down = ceil(c.w, 8), ceil(c.high, 8)
		c.stride, c.rows = d.mcusAcross*c.h*8, d.mcusDown*c.v*8
		c.plane = make([]uint8, c.stride*c.rows)
		fill(c.plane, 128) // what is missing is grey
		if d.progressive {
			c.coefs = make([]int16, c.stride*c.rows)
		}
		c.known, c.before = unknown, unknown
	}
}

// unknown is that no scan has brought anything.
var unknown = func() (bits [64]int8) {
	for k := range bits {
		bits[k] = -1
	}
	return bits
}()

// finish does what waits for the last scan.
func (d *decoder) finish() {
	for i := range d.components {
		c := &d.components[i]
		if c.quant == nil { // no scan has shown it
			d.damage(EndsEarly)
		}
		for _, bit := range c.known {
			if d.progressive && !d.ended && bit != 0 {
				d.damage(EndsEarly)
			}
		}
	}
	if d.progressive {
		d.transform()
	}
}

// fill sets all of a plane; copying is faster than writing each.
func fill(plane []uint8, v uint8) {
	plane[0] = v
	for n := 1; n < len(plane); n *= 2 {
		copy(plane[n:], plane[:n])
	}
}

func ceil(a, b int) int { return (a + b - 1) / b }

func formatError(text string, args ...any) error { return fmt.Errorf("invalid JPEG: "+text, args...) }
