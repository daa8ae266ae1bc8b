package simd

// BF16 are the loops over bfloat16: the upper half of a float32, 8 bits of
// exponent and 8 of precision. Sums are float32. All implementations give the
// same bits, because each follows the instructions' own rules, which Intel's
// manual states and which ask nobody: round to nearest even, inputs below 2^-126
// are zero, and so are results.
type BF16 struct {
	Tiles // of bf16 pixels and weights

	// Round writes from, rounded; NaN stays NaN. A rest shorter than 16 is not
	// looked at.
	Round func(to []uint16, from []float32)
	// PoolSum and PoolMax are those of Runs, on bf16 and without argmax. The sum
	// is float32, and rounded once.
	PoolSum, PoolMax func(*PoolArgs)

	// Native says that the processor has instructions for it. Else it is plain Go,
	// a hundred times slower.
	Native bool

	peak
}

// bf16Bytes is the size of a bf16.
const bf16Bytes = 2
