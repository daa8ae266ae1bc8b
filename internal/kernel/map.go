// Package kernel is the arithmetic of the networks on plain float32 slices, in
// the blocked layouts described at Map and Conv. It contains nothing about
// graphs: functions take shapes and slices and write numbers. Sizes are the
// caller's responsibility; a wrong one panics, like an index out of range.
package kernel

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel/simd"
)

// Block is how many channels are adjacent in memory.
const Block = simd.Block

// Map is a view of one activation, [N][C/16][H][W][16] float32. Images are Stride
// floats apart, so that a view of some channels of a larger activation (a
// branch's slice of its concat) is also a Map.
type Map struct {
	Data       []float32 // begins at image 0, first channel of the view
	N, C, H, W int       // C is a multiple of Block
	Stride     int       // floats from an image to the next; C*H*W if dense
}

// MapOf returns the dense Map whose memory is data.
func MapOf(data []float32, n, c, h, w int) Map {
	if c%Block != 0 || len(data) < n*c*h*w {
		panic(fmt.Sprintf("kernel: %d floats cannot be a map of %dx%dx%dx%d", len(data), n, c, h, w))
	}
	return Map{Data: data, N: n, C: c, H: h, W: w, Stride: c * h * w}
}

// Channels returns the view of channels [from, from+count) of m; both are
// multiples of Block.
func (m Map) Channels(from, count int) Map {
	if from%Block != 0 || count%Block != 0 || from+count > m.C {
		panic(fmt.Sprintf("kernel: channels %d to %d of a map of %d", from, from+count, m.C))
	}
	m.Data = m.Data[from*m.H*m.W:]
	m.C = count
	return m
}

// Plane returns the [H][W][16] floats of channel block cb of image n.
func (m Map) Plane(n, cb int) []float32 {
	size := m.H * m.W * Block
	at := n*m.Stride + cb*size
	return m.Data[at : at+size : at+size]
}

// Blocks returns the number of channel blocks, C/16.
func (m Map) Blocks() int { return m.C / Block }
