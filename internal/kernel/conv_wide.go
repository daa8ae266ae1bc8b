package kernel

import (
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// wideProduct is a product where the processor multiplies whole tiles: 16 pixels of 64
// bytes with as many bytes of weights of 16 output channels. It is computed on copies
// of planes that have several channel blocks side by side, so that a pixel has 64
// bytes, and padding. All output pixels of a plane then form one line, row after row,
// pitch apart: a tap reads it at a fixed distance from the pixel, and tiles are cut
// without regard to rows. At positions between rows the sums are of no use.
//
// Its weights are those of weightLayout with steps of several blocks.
type wideProduct struct {
	*simd.Wide
	operands

	r, s, stride int
	padH, padW   int
	flip         bool // the taps are those of the transposed product

	wideLayout
}

// wideLayout is what depends on extents only.
type wideLayout struct {
	pitch  int // pixels from one row to the next
	plane  int // pixels of a copied plane
	depth  int // copied planes of an image
	tiles  int // of an image, each of wideTile or, the last, half as many positions
	last   int // tiles of pixels of the last one
	groups int // of output blocks
}

// wideTile is how many positions a tile has.
const wideTile = simd.MaxWide * simd.WidePixels

// wideIn returns the products of whole tiles for c in a precision, or nil.
func (c Conv) wideIn(p *precision) *simd.Wide {
	if c.StrideH != c.StrideW {
		return nil
	}
	return p.wideOf(active)
}

// runWide runs the product of c's window, or the transposed one.
func (c Conv) runWide(w *simd.Wide, o operands, back bool) {
	p := &wideProduct{Wide: w, operands: o}
	p.plan(c, back)
	p.run()
}

// plan completes p for a product of c's window, or of the transposed one.
func (p *wideProduct) plan(c Conv, back bool) {
	p.r, p.s, p.stride, p.padH, p.padW = c.R, c.S, c.StrideW, c.PadH, c.PadW
	if back {
		p.padH, p.padW, p.flip = c.R-1-c.PadH, c.S-1-c.PadW, true
	}
	right := (p.out.w-1)*p.stride + p.s - p.padW - p.in.w // pixels that the last position reads beyond a row
	p.pitch = max(p.in.w+max(p.padW, right), p.out.w)
	steps := ((p.out.h-1)*p.pitch + p.out.w + simd.WidePixels - 1) / simd.WidePixels
	last := (steps*simd.WidePixels-1)*p.stride + (p.r-1)*p.pitch + p.s - 1
	p.plane = max(last+1, (p.in.h+p.padH)*p.pitch+p.padW)
	p.depth = (p.in.blocks + p.Blocks - 1) / p.Blocks
	p.tiles = (steps + simd.MaxWide - 1) / simd.MaxWide
	p.last = steps - (p.tiles-1)*simd.MaxWide
	p.groups = (p.out.blocks + simd.MaxWide - 1) / simd.MaxWide
}

// imageFloats returns the size of an image's copy.
func (p *wideProduct) imageFloats() int { return p.depth * p.plane * simd.WideBytes / floatBytes }

const (
	// copyBytes of images are copied at a time, to stay in the L2 cache beside weights.
	copyBytes = 768 << 10

	// residentBytes of weights stay in the L2 cache: then the groups take turns at each
	// tile of an image, whose pixels are read once.
	residentBytes = 512 << 10
)

// run computes the product. Where there are enough images a thread takes whole ones,
// whose copies stay in its cache, and several for each weight that it reads. The order
// has no influence on bits: each value is one sum.
func (p *wideProduct) run() {
	n, threads := p.out.n, parallel.Threads()
	if n == 0 {
		return
	}
	if n%threads != 0 && n < 4*threads {
		p.share(n, threads)
		return
	}
	each := 1 // of weights that are in the cache anyway
	for ; p.streams() && n%(2*each*threads) == 0 && 2*each*p.imageFloats()*floatBytes <= copyBytes; each *= 2 {
	}
	parallel.For((n+each-1)/each, func(i int) {
		memory := borrowFloats(each * p.imageFloats())
		defer returnFloats(memory)
		p.images(memory, i*each, min(n, (i+1)*each))
	})
}

// share computes each image by all threads.
func (p *wideProduct) share(n, threads int) {
	memory := borrowFloats(n * p.imageFloats())
	defer returnFloats(memory)
	of := func(image int) []float32 { return memory[image*p.imageFloats():][:p.imageFloats()] }
	parallel.For(n*p.depth, func(i int) { p.copy(of(i/p.depth), i/p.depth, i%p.depth) })
	parts := min(p.tiles, (3*threads+n*p.groups-1)/(n*p.groups))
	parallel.For(n*p.groups*parts, func(i int) {
		image, group, part := i/(p.groups*parts), i/parts%p.groups, i%parts
		s := borrowScratch()
		defer s.release()
		w := p.walk(s)
		for t := part * p.tiles / parts; t < (part+1)*p.tiles/parts; t++ {
			w.tile(of(image), image, t, group)
		}
	})
}

// images computes images [from, to), in the order that lets what is read more than once
// stay in the cache.
func (p *wideProduct) images(memory []float32, from, to int) {
	s := borrowScratch()
	defer s.release()
	of := func(image int) []float32 { return memory[(image-from)*p.imageFloats():][:p.imageFloats()] }
	for image := from; image < to; image++ {
		for d := range p.depth {
			p.copy(of(image), image, d)
		}
	}
	w := p.walk(s)
	at, once := p.groups, 1 // how many groups take turns at a tile
	if p.streams() {
		at, once = 1, p.groups
	}
	for first := range once {
		for image := from; image < to; image++ {
			for t := range p.tiles {
				for group := range at {
					w.tile(of(image), image, t, first+group)
				}
			}
		}
	}
}

// streams reports whether the weights are too many for the cache.
func (p *wideProduct) streams() bool { return p.out.blocks*p.blockBytes() > residentBytes }

// blockBytes returns the size of an output block's weights.
func (p *wideProduct) blockBytes() int { return p.depth * p.r * p.s * simd.WideBytes * Block }

// copy makes copied plane d of an image.
func (p *wideProduct) copy(memory []float32, image, d int) {
	const floats = simd.WideBytes / floatBytes
	s := borrowScratch()
	defer s.release()
	to := memory[d*p.plane*floats:][:p.plane*floats]
	s.interleave = simd.InterleaveArgs{Apart: p.in.plane(), Blocks: min(p.Blocks, p.in.blocks-d*p.Blocks), Pixels: p.in.w}
	rows := p.in.h
	if p.pitch == p.in.w {
		rows, s.interleave.Pixels = 1, p.in.h*p.in.w // one after the other
	}
	at, row := (p.padH*p.pitch+p.padW)*floats, s.interleave.Pixels*floats
	clear(to[:at])
	for h := range rows {
		s.interleave.From = unsafe.Add(p.in.data, image*p.in.stride+d*p.Blocks*p.in.plane()+h*p.in.w*p.in.pixel)
		s.interleave.To = unsafe.Pointer(&to[at])
		p.Interleave(&s.interleave)
		next := min(at+max(row, p.pitch*floats), len(to))
		clear(to[at+row : next])
		at = next
	}
	clear(to[at:])
}

// wideWalk computes tiles.
type wideWalk struct {
	*wideProduct
	scratch *scratch
	sums    []float32
}

func (p *wideProduct) walk(s *scratch) wideWalk {
	w := wideWalk{wideProduct: p, scratch: s}
	s.batch = s.batch[:0]
	taps := p.r * p.s
	for d := range p.depth {
		for tap := range taps {
			weight := tap
			if p.flip {
				weight = taps - 1 - tap
			}
			s.batch = append(s.batch, simd.GemmOffset{
				A: (d*p.plane + tap/p.s*p.pitch + tap%p.s) * simd.WideBytes,
				B: (d*taps + weight) * simd.WideBytes * Block,
			})
		}
	}
	s.gemm = simd.GemmArgs{
		Offsets: &s.batch[0], Count: len(s.batch), APixel: p.stride * simd.WideBytes, BBlock: p.blockBytes(),
	}
	w.sums = s.alignedFloats(simd.MaxWide * wideTile * Block)
	return w
}

// tile computes one tile of an image, whose copy is in memory, for a group of output
// blocks.
func (w *wideWalk) tile(memory []float32, image, t, group int) {
	p, g := w.wideProduct, &w.scratch.gemm
	k := group * p.out.blocks / p.groups
	n := (group+1)*p.out.blocks/p.groups - k
	pixels := simd.MaxWide
	if t == p.tiles-1 {
		pixels = p.last
	}
	first, positions := t*wideTile, pixels*simd.WidePixels
	g.A = unsafe.Add(unsafe.Pointer(&memory[0]), first*p.stride*simd.WideBytes)
	g.B = unsafe.Add(p.weights, k*p.blockBytes())
	g.C = unsafe.Pointer(&w.sums[0])
	p.Products[pixels][n](g)
	for at := 0; at < positions; {
		row, column := (first+at)/p.pitch, (first+at)%p.pitch
		if row >= p.out.h {
			return
		}
		end := min(positions, at+p.pitch-column)
		if count := min(end-at, p.out.w-column); count > 0 {
			w.finish(image, k, n, positions, at, count, row*p.out.w+column)
		}
		at = end
	}
}

// finish makes the results of count sums of each output block, from position at of the
// tile, that begin at a pixel.
func (w *wideWalk) finish(image, k, n, positions, at, count, pixel int) {
	p, f := w.wideProduct, &w.scratch.finish
	f.Pixels = count
	f.ReLU = 0
	if p.relu {
		f.ReLU = 1
	}
	for j := range n {
		f.Sums = unsafe.Pointer(&w.sums[(j*positions+at)*Block])
		f.Y = unsafe.Add(p.out.data, image*p.out.stride+(k+j)*p.out.plane()+pixel*p.out.pixel)
		if p.bias != nil {
			f.Bias = unsafe.Pointer(&p.bias[(k+j)*Block])
		}
		if p.scale != nil {
			f.Scale = unsafe.Pointer(&p.scale[(k+j)*Block])
		}
		p.Finish(f)
	}
}
