package kernel

import (
	"fmt"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// ByteImage says how an image of floats becomes bytes: colour c's value v becomes
// v*Scale[c] + Offset[c], rounded after the product and after the sum, then by
// simd.RoundByte. 0, and so padding, becomes the byte nearest to Offset.
type ByteImage struct {
	Scale, Offset [imageChannels]float32
}

// An image of bytes has four for each pixel: red, green, blue and 0. A step of the
// tiles takes one pixel, so that a block of 16 bytes is four neighbours, of which
// those to the right of the window have no weight.
const (
	bytesPerPixel   = 4
	pixelsPerBlock  = Block / bytesPerPixel
	imageRowsAtOnce = 8 // of the output, made from rows that stay in the L1 cache
)

// int8Blocks is how many blocks of pixels a row of the window has.
func (c ImageConv) int8Blocks() int { return (c.S + pixelsPerBlock - 1) / pixelsPerBlock }

// Int8WeightLen returns the number of packed weights for bytes.
func (c ImageConv) Int8WeightLen() int { return roundUp(c.K) * Block * c.R * c.int8Blocks() }

// PackImageInt8 packs weights [k][3][r][s] for ForwardInt8: [K/16][R][blocks][4
// pixels][16k][4 colours].
func (c ImageConv) PackImageInt8(packed, oihw []int8, k int) {
	clear(packed)
	taps, blocks := c.R*c.S, c.int8Blocks()
	for ki := range k {
		for colour := range imageChannels {
			for r := range c.R {
				for s := range c.S {
					block := (ki/Block*c.R+r)*blocks + s/pixelsPerBlock
					at := block*Block*Block + s%pixelsPerBlock*Block*bytesPerPixel + ki%Block*bytesPerPixel + colour
					packed[at] = oihw[(ki*imageChannels+colour)*taps+r*c.S+s]
				}
			}
		}
	}
}

// ForwardInt8 overwrites y with the convolution of n images of h by w, which become
// bytes by how.
func (c ImageConv) ForwardInt8(y MapInt8, images []float32, n, h, w int, how ByteImage, weights Int8Weights) {
	weights.check("image ForwardInt8", c.K)
	out := y.operand("image ForwardInt8")
	c.checkImages("ForwardInt8", out, images, n, h, w)
	if len(weights.W) < c.Int8WeightLen() {
		panic(fmt.Sprintf("kernel: image ForwardInt8 of %+v with %d weights, wants %d", c, len(weights.W), c.Int8WeightLen()))
	}
	p := byteImages{ImageConv: c, out: out, images: images, h: h, w: w, how: how, weights: weights, isa: active.Int8}
	p.pixels = (out.w-1)*c.StrideW + c.int8Blocks()*pixelsPerBlock
	parts := (out.h + imageRowsAtOnce - 1) / imageRowsAtOnce
	parallel.For(n*parts, func(i int) {
		s := borrowScratch()
		defer s.release()
		from := i % parts * imageRowsAtOnce
		p.rows(s, i/parts, from, min(out.h, from+imageRowsAtOnce))
	})
}

// byteImages is a call of ForwardInt8.
type byteImages struct {
	ImageConv
	out     operand
	images  []float32
	h, w    int
	how     ByteImage
	weights Int8Weights
	isa     *simd.Int8
	pixels  int // of a row with padding, as the tiles read it
}

// rows computes the output rows [from, to) of image n.
func (p *byteImages) rows(s *scratch, n, from, to int) {
	count := (to-from-1)*p.StrideH + p.R
	floats := s.grow(count * p.pixels)
	words := unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(floats))), len(floats)) // a pixel each
	for i := range count {
		p.fill(s, words[i*p.pixels:][:p.pixels], n, from*p.StrideH-p.PadH+i)
	}
	blocks := p.int8Blocks()
	s.batch = s.batch[:0]
	for r := range p.R {
		for b := range blocks {
			s.batch = append(s.batch, simd.GemmOffset{A: (r*p.pixels + b*pixelsPerBlock) * bytesPerPixel,
				B: (r*blocks + b) * inInt8.tap})
		}
	}
	for row := from; row < to; row++ {
		p.row(s, n, row, unsafe.Pointer(&words[(row-from)*p.StrideH*p.pixels]))
	}
}

// fill makes one row of pixels with padding of row ih of the image.
func (p *byteImages) fill(s *scratch, row []uint32, n, ih int) {
	padding := p.padding()
	if ih < 0 || ih >= p.h {
		for i := range row {
			row[i] = padding
		}
		return
	}
	width := min(p.w, len(row)-p.PadW)
	for i := range row[:p.PadW] {
		row[i] = padding
	}
	for i := p.PadW + width; i < len(row); i++ {
		row[i] = padding
	}
	plane := p.h * p.w
	from := p.images[n*imageChannels*plane+ih*p.w:]
	p.convert(s, row[p.PadW:][:width], from[:2*plane+width], plane)
}

// padding returns the pixel that is 0 in all colours.
func (p *byteImages) padding() (pixel uint32) {
	for colour, offset := range p.how.Offset {
		pixel |= uint32(simd.RoundByte(offset)) << (8 * colour)
	}
	return pixel
}

// convert makes pixels of three planes.
func (p *byteImages) convert(s *scratch, to []uint32, from []float32, plane int) {
	loop, g := p.isa.ImageBytes, &s.image
	*g = simd.ImageBytesArgs{Plane: plane * floatBytes, Scale: p.how.Scale, Offset: p.how.Offset}
	run := func(at, pixels int) {
		g.To, g.From, g.Pixels = unsafe.Pointer(&to[at]), unsafe.Pointer(&from[at]), pixels
		loop(g)
	}
	const unit = 16 // pixels that the loop takes
	if whole := len(to) / unit * unit; whole > 0 {
		run(0, whole)
		if whole < len(to) {
			run(len(to)-unit, unit) // some of them again
		}
		return
	}
	var few [imageChannels * unit]float32
	var pixels [unit]uint32
	for colour := range imageChannels {
		copy(few[colour*unit:], from[colour*plane:][:len(to)])
	}
	g.To, g.From, g.Plane, g.Pixels = unsafe.Pointer(&pixels), unsafe.Pointer(&few), unit*floatBytes, unit
	loop(g)
	copy(to, pixels[:])
}

// row multiplies the windows of one output row, the first of which begins at
// pixels, with all weights.
func (p *byteImages) row(s *scratch, n, oh int, pixels unsafe.Pointer) {
	blocks, width := p.out.blocks, p.out.w
	groups := groups(&p.isa.Tiles, blocks, width)
	entries := len(s.batch)
	g := &s.gemm
	*g = simd.GemmArgs{
		Count: entries, Offsets: &s.batch[0],
		APixel: p.StrideW * bytesPerPixel, BBlock: entries * inInt8.tap,
		RoundedPixel: p.out.pixel, RoundedBlock: p.out.plane(),
	}
	for group := range groups {
		k := group * blocks / groups
		tile := (group+1)*blocks/groups - k
		out := unsafe.Add(p.out.data, n*p.out.stride+k*p.out.plane()+oh*width*p.out.pixel)
		tiles := (width + p.isa.TileRows[tile] - 1) / p.isa.TileRows[tile]
		g.B = unsafe.Pointer(&p.weights.W[k*entries*inInt8.tap])
		g.Bias, g.Scale = unsafe.Pointer(&p.weights.Bias[k*Block]), unsafe.Pointer(&p.weights.Scale[k*Block])
		for t := range tiles {
			from, to := t*width/tiles, (t+1)*width/tiles
			g.A, g.Rounded = unsafe.Add(pixels, from*p.StrideW*bytesPerPixel), unsafe.Add(out, from*p.out.pixel)
			p.isa.Gemm[tile][to-from](g)
		}
	}
}
