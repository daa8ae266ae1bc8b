package kernel

import (
	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/parallel"
)

// roundUp returns n rounded up to a multiple of Block.
func roundUp(n int) int { return (n + Block - 1) / Block * Block }

// PackedLen returns the packed length of k*c*r*s weights, whose c and k are
// padded up to a multiple of Block.
func PackedLen(k, c, r, s int) int { return roundUp(k) * roundUp(c) * r * s }

// PackOIHW packs weights [k][c][r][s], as files have them, to
// [K/16][C/16][R][S][16c][16k], padding c and k with zeros.
func PackOIHW(packed, oihw []float32, k, c, r, s int) {
	kb, cb, taps := roundUp(k)/Block, roundUp(c)/Block, r*s
	parallel.For(kb*cb, func(i int) {
		k0, c0 := i/cb*Block, i%cb*Block
		for t := range taps {
			block := packed[(i*taps+t)*Block*Block:][:Block*Block]
			clear(block)
			for ci := range min(Block, c-c0) {
				for ki := range min(Block, k-k0) {
					block[ci*Block+ki] = oihw[((k0+ki)*c+c0+ci)*taps+t]
				}
			}
		}
	})
}

// UnpackOIHW is the reverse of PackOIHW; it leaves the padding out.
func UnpackOIHW(oihw, packed []float32, k, c, r, s int) {
	kb, cb, taps := roundUp(k)/Block, roundUp(c)/Block, r*s
	parallel.For(kb*cb, func(i int) {
		k0, c0 := i/cb*Block, i%cb*Block
		for t := range taps {
			block := packed[(i*taps+t)*Block*Block:][:Block*Block]
			for ci := range min(Block, c-c0) {
				for ki := range min(Block, k-k0) {
					oihw[((k0+ki)*c+c0+ci)*taps+t] = block[ci*Block+ki]
				}
			}
		}
	})
}

// transposeWeights turns [kb][cb][taps][16c][16k] into [cb][kb][taps][16k][16c].
func transposeWeights(transposed, packed []float32, kb, cb, taps int) {
	parallel.For(cb*kb, func(i int) {
		c, k := i/kb, i%kb
		for t := range taps {
			from := (*[Block * Block]float32)(packed[((k*cb+c)*taps+t)*Block*Block:])
			to := (*[Block * Block]float32)(transposed[(i*taps+t)*Block*Block:])
			active.Transpose(to, from)
		}
	})
}

// weightLayout is where a product's weights lie: [out][in/step][taps][step] pieces of
// Block*Block, with zeros for the input blocks that the last step lacks.
type weightLayout struct{ out, in, taps, step int }

// weightsFor returns the layout for wide products, or for other tiles if w is nil.
func (c Conv) weightsFor(w *simd.Wide) weightLayout {
	l := weightLayout{out: roundUp(c.K) / Block, in: roundUp(c.C) / Block, taps: c.R * c.S, step: 1}
	if w != nil {
		l.step = w.Blocks
	}
	return l
}

// steps returns how many steps an output block's weights of a tap make.
func (l weightLayout) steps() int { return (l.in + l.step - 1) / l.step }

func (l weightLayout) len() int { return l.out * l.steps() * l.taps * l.step * Block * Block }

// at returns where the weights between two blocks at a tap are.
func (l weightLayout) at(out, in, tap int) int {
	return (((out*l.steps()+in/l.step)*l.taps+tap)*l.step + in%l.step) * Block * Block
}

// fill makes weights piece by piece.
func fill[E any](l weightLayout, weights []E, piece func(to *[Block * Block]E, out, in, tap int)) {
	blocks := l.steps() * l.step
	parallel.For(l.out*blocks, func(i int) {
		out, in := i/blocks, i%blocks
		for tap := range l.taps {
			to := (*[Block * Block]E)(weights[l.at(out, in, tap):])
			if in < l.in {
				piece(to, out, in, tap)
			} else {
				clear(to[:])
			}
		}
	})
}
