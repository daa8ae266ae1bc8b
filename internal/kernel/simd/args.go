package simd

import "unsafe"

// GemmArgs is one tile of a batch-reduce product
// (Georganas et al., arXiv 1906.06440):
//
//	C[m][n*16] (+)= sum over i of A_i[m][16] * B_i[16][n*16]
//
// C and the A_i are m pixels of maps [C/16][H][W][16], C of n channel blocks;
// the B_i are weights [16c][16k] to each of those. In bf16 the A_i have 2 bytes
// a channel, and the B_i are [8c][16k][2c]: a pair of neighbouring channels takes
// the place of a float32. C is float32.
//
// Of bytes, the A_i have no sign and the B_i have one, [4c][16k][4c]. C and Bias are
// 32-bit integers.
//
// Strides and offsets are in bytes. The layout is read by assembly: every
// field is 8 bytes and the order is fixed.
type GemmArgs struct {
	C unsafe.Pointer // first pixel of the first output block
	A unsafe.Pointer // base that GemmOffset.A counts from
	B unsafe.Pointer // base that GemmOffset.B counts from

	Offsets *GemmOffset // Count pairs
	Count   int

	APixel int // from one output pixel's input block to the next pixel's
	BBlock int // from one output block's weights to the next block's
	CPixel int // from one output pixel to the next
	CBlock int // from one output block to the next

	Accumulate int // 0: C is overwritten; 1: C is added to

	// Epilogue, for folded batch norm; applied after the sum, or, to the same integers,
	// before that of bytes.
	Bias unsafe.Pointer // n*16 values added to every pixel, or nil
	ReLU int            // 1: negative results become zero

	// Where BF16's tiles write their results instead of C, rounded to bf16; or
	// nil. C then holds partial sums only, which are read if Accumulate is set.
	Rounded      unsafe.Pointer
	RoundedPixel int // from one output pixel to the next
	RoundedBlock int // from one output block to the next

	// Scale has the n*16 float32 by which tiles of bytes multiply sums before they
	// round them to Rounded.
	Scale unsafe.Pointer

	// For each (tap, input block) four cache lines from Ahead on are fetched into
	// the L2 cache, and Ahead advances: weights that a later tile reads. It may be
	// any address.
	Ahead     uintptr
	AheadStep int
}

// GemmOffset locates one (tap, input block) of a batch: A's first pixel and
// B's 16x16 weights of the first output block, in bytes from their bases. The kernels for
// AMX also read A of the one behind the last, to prefetch: its memory must be there.
type GemmOffset struct {
	A, B int
}

// OuterArgs is one tile of a weight gradient:
//
//	dW[16c][n*16k] (+)= sum over rows and pixels of x[c] * dy[k]
//
// x is one channel block of a map [C/16][H][W][16], dy n of another's.
// Strides and offsets are in bytes; every field is 8 bytes, order fixed.
type OuterArgs struct {
	DW unsafe.Pointer // 16x16 values of the first output block
	X  unsafe.Pointer // base that OuterRow.X counts from
	DY unsafe.Pointer // base that OuterRow.DY counts from

	Rows  *OuterRow // Count rows
	Count int

	XPixel  int // from one pixel's input block to the next pixel's
	DYPixel int // from one output pixel to the next
	DYBlock int // from one output block of dy to the next
	DWBlock int // from one output block of dW to the next

	Accumulate int // 0: dW is overwritten; 1: dW is added to
}

// OuterRow is a run of pixels: byte offsets of its first pixel in x and dy,
// and its length.
type OuterRow struct {
	X, DY, Pixels int
}

// FinishArgs makes results of the sums of a run of pixels of one output block: what a
// tile of GemmArgs does at its end. Distances are in bytes.
type FinishArgs struct {
	Y      unsafe.Pointer // first pixel; the next is next to it
	Sums   unsafe.Pointer // of the first pixel, 16 of 4 bytes; likewise
	Pixels int

	Bias  unsafe.Pointer // 16 values
	Scale unsafe.Pointer // of bytes: 16 factors
	ReLU  int            // of bf16
}

// InterleaveArgs puts channel blocks side by side: pixel i of block b is copied to place
// b of the 64 bytes of wide pixel i. Places of blocks that there are not become 0.
// Distances are in bytes.
type InterleaveArgs struct {
	To, From unsafe.Pointer // first pixels
	Apart    int            // from one block to the next
	Blocks   int            // at least one
	Pixels   int
}

// PairsArgs is a product of pairs of bf16 along a line of positions:
//
//	C[i][j][16r][16c] (+)= sum over positions p of A_i[r][p] . B_j[p][c]
//
// for one or two blocks i and j; a product of two pairs is the sum of both products.
// A_i has the positions of a row next to each other, 4 bytes each, B_j the columns of
// a position. Distances are in bytes; every field is 8 bytes, order fixed.
type PairsArgs struct {
	C unsafe.Pointer // 16x16 float32 of each i and j, one after the other
	A unsafe.Pointer // first position of the first row
	B unsafe.Pointer // first position

	ARow, ABlock int // from one row of A to the next, and from A_0 to A_1
	BRow, BBlock int // from one position of B to the next, and from B_0 to B_1

	Steps      int // of PairsStep positions
	Accumulate int // 0: C is overwritten; 1: C is added to
}

// PairsStep is how many positions a step of a product of pairs takes.
const PairsStep = 16

// WinogradInArgs is a row of an Algorithm's windows of one channel block, each a tile
// right of the one before, to be transformed to as many points as pixels. Pixels and
// points have 64 bytes, 32 in bf16. Strides are in bytes. Tiles of the gradient of the
// output take it too.
type WinogradInArgs struct {
	Points unsafe.Pointer // first window's first point; the next window's is next to it
	Point  int            // from one point to the next
	X      unsafe.Pointer // first window's first pixel
	Row    int            // from one row of pixels to the next
	Tiles  int            // windows, at least one

	Temporary unsafe.Pointer // 16 float32 for each pixel of a window, or Window*Output times of a tile
	Constants *WinogradConstants
}

// WinogradOutArgs is a row of an Algorithm's tiles of one output block, to be made from
// their points in float32, with a bias and a lower limit.
type WinogradOutArgs struct {
	Y      unsafe.Pointer // first tile's first pixel; the next tile's is next to its row
	Row    int            // from one row of pixels to the next
	Points unsafe.Pointer // first tile's first point; the next tile's is 64 bytes on
	Point  int            // from one point to the next
	Tiles  int            // at least one

	Temporary unsafe.Pointer // Window*Output times 16 float32
	Constants *WinogradConstants
	Bias      unsafe.Pointer // 16 values
	Least     unsafe.Pointer // 16 values; smaller results become these
}

// WinogradWeightsArgs are the 16x16 3x3 kernels between two blocks, or their gradients, and
// the points of either. Strides are in bytes.
type WinogradWeightsArgs struct {
	Points unsafe.Pointer // 16x16 values of the first point
	Point  int            // from one point to the next
	W      unsafe.Pointer // 16x16 values of the first tap
	Tap    int            // from one tap to the next

	Temporary unsafe.Pointer // 3*Window times 16 values
	Constants *WinogradConstants
}

// WinogradConstants are the numbers of the transforms, each repeated sixteen
// times (a block, in a form that the generator can read); see Algorithm.
type WinogradConstants struct {
	a, b, a2, b2, a3, b3, product, sum [16]float32
	g0, gA, gAa, gAa2, gB, gBb, gBb2   [16]float32
}

// PoolArgs is a run of output pixels of one channel block whose windows hold
// the same taps. Strides and offsets are in bytes.
type PoolArgs struct {
	Y      unsafe.Pointer // first output pixel; the next is 64 bytes on, 32 in bf16
	X      unsafe.Pointer // base that PoolTap.Offset counts from, for that pixel
	Argmax unsafe.Pointer // 16 bytes a pixel; the winning tap's index

	Taps   *PoolTap // Count taps, at least one
	Count  int
	Pixels int
	XPixel int // from one output pixel's window to the next

	Columns int // of taps, which come row by row; 0 if they do not

	// What BF16.PoolMaxPositive found: 0 if no tap was negative or NaN. Else its
	// results are not the maxima.
	Negative int

	Scale float32 // Runs.PoolSum's factor

	// Loops over bytes do Rows runs, at least one, for which they change X, Y and
	// Rows; the others do one.
	Rows int
	XRow int // from one run's first window to the next one's
	YRow int // from one run's first output pixel to the next one's
}

// PoolTap is one pixel of a window: its position and its index in argmax.
type PoolTap struct {
	Offset, Index int
}

// ImageBytesArgs is a run of pixels of an image in three planes of float32, to be
// made bytes. Strides are in bytes.
type ImageBytesArgs struct {
	To     unsafe.Pointer // 4 bytes a pixel: red, green, blue, 0
	From   unsafe.Pointer // of red
	Plane  int            // from red to green, and from green to blue
	Pixels int            // a multiple of 16

	Scale, Offset [3]float32 // of each colour
}

// TileShape is what AMX's registers, the tiles, hold: rows of so many bytes each.
// The layout is the processor's.
type TileShape struct {
	Palette, _  uint8
	_           [14]uint8
	ColumnBytes [16]uint16
	Rows        [16]uint8
}
