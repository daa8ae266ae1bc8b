package kernel

import "unsafe"

// isa is one implementation of the innermost loops. Everything above it
// (cutting into tiles, padding, parallel pieces) is shared by all of them.
type isa struct {
	name string

	// gemm[n][m] is the batch-reduce tile of n output channel blocks and m
	// pixels; nil where the implementation has no such tile. Drivers cut their
	// rows by tileRows[n], the largest m for n.
	gemm     [maxTileBlocks + 1][maxTileRows + 1]func(*gemmArgs)
	tileRows [maxTileBlocks + 1]int

	// outer[n] is the outer-product tile of n output channel blocks, for
	// backward weights.
	outer [maxTileBlocks + 1]func(*outerArgs)

	// The transforms of F(4x4, 3x3): of input, output and weights.
	winogradIn      func(*winogradInArgs)
	winogradOut     func(*winogradOutArgs)
	winogradWeights func(*winogradWeightsArgs)

	runs // the memory-bound loops

	// peak runs turns of nothing but independent multiply-adds in registers,
	// peakTurnFLOPs operations each: what the machine can do at most.
	peak          func(turns int)
	peakTurnFLOPs float64
}

const (
	maxTileBlocks = 3
	maxTileRows   = 14
)

// gemmArgs is one tile of a batch-reduce product
// (Georganas et al., arXiv 1906.06440):
//
//	C[m][n*16] (+)= sum over i of A_i[m][16] * B_i[16][n*16]
//
// Strides and offsets are in bytes. The layout is read by assembly: every
// field is 8 bytes and the order is fixed.
type gemmArgs struct {
	c unsafe.Pointer // first pixel of the first output block
	a unsafe.Pointer // base that aOffset counts from
	b unsafe.Pointer // base that bOffset counts from

	offsets *gemmOffset // count pairs
	count   int

	aPixel int // from one output pixel's input block to the next pixel's
	bBlock int // from one output block's weights to the next block's
	cPixel int // from one output pixel to the next
	cBlock int // from one output block to the next

	accumulate int // 0: C is overwritten; 1: C is added to

	// Epilogue, for folded batch norm; applied after the sum.
	bias unsafe.Pointer // n*16 values added to every pixel, or nil
	relu int            // 1: negative results become zero
}

// gemmOffset locates one (tap, input block) of a batch: A's first pixel and
// B's 16x16 weights of the first output block, in bytes from their bases.
type gemmOffset struct {
	a, b int
}

// outerArgs is one tile of a weight gradient:
//
//	dW[16c][n*16k] (+)= sum over rows and pixels of x[c] * dy[k]
//
// Strides and offsets are in bytes; every field is 8 bytes, order fixed.
type outerArgs struct {
	dw unsafe.Pointer // 16x16 values of the first output block
	x  unsafe.Pointer // base that outerRow.x counts from
	dy unsafe.Pointer // base that outerRow.dy counts from

	rows  *outerRow // count rows
	count int

	xPixel  int // from one pixel's input block to the next pixel's
	dyPixel int // from one output pixel to the next
	dyBlock int // from one output block of dy to the next
	dwBlock int // from one output block of dW to the next

	accumulate int // 0: dW is overwritten; 1: dW is added to
}

// outerRow is a run of pixels: byte offsets of its first pixel in x and dy,
// and its length.
type outerRow struct {
	x, dy, pixels int
}

// winogradInArgs is a row of 6x6 windows of one channel block, each four pixels
// right of the one before, to be transformed to 36 points each. Strides are in
// bytes.
type winogradInArgs struct {
	points unsafe.Pointer // first window's first point; the next window's is 64 bytes on
	point  int            // from one point to the next
	x      unsafe.Pointer // first window's first pixel
	row    int            // from one row of pixels to the next
	tiles  int            // windows, at least one

	temporary unsafe.Pointer // 36 pixels
	constants *winogradConstants
}

// winogradOutArgs is a row of 4x4 tiles of one output block, to be made from
// their 36 points, with bias and a lower limit.
type winogradOutArgs struct {
	y      unsafe.Pointer // first tile's first pixel; the next tile's is four pixels on
	row    int            // from one row of pixels to the next
	points unsafe.Pointer // first tile's first point; the next tile's is 64 bytes on
	point  int            // from one point to the next
	tiles  int            // at least one

	temporary unsafe.Pointer // 24 pixels
	constants *winogradConstants
	bias      unsafe.Pointer // 16 values
	least     unsafe.Pointer // 16 values; smaller results become these
}

// winogradWeightsArgs are the 16x16 3x3 kernels between two blocks. Strides are
// in bytes.
type winogradWeightsArgs struct {
	points unsafe.Pointer // 16x16 values of the first point
	point  int            // from one point to the next
	w      unsafe.Pointer // 16x16 values of the first tap
	tap    int            // from one tap to the next

	temporary unsafe.Pointer // 18 times 16 values
	constants *winogradConstants
}

// winogradConstants are the numbers of the transforms, each sixteen times (a
// block, in a form that the generator can read); see winograd.
type winogradConstants struct {
	a, b, a2, b2, a3, b3, product, sum [16]float32
	g0, gA, gAa, gAa2, gB, gBb, gBb2   [16]float32
}

// poolArgs is a run of output pixels of one channel block whose windows hold
// the same taps. Strides and offsets are in bytes.
type poolArgs struct {
	y      unsafe.Pointer // first output pixel; the next is 64 bytes on
	x      unsafe.Pointer // base that poolTap.offset counts from, for that pixel
	argmax unsafe.Pointer // 16 bytes a pixel; the winning tap's index

	taps   *poolTap // count taps, at least one
	count  int
	pixels int
	xPixel int // from one output pixel's window to the next

	scale float32 // poolSum's factor
}

// poolTap is one pixel of a window: where it lies and its index in argmax.
type poolTap struct {
	offset, index int
}
