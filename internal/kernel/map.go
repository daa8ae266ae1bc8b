// Package kernel is the arithmetic of the networks on plain slices, of float32, of
// bf16 and, for inference, of bytes, in the blocked layouts described at Map and
// Conv. It knows nothing of graphs: shapes and slices enter, numbers leave. Sizes are
// the caller's responsibility; a wrong one panics, as an index out of range does.
package kernel

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// Block is how many channels are adjacent in memory.
const Block = simd.Block

// BF16 is a bfloat16: the upper half of a float32.
type BF16 = uint16

// Element is what activations and weights consist of.
type Element interface{ float32 | BF16 | uint8 }

// Activation is a view of one activation, [N][C/16][H][W][16] elements. Images
// lie Stride elements apart, so that a view of some of the channels of a larger
// activation (a branch's slice of its concat) is an Activation too.
type Activation[E Element] struct {
	Data       []E // begins at image 0, first channel of the view
	N, C, H, W int // C is a multiple of Block
	Stride     int // elements from an image to the next; C*H*W if dense
}

// Map is an activation in float32, MapBF16 one in bf16.
type (
	Map     = Activation[float32]
	MapBF16 = Activation[BF16]
)

// MapOf returns the dense activation whose memory is data.
func MapOf[E Element](data []E, n, c, h, w int) Activation[E] {
	if c%Block != 0 || len(data) < n*c*h*w {
		panic(fmt.Sprintf("kernel: %d values cannot be a map of %dx%dx%dx%d", len(data), n, c, h, w))
	}
	return Activation[E]{Data: data, N: n, C: c, H: h, W: w, Stride: c * h * w}
}

// Channels returns the view of channels [from, from+count) of m; both are
// multiples of Block.
func (m Activation[E]) Channels(from, count int) Activation[E] {
	if from%Block != 0 || count%Block != 0 || from+count > m.C {
		panic(fmt.Sprintf("kernel: channels %d to %d of a map of %d", from, from+count, m.C))
	}
	m.Data = m.Data[from*m.H*m.W:]
	m.C = count
	return m
}

// images returns the view of images [from, to) of m.
func (m Activation[E]) images(from, to int) Activation[E] {
	m.Data = m.Data[from*m.Stride:]
	m.N = to - from
	return m
}

// Plane returns the [H][W][16] values of channel block cb of image n.
func (m Activation[E]) Plane(n, cb int) []E {
	size := m.H * m.W * Block
	at := n*m.Stride + cb*size
	return m.Data[at : at+size : at+size]
}

// Blocks returns the number of channel blocks, C/16.
func (m Activation[E]) Blocks() int { return m.C / Block }
