package kernel

import (
	"slices"
	"sync"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// layout is how a product is cut, which depends on nothing but extents.
type layout struct {
	tapsPerBlock int
	outer, inner dim // a line is a position of each
	tile         dim // the direction in which a tile's pixels lie

	gemm      *simd.Tiles
	groups    int // of output blocks
	depth     int // input blocks summed at once
	lineParts int

	lines   []line                         // by position of inner
	tiles   [simd.MaxTileBlocks + 1][]tile // by a group's output blocks: those of a line
	ranges  []tapRange                     // of the tile dim, summed by calls
	batches [][]simd.GemmOffset            // by class of line and range
}

// line is what the tiles at one position of the inner dim share, for the first
// position of the outer dim. The outer dim's positions all have the same taps:
// they are images, or there is only one.
type line struct {
	a, b, out int // offsets of its first input, weights and output, in bytes
	taps      int // of outer and inner
	class     int // lines of one class have the same taps
}

// tile is a run of pixels of a line and the calls that compute it.
type tile struct {
	from, to int
	calls    []tileCall
	whole    bool // one call computes it
	covered  bool // the last call reaches all pixels
}

// tileCall adds a range of taps, perhaps none, to those pixels that have them.
type tileCall struct {
	taps     int // how many
	batch    int // place of the range among the product's
	from, to int

	a, b, out int // offsets of the first input, weights and output from the line's, in bytes
}

// tapRange are the taps [first, end) of the tile dim.
type tapRange struct{ first, end int }

// direction is which product of a convolution is meant: forward, or the phase
// (h, w) of the one back to the input.
type direction struct {
	back bool
	h, w int
}

var forwards = direction{}

// layoutKey is what a layout depends on.
type layoutKey struct {
	gemm    *simd.Tiles
	out, in extent
	window  Window
	direction
	slab int
}

// layouts are those of all products so far, by layoutKey: of one image, making
// them takes a fiftieth of a network's time.
var layouts sync.Map

// layoutOf returns the product's layout.
func (p *product) layoutOf(v Window, d direction) *layout {
	key := layoutKey{p.tilesOf(active), p.out.extent, p.in.extent, v, d, p.slab}
	if known, ok := layouts.Load(key); ok {
		return known.(*layout)
	}
	made := *p
	made.layout = &layout{gemm: key.gemm, tapsPerBlock: v.R * v.S}
	made.chooseDims(v, d)
	made.cut()
	made.layOut()
	layouts.Store(key, made.layout)
	return made.layout
}

// chooseDims sets the dims: those of the tiles' pixels and of the lines.
func (p *product) chooseDims(v Window, d direction) {
	rows := forwardDim(p.out.h, p.in.h, v.R, v.StrideH, v.PadH)
	cols := forwardDim(p.out.w, p.in.w, v.S, v.StrideW, v.PadW)
	if d.back {
		rows = backwardDim(p.out.h, p.in.h, v.R, v.StrideH, v.PadH, d.h)
		cols = backwardDim(p.out.w, p.in.w, v.S, v.StrideW, v.PadW, d.w)
	}
	images := wholeDim(p.out.n)
	images.outBytes, images.inBytes = p.out.stride, p.in.stride
	rows.outBytes, rows.inBytes = p.out.w*p.out.pixel, p.in.w*p.in.pixel
	cols.outBytes, cols.inBytes = p.out.pixel, p.in.pixel
	for r := range rows.taps {
		rows.taps[r].weight *= v.S * p.tap
	}
	for c := range cols.taps {
		cols.taps[c].weight *= p.tap
	}
	switch {
	case rows.count == 1 && cols.count == 1:
		// A fully connected layer: its pixels are the images.
		p.outer, p.inner, p.tile = rows, cols, images
	case rows.plain() && cols.plain():
		plane := wholeDim(rows.count * cols.count)
		plane.outBytes, plane.inBytes = p.out.pixel, p.in.pixel
		p.outer, p.inner, p.tile = images, wholeDim(1), plane
	case cols.padded() && !rows.padded():
		p.outer, p.inner, p.tile = images, cols, rows
	default:
		p.outer, p.inner, p.tile = images, rows, cols
	}
}

// layOut decides, once for all pieces, what each tile calls.
func (p *product) layOut() {
	for i := range p.groups {
		if _, n := p.group(i); p.tiles[n] == nil {
			p.tiles[n] = p.cutLine(n)
		}
	}
	i0, i1 := p.outer.full(0, 1)
	classes := map[tapRange]int{}
	p.lines = make([]line, p.inner.count)
	for j := range p.lines {
		j0, j1 := p.inner.full(j, j+1)
		l := &p.lines[j]
		l.out = p.outer.output(0) + p.inner.output(j)
		l.taps = (i1 - i0) * (j1 - j0)
		if l.taps == 0 {
			continue
		}
		l.a = p.outer.input(i0, 0) + p.inner.input(j0, j)
		l.b = p.outer.taps[i0].weight + p.inner.taps[j0].weight
		class, known := classes[tapRange{j0, j1}]
		if !known {
			class = len(classes)
			classes[tapRange{j0, j1}] = class
			for _, taps := range p.ranges {
				p.batches = append(p.batches, p.batch(tapRange{i0, i1}, tapRange{j0, j1}, taps))
			}
		}
		l.class = class
	}
}

// cutLine cuts a line into tiles of nearly the same size for n output blocks.
func (p *product) cutLine(n int) []tile {
	tiles := make([]tile, p.tilesPerLine(n))
	for i := range tiles {
		t := &tiles[i]
		t.from, t.to = i*p.tile.count/len(tiles), (i+1)*p.tile.count/len(tiles)
		first, end := p.tile.full(t.from, t.to)
		for tap := range p.tile.taps {
			if lo, hi := p.tile.inside(tap, t.from, t.to); lo < hi && (tap < first || tap >= end) {
				t.calls = append(t.calls, p.tapCall(tapRange{tap, tap + 1}, lo, hi))
			}
		}
		if first < end {
			t.covered, t.whole = true, len(t.calls) == 0
			t.calls = append(t.calls, p.tapCall(tapRange{first, end}, t.from, t.to))
		}
	}
	return tiles
}

// tapCall makes the call of a range and notes the range.
func (p *product) tapCall(taps tapRange, from, to int) tileCall {
	at := slices.Index(p.ranges, taps)
	if at < 0 {
		at = len(p.ranges)
		p.ranges = append(p.ranges, taps)
	}
	return tileCall{
		taps: taps.end - taps.first, batch: at, from: from, to: to,
		a: p.tile.input(taps.first, from), b: p.tile.taps[taps.first].weight, out: p.tile.output(from),
	}
}

// batch lists the taps of three ranges for depth input blocks, in the order of
// the weights in memory as far as the dims allow, relative to the first entry.
// For fewer blocks its beginning is used.
func (p *product) batch(outer, inner, tile tapRange) []simd.GemmOffset {
	plane := p.in.plane()
	count := p.depth * (outer.end - outer.first) * (inner.end - inner.first) * (tile.end - tile.first)
	list := make([]simd.GemmOffset, 0, count+1)
	var origin simd.GemmOffset
	for c := range p.depth {
		for i := outer.first; i < outer.end; i++ {
			for j := inner.first; j < inner.end; j++ {
				for t := tile.first; t < tile.end; t++ {
					at := simd.GemmOffset{
						A: p.outer.input(i, 0) + p.inner.input(j, 0) + p.tile.input(t, 0) + c*plane,
						B: p.outer.taps[i].weight + p.inner.taps[j].weight + p.tile.taps[t].weight +
							c*p.tapsPerBlock*p.tap,
					}
					if len(list) == 0 {
						origin = at
					}
					list = append(list, simd.GemmOffset{A: at.A - origin.A, B: at.B - origin.B})
				}
			}
		}
	}
	return list
}
