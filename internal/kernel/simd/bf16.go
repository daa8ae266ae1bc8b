package simd

// BF16 are the loops over bfloat16: the upper half of a float32, 8 bits of
// exponent and 8 of precision. Sums are float32. An implementation gives the same
// bits as its Twin, because both follow the instructions' own rules, which Intel's
// manual states and which ask nobody: round to nearest even, inputs below 2^-126
// are zero, and so are results. AMX's tiles add in another order than all others.
type BF16 struct {
	Tiles // of bf16 pixels and weights

	Wide *Wide // or nil

	activationRuns

	Transforms // by F3; products are rounded before they are added, and zero below 2^-126 only when rounded to bf16

	Gradient GradientTransforms // whose arithmetic is float32's, fused or not

	// PackPairs makes weights for Gemm: it rounds those of a tap, [16c][16k], to
	// pairs of c, [8c][16k][2c]. PackTransposed makes those of the transposed
	// product: pairs of k, [8k][16c][2k].
	PackPairs, PackTransposed func(to *[Block * Block]uint16, from *[Block * Block]float32)

	// Pairs[i][j] is the product of pairs of i and j blocks, for backward weights; nil
	// where Outer serves for them.
	Pairs [MaxPairsBlocks + 1][MaxPairsBlocks + 1]func(*PairsArgs)

	// PoolSum, PoolMax and PoolArgmax are Runs' PoolSum, PoolMax without argmax,
	// and PoolMax, on bf16. The sum is float32, and rounded once.
	PoolSum, PoolMax, PoolArgmax func(*PoolArgs)
	// PoolMaxPositive is PoolMax of taps of which none is negative or NaN, and says
	// in Negative whether that was so: the bits of others are ordered as whole
	// numbers are.
	PoolMaxPositive func(*PoolArgs)
	// PoolSum3 is PoolSum of windows one pixel apart and three wide, whose columns
	// are added up first: taps come in rows of three neighbours.
	PoolSum3 func(*PoolArgs)
	// PoolMaxBack is Runs' with y in bf16 and x in float32.
	PoolMaxBack func(*PoolArgs)

	// Native says that the processor has instructions for it. Else it is plain Go,
	// a hundred times slower.
	Native bool

	twin *BF16 // nil: genericBF16

	peak
}

// Twin returns the implementation in plain Go that gives the same bits.
func (s *BF16) Twin() *BF16 {
	if s.twin == nil {
		return genericBF16
	}
	return s.twin
}

// activationRuns are memory-bound loops over bf16, on slices of equal length,
// whose arithmetic is float32. A remainder shorter than 16 is not looked at.
type activationRuns struct {
	// Round writes from, rounded; NaN stays NaN.
	Round func(to []uint16, from []float32)
	// Widen is to = from * scale.
	Widen func(to []float32, from []uint16, scale float32)
	// Add is sum += x.
	Add func(sum []float32, x []uint16)
	// Pair is to[2*i] = low[i], to[2*i+1] = high[i].
	Pair func(to, low, high []uint16)

	// Moments, Normalise, GradientSums and GradientApply are those of Runs,
	// rounded once.
	Moments       func(sum, sq *[Block]float64, x []uint16)
	Normalise     func(y, x []uint16, k *[3][Block]float32)
	GradientSums  func(sum, dot *[Block]float64, dy, x []uint16, k *[3][Block]float32)
	GradientApply func(dx, dy, x []uint16, k *[5][Block]float32)
}

// MaxPairsBlocks is the most blocks of each operand of a product of pairs.
const MaxPairsBlocks = 2

// bf16Bytes is the size of a bf16.
const bf16Bytes = 2
