// Package simd holds the innermost loops of package kernel, once in plain Go
// and once for each instruction set: tiles of matrix products, Winograd's
// transforms, and runs of memory-bound arithmetic. Addresses, strides and
// constants come in an argument struct or as slices; the loop writes its output.
// Nothing is checked here: cutting work into tiles, padding and threads are
// the job of package kernel.
//
// The generator in _asm, a separate module, writes the assembly for x86, and the one
// in armgen that for Arm. A function's twin in plain Go has a similar name, and tests
// run both.
package simd

//go:generate go run -C armgen .

// ISA is one implementation of the innermost loops, named after its
// instruction set. Everything above it is shared by all of them.
type ISA struct {
	Name string // amx, avx512, avx2, neon or generic

	Tiles // of float32

	// BF16 are the loops over bf16; Generic's where the processor has no
	// instructions for them.
	BF16 *BF16

	// Int8 are the loops over bytes, with the best instructions for them.
	Int8 *Int8

	Transforms // of float32, by F4

	Gradient GradientTransforms // of float32

	Runs // the memory-bound loops

	peak
}

// Tiles are the tiles of one precision.
type Tiles struct {
	// Gemm[n][m] is the batch-reduce tile of n output channel blocks and m pixels; nil where
	// the implementation has no such tile. Drivers cut their rows by TileRows[n],
	// the largest m for n.
	Gemm     [MaxTileBlocks + 1][MaxTileRows + 1]func(*GemmArgs)
	TileRows [MaxTileBlocks + 1]int

	// Outer[n] is the outer-product tile of n output channel blocks, for
	// backward weights.
	Outer [MaxTileBlocks + 1]func(*OuterArgs)
}

// Transforms are those of an Algorithm with one precision's pixels. Points of the output,
// and of the weights, are float32.
type Transforms struct {
	Algorithm       *Algorithm
	WinogradIn      func(*WinogradInArgs)
	WinogradOut     func(*WinogradOutArgs)
	WinogradWeights func(*WinogradWeightsArgs)
}

// GradientTransforms are F4's for the gradient of weights, from one precision's pixels to
// points in float32, and from those to weights. The last two are transposes: WinogradOutBack
// transforms tiles of the gradient of the output, each right of the one before, by A;
// WinogradWeightsBack makes 3x3 kernels of their points, by G'.
type GradientTransforms struct {
	WinogradIn          func(*WinogradInArgs)
	WinogradOutBack     func(*WinogradInArgs)
	WinogradWeightsBack func(*WinogradWeightsArgs)
}

// Wide are products of whole registers, where an implementation has them: a step takes
// 64 bytes of a pixel, several channel blocks next to each other, and adds to sums in
// memory. Blocks is how many.
type Wide struct {
	Blocks int
	// Products[i][j] is that of i times WidePixels pixels and j output blocks:
	//
	//	C[j][i*WidePixels][16] = sum over i of A_i[i*WidePixels][64 bytes] * B_i[16][16]
	//
	// where a pixel of the B_i is 64 bytes too. Of GemmArgs it takes C, A, B, Offsets,
	// Count, APixel, BBlock, Ahead and AheadStep.
	Products [MaxWide + 1][MaxWide + 1]func(*GemmArgs)
	Finish   func(*FinishArgs)
	// Interleave makes pixels for them.
	Interleave func(*InterleaveArgs)
}

// The sizes of wide products.
const (
	MaxWide    = 2
	WidePixels = 16
	WideBytes  = 64
)

// The largest tiles of any implementation.
const (
	MaxTileBlocks = 3
	MaxTileRows   = 32
)

// Block is how many channels are adjacent in memory.
const Block = 16

// Sizes of memory in bytes.
const (
	FloatBytes = 4
	PixelBytes = Block * FloatBytes         // one pixel of one channel block
	TapBytes   = Block * Block * FloatBytes // the weights of one tap between two blocks
)

// ISAs returns the implementations that this machine can run, best first. The
// last one is Generic.
func ISAs() []*ISA { return append(machineISAs(), Generic) }
