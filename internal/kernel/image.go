package kernel

import (
	"fmt"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// imageChannels is how many channels an image has: red, green and blue.
const imageChannels = 3

// ImageConv is the network's first convolution. It reads plain [n][3][h][w]
// images, because three channels would waste most of a Block: each output
// pixel's window is gathered into a row of 3*R*S values, ordered c, r, s as in
// OIHW and padded with zeros to a multiple of Block. On such rows it is a 1x1
// Conv, and its weights are packed accordingly (see PackImageWeights).
type ImageConv struct {
	K int
	Window
}

// Rows returns the padded length of a gathered window: the input channels of
// the equivalent 1x1 Conv.
func (c ImageConv) Rows() int { return roundUp(imageChannels * c.R * c.S) }

// WeightLen returns the number of packed weights.
func (c ImageConv) WeightLen() int { return roundUp(c.K) * c.Rows() }

// PackImageWeights packs weights [k][3][r][s] for ImageConv.
func PackImageWeights(packed, oihw []float32, k, r, s int) {
	PackOIHW(packed, oihw, k, imageChannels*r*s, 1, 1)
}

// UnpackImageWeights is the reverse of PackImageWeights.
func UnpackImageWeights(oihw, packed []float32, k, r, s int) {
	UnpackOIHW(oihw, packed, k, imageChannels*r*s, 1, 1)
}

// Forward overwrites y with the convolution of n images of h by w.
func (c ImageConv) Forward(y Map, images []float32, n, h, w int, weights []float32) {
	c.forward(y, images, n, h, w, weights, nil, false)
}

// ForwardBias is Forward with a bias and an optional ReLU, as in Conv.
func (c ImageConv) ForwardBias(y Map, images []float32, n, h, w int, weights, bias []float32, relu bool) {
	c.forward(y, images, n, h, w, weights, bias, relu)
}

func (c ImageConv) forward(y Map, images []float32, n, h, w int, weights, bias []float32, relu bool) {
	p := imageProduct{precision: inFloat32, out: y.operand("image Forward"), images: images, h: h, w: w,
		weights: unsafe.Pointer(unsafe.SliceData(weights)), bias: bias, relu: relu}
	p.run(c, n, len(weights))
}

// ForwardBF16 is ForwardBias in bf16, with weights from RoundWeights: windows are
// rounded, sums and bias float32, and results are rounded once.
func (c ImageConv) ForwardBF16(y MapBF16, images []float32, n, h, w int, weights []BF16, bias []float32, relu bool) {
	p := imageProduct{precision: inBF16, out: y.operand("image ForwardBF16"), images: images, h: h, w: w,
		weights: unsafe.Pointer(unsafe.SliceData(weights)), bias: bias, relu: relu}
	p.run(c, n, len(weights))
}

// ForwardRounded is Forward in bf16, with float32 weights as Forward takes them.
func (c ImageConv) ForwardRounded(y MapBF16, images []float32, n, h, w int, weights []float32) {
	memory := borrowFloats(c.WeightLen() / 2)
	defer returnFloats(memory)
	RoundWeights(BF16s(memory), weights[:c.WeightLen()])
	c.ForwardBF16(y, images, n, h, w, BF16s(memory), nil, false)
}

// imageProduct is a forward pass over images of h by w.
type imageProduct struct {
	*precision
	out     operand
	images  []float32
	h, w    int
	weights unsafe.Pointer
	bias    []float32
	relu    bool
}

func (p *imageProduct) run(c ImageConv, n, weights int) {
	c.check("Forward", p.out, p.images, n, p.h, p.w, weights)
	if p.bias != nil && len(p.bias) < c.K {
		panic(fmt.Sprintf("kernel: image Forward has %d biases for %d channels", len(p.bias), c.K))
	}
	isa, image := active, imageChannels*p.h*p.w
	parallel.For(n*p.out.h, func(i int) {
		s := borrowScratch()
		defer s.release()
		n, oh := i/p.out.h, i%p.out.h
		g := c.gatherer(p.h, p.w, p.out.w)
		memory := s.grow(g.floats() + g.rows()/2)
		gathered := g.gather(memory, p.images[n*image:][:image], oh)
		rows := unsafe.Pointer(&gathered[0])
		if p.precision == inBF16 {
			rounded := BF16s(memory[g.floats():])
			isa.BF16.Round(rounded, gathered)
			rows = unsafe.Pointer(&rounded[0])
		}
		p.row(s, p.tilesOf(isa), n, oh, c.Rows()/Block, g.width, rows)
	})
}

// row multiplies one row of gathered windows, of depth blocks of apart pixels,
// with all weights.
func (p *imageProduct) row(s *scratch, gemm *simd.Tiles, n, oh, depth, apart int, rows unsafe.Pointer) {
	blocks, width := p.out.blocks, p.out.w
	pixel := p.tap / Block // of the rows
	groups := groups(gemm, blocks, width)
	g := &s.gemm
	*g = simd.GemmArgs{
		Count: depth, Offsets: s.blocks(depth, apart*pixel, p.tap),
		APixel: pixel, BBlock: depth * p.tap,
		CPixel: p.out.pixel, CBlock: p.out.plane(),
		RoundedPixel: p.out.pixel, RoundedBlock: p.out.plane(),
	}
	if p.relu {
		g.ReLU = 1
	}
	for group := range groups {
		k := group * blocks / groups
		tile := (group+1)*blocks/groups - k
		out := unsafe.Add(p.out.data, n*p.out.stride+k*p.out.plane()+oh*width*p.out.pixel)
		tiles := (width + gemm.TileRows[tile] - 1) / gemm.TileRows[tile]
		g.B = unsafe.Add(p.weights, k*depth*p.tap)
		if p.bias != nil {
			g.Bias = unsafe.Pointer(&p.bias[k*Block])
		}
		for t := range tiles {
			from, to := t*width/tiles, (t+1)*width/tiles
			g.A, g.C = unsafe.Add(rows, from*pixel), unsafe.Add(out, from*p.out.pixel)
			if p.precision == inBF16 { // one call makes the whole sum
				g.C, g.Rounded = nil, g.C
			}
			gemm.Gemm[tile][to-from](g)
		}
	}
}

// BackwardWeights overwrites dw, packed as the weights are, with their
// gradient, given the images and the gradient dy of the output.
func (c ImageConv) BackwardWeights(dw []float32, images []float32, n, h, w int, dy Map) {
	c.check("BackwardWeights", dy.operand("image BackwardWeights"), images, n, h, w, len(dw))
	isa := active
	c.sumLines(dw, dy.N*dy.H, func(s *scratch, sum []float32, line int, accumulate bool) {
		n, oh := line/dy.H, line%dy.H
		g := c.gatherer(h, w, dy.W)
		rows := g.gather(s.grow(g.floats()), images[n*imageChannels*h*w:][:imageChannels*h*w], oh)
		to := outerLine{width: dy.W, apart: g.width, dyBlock: dy.H * dy.W * pixelBytes, accumulate: accumulate}
		c.outerRow(s, &isa.Tiles, sum, rows, dy.Data[n*dy.Stride+oh*dy.W*Block:], to)
	})
}

// BackwardWeightsBF16 is BackwardWeights in bf16: windows are rounded, sums float32.
// Images are taken in pairs, as in Conv.BackwardWeightsBF16.
func (c ImageConv) BackwardWeightsBF16(dw []float32, images []float32, n, h, w int, dy MapBF16) {
	c.check("BackwardWeightsBF16", dy.operand("image BackwardWeightsBF16"), images, n, h, w, len(dw))
	isa, blocks, row, g := active, dy.Blocks(), dy.W*Block, c.gatherer(h, w, dy.W)
	c.sumLines(dw, (dy.N+1)/2*dy.H, func(s *scratch, sum []float32, line int, accumulate bool) {
		pair, oh := line/dy.H, line%dy.H
		memory := s.grow(g.floats() + 2*g.rows() + blocks*row)
		paired := memory[g.floats():][:g.rows()]
		halves, dys := memory[g.floats()+g.rows():][:g.rows()], memory[g.floats()+2*g.rows():]
		rounded := BF16s(halves)
		clear(halves)
		for i := range 2 {
			if n := 2*pair + i; n < dy.N {
				gathered := g.gather(memory[:g.floats()], images[n*imageChannels*h*w:][:imageChannels*h*w], oh)
				isa.BF16.Round(rounded[i*g.rows():][:g.rows()], gathered)
			}
		}
		isa.BF16.Pair(BF16s(paired), rounded[:g.rows()], rounded[g.rows():])
		for block := range blocks {
			low := dy.Plane(2*pair, block)[oh*row:][:row]
			high := low // of a last image without another, whose windows are zero
			if 2*pair+1 < dy.N {
				high = dy.Plane(2*pair+1, block)[oh*row:][:row]
			}
			isa.BF16.Pair(BF16s(dys[block*row:][:row]), low, high)
		}
		to := outerLine{width: dy.W, apart: g.width, dyBlock: dy.W * pixelBytes, accumulate: accumulate}
		c.outerRow(s, &isa.BF16.Tiles, sum, paired, dys, to)
	})
}

// sumLines overwrites dw with the sum of what add adds to sum for every line. The
// parts of the lines are cut by their number alone, and added in order.
func (c ImageConv) sumLines(dw []float32, lines int, add func(s *scratch, sum []float32, line int, accumulate bool)) {
	const imageParts = 16
	size, parts := c.WeightLen(), min(imageParts, lines)
	if parts == 0 {
		clear(dw)
		return
	}
	partial := borrowFloats(parts * size)
	defer returnFloats(partial)
	parallel.For(parts, func(part int) {
		s := borrowScratch()
		defer s.release()
		from, to := part*lines/parts, (part+1)*lines/parts
		for line := from; line < to; line++ {
			add(s, partial[part*size:(part+1)*size], line, line > from)
		}
	})
	sumParts(dw[:size], partial, 0, size, false)
}

// outerLine is a line of pixels whose products make a gradient.
type outerLine struct {
	width, apart int // pixels of the line, and from a block of the windows to the next
	dyBlock      int // bytes from an output block of dy to the next
	accumulate   bool
}

// outerRow adds one row of gathered windows, or of pairs of them, to the gradient.
func (c ImageConv) outerRow(s *scratch, tiles *simd.Tiles, dw, rows, dy []float32, l outerLine) {
	blocks, depth := c.K/Block, c.Rows()/Block
	widest := widestOuter(tiles)
	groups := (blocks + widest - 1) / widest
	s.rows = append(s.rows[:0], simd.OuterRow{Pixels: l.width})
	o := &s.outer
	*o = simd.OuterArgs{
		Rows: &s.rows[0], Count: 1,
		XPixel: pixelBytes, DYPixel: pixelBytes, DYBlock: l.dyBlock, DWBlock: depth * tapBytes,
	}
	if l.accumulate {
		o.Accumulate = 1
	}
	for group := range groups {
		k := group * blocks / groups
		tile := (group+1)*blocks/groups - k
		o.DY = unsafe.Pointer(&dy[k*l.dyBlock/floatBytes])
		for i := range depth {
			o.X = unsafe.Pointer(&rows[i*l.apart*Block])
			o.DW = unsafe.Pointer(&dw[(k*depth+i)*Block*Block])
			tiles.Outer[tile](o)
		}
	}
}

func (c ImageConv) check(what string, y operand, images []float32, n, h, w, weights int) {
	c.checkImages(what, y, images, n, h, w)
	if weights < c.WeightLen() {
		panic(fmt.Sprintf("kernel: image %s of %+v with %d weights, wants %d", what, c, weights, c.WeightLen()))
	}
}

// checkImages is check without weights.
func (c ImageConv) checkImages(what string, y operand, images []float32, n, h, w int) {
	oh, ow := c.Out(h, w)
	if c.K%Block != 0 || y.blocks*Block != c.K || y.n != n || y.h != oh || y.w != ow || oh < 1 || ow < 1 {
		panic(fmt.Sprintf("kernel: image %s of %+v between %dx3x%dx%d and %dx%dx%dx%d", what, c,
			n, h, w, y.n, y.blocks*Block, y.h, y.w))
	}
	if len(images) < n*imageChannels*h*w {
		panic(fmt.Sprintf("kernel: image %s of %+v with %d floats for %d images of %dx%d", what, c, len(images), n, h, w))
	}
}
