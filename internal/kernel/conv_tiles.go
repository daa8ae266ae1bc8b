package kernel

import (
	"slices"

	"github.com/inception-go/inception/internal/kernel/simd"
)

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
	taps     tapRange
	batch    int // place of the range among the product's
	from, to int
}

// tapRange are the taps [first, end) of the tile dim.
type tapRange struct{ first, end int }

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
	return tileCall{taps, at, from, to}
}

// batch lists the taps of three ranges for depth input blocks, in the order of
// the weights in memory as far as the dims allow, relative to the first entry.
// For fewer blocks its beginning is used.
func (p *product) batch(outer, inner, tile tapRange) []simd.GemmOffset {
	plane := p.in.plane()
	list := make([]simd.GemmOffset, 0, p.depth*(outer.end-outer.first)*(inner.end-inner.first)*(tile.end-tile.first))
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
