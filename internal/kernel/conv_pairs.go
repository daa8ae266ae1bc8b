package kernel

import (
	"unsafe"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// pairsGradient is BackwardWeightsBF16 where the processor multiplies whole tiles:
//
//	dw[k][c][r][s] = sum over pairs of images and positions of dy[k][position] . x[position's input by (r,s)][c]
//
// The positions of an image lie in one line, row after row, pitch apart: that of a
// row of x with its padding, so that each tap reads x at a fixed distance from a
// position. dy is transposed, and zero at positions that are no pixel of it. A tile
// of 16 output channels times 16 positions multiplies one of those positions times
// 16 input channels, whatever the tap and the stride are.
type pairsGradient struct {
	Conv
	x, dy MapBF16

	pitch     int // positions from one row to the next
	steps     int // of simd.PairsStep positions, in an image
	xPlane    int // pixels of a padded plane of x
	dyRow     int // positions of a channel of dy in memory
	kGroups   int
	cGroups   int
	mostPairs int // of images that are written out at a time

	px, pdy []float32 // the pairs: [pair][C/16][xPlane][16], [pair][K][dyRow]
}

const (
	// pairsChunk is how many steps the taps of a piece read one after another: half a
	// megabyte, of the L2 cache.
	pairsChunk = 128

	pairsBlocks = simd.MaxPairsBlocks
)

func (c Conv) pairsGradient(x, dy MapBF16) *pairsGradient {
	g := &pairsGradient{Conv: c, x: x, dy: dy, pitch: max(x.W+c.PadW+c.MoreW, dy.W)}
	positions := (dy.H-1)*g.pitch + dy.W
	g.steps = (positions + simd.PairsStep - 1) / simd.PairsStep
	last := (g.steps*simd.PairsStep-1)*c.StrideW + (c.R-1)*g.pitch + c.S - 1
	g.xPlane = max(last+1, (x.H+2*c.PadH)*g.pitch+c.PadW)
	g.dyRow = g.steps * simd.PairsStep
	if g.dyRow%(4096/floatBytes) == 0 {
		g.dyRow += simd.PairsStep // rows that lie at the same place of a page share cache lines
	}
	g.kGroups = (dy.Blocks() + pairsBlocks - 1) / pairsBlocks
	g.cGroups = (x.Blocks() + pairsBlocks - 1) / pairsBlocks
	_, g.mostPairs = pairedParts((x.N+1)/2, g.floats())
	return g
}

// floats returns the size of one pair of images.
func (g *pairsGradient) floats() int { return g.x.Blocks()*g.xPlane*Block + g.dy.C*g.dyRow }

// run overwrites dw.
func (g *pairsGradient) run(dw []float32) {
	memory := borrowFloats(g.mostPairs * g.floats())
	defer returnFloats(memory)
	g.px, g.pdy = memory[:g.mostPairs*g.x.Blocks()*g.xPlane*Block], memory[g.mostPairs*g.x.Blocks()*g.xPlane*Block:]
	for from := 0; from < g.x.N; from += 2 * g.mostPairs {
		to := min(g.x.N, from+2*g.mostPairs)
		g.write(from, to)
		g.add(dw, (to-from+1)/2, from > 0)
	}
}

// write writes out the pairs of images [from, to).
func (g *pairsGradient) write(from, to int) {
	zeros := borrowFloats(max(g.x.H*g.x.W, g.dy.H*g.dy.W) * Block / 2)
	defer returnFloats(zeros)
	clear(zeros)
	plane := func(m MapBF16, image, block int) []BF16 {
		if image < to {
			return m.Plane(image, block)
		}
		return BF16s(zeros)[:m.H*m.W*Block] // an odd last image's partner
	}
	pairs, xBlocks, blocks := (to-from+1)/2, g.x.Blocks(), g.x.Blocks()+g.dy.Blocks()
	parallel.For(pairs*blocks, func(i int) {
		pair, block := i/blocks, i%blocks
		image := from + 2*pair
		if block < xBlocks {
			to := g.px[(pair*xBlocks+block)*g.xPlane*Block:][:g.xPlane*Block]
			g.writeX(to, plane(g.x, image, block), plane(g.x, image+1, block))
			return
		}
		block -= xBlocks
		to := g.pdy[(pair*g.dy.C+block*Block)*g.dyRow:][:Block*g.dyRow]
		g.writeDY(to, plane(g.dy, image, block), plane(g.dy, image+1, block))
	})
}

// writeX writes a plane of pairs with its padding: rows share what is between them.
func (g *pairsGradient) writeX(to []float32, low, high []BF16) {
	at, row, gap := (g.PadH*g.pitch+g.PadW)*Block, g.x.W*Block, (g.pitch-g.x.W)*Block
	clear(to[:at])
	for h := range g.x.H {
		active.BF16.Pair(BF16s(to[at:at+row]), low[h*row:(h+1)*row], high[h*row:(h+1)*row])
		clear(to[at+row : at+row+gap])
		at += row + gap
	}
	clear(to[at:])
}

// writeDY writes a plane of pairs, transposed.
func (g *pairsGradient) writeDY(to []float32, low, high []BF16) {
	s := borrowScratch()
	defer s.release()
	line, turned := s.growTurned(g.steps * simd.PairsStep * Block)
	at, row := 0, g.dy.W*Block
	for h := range g.dy.H {
		active.BF16.Pair(BF16s(line[at:at+row]), low[h*row:(h+1)*row], high[h*row:(h+1)*row])
		next := min((h+1)*g.pitch*Block, len(line))
		clear(line[at+row : next])
		at = next
	}
	clear(line[at:])
	for step := range g.steps {
		active.Transpose(turned, (*[Block * simd.PairsStep]float32)(line[step*len(turned):]))
		for k := range Block {
			*(*[simd.PairsStep]float32)(to[k*g.dyRow+step*simd.PairsStep:]) = [simd.PairsStep]float32(turned[k*simd.PairsStep:])
		}
	}
}

// add adds the gradient of so many pairs to dw, or overwrites it.
func (g *pairsGradient) add(dw []float32, pairs int, accumulate bool) {
	groups, size := g.kGroups*g.cGroups, g.WeightLen()
	parts := max(1, min(pairs, leastPieces/groups))
	if parts == 1 {
		parallel.For(groups, func(i int) { g.piece(dw, i, 0, pairs, accumulate) })
		return
	}
	partial := borrowFloats(parts * size)
	defer returnFloats(partial)
	parallel.Grid(groups, parts, func(group, part int) {
		g.piece(partial[part*size:][:size], group, part*pairs/parts, (part+1)*pairs/parts, false)
	})
	sumAll(dw[:size], partial, accumulate)
}

// piece sums one group of output and input blocks over the pairs [from, to).
func (g *pairsGradient) piece(dw []float32, group, from, to int, accumulate bool) {
	s := borrowScratch()
	defer s.release()
	kb, cb, taps := g.dy.Blocks(), g.x.Blocks(), g.R*g.S
	k, c := group/g.cGroups*kb/g.kGroups, group%g.cGroups*cb/g.cGroups
	kn, cn := (group/g.cGroups+1)*kb/g.kGroups-k, (group%g.cGroups+1)*cb/g.cGroups-c
	each := kn * cn * Block * Block // sums of a tap
	sums, turned := s.growTurned(taps * each)
	p := &s.pairs
	*p = simd.PairsArgs{
		ARow: g.dyRow * floatBytes, ABlock: Block * g.dyRow * floatBytes,
		BRow: g.StrideW * pixelBytes, BBlock: g.xPlane * pixelBytes,
	}
	for pair := from; pair < to; pair++ {
		dy := g.pdy[(pair*g.dy.C+k*Block)*g.dyRow:]
		x := g.px[(pair*cb+c)*g.xPlane*Block:]
		for step := 0; step < g.steps; step += pairsChunk {
			p.Steps = min(pairsChunk, g.steps-step)
			for tap := range taps {
				pixel := step*simd.PairsStep*g.StrideW + tap/g.S*g.pitch + tap%g.S
				p.A, p.B = unsafe.Pointer(&dy[step*simd.PairsStep]), unsafe.Pointer(&x[pixel*Block])
				p.C = unsafe.Pointer(&sums[tap*each])
				active.BF16.Pairs[kn][cn](p)
			}
			p.Accumulate = 1
		}
	}
	g.store(dw, sums, turned, k, kn, c, cn, accumulate)
}

// store writes the sums of a piece, [tap][kn][cn][16k][16c], to where their weights
// are.
func (g *pairsGradient) store(dw, sums []float32, turned *[Block * Block]float32, k, kn, c, cn int, accumulate bool) {
	for i := range g.R * g.S * kn * cn {
		tap, ki, ci := i/(kn*cn), i/cn%kn, i%cn
		active.Transpose(turned, (*[Block * Block]float32)(sums[i*len(turned):]))
		to := dw[(((k+ki)*g.x.Blocks()+c+ci)*g.R*g.S+tap)*len(turned):][:len(turned)]
		if accumulate {
			active.Axpy(to, turned[:], 1)
		} else {
			copy(to, turned[:])
		}
	}
}
