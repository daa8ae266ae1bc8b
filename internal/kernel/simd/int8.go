package simd

// Int8 are the loops over bytes: activations without a sign, whose 0 is zero,
// weights with one, sums of 32 bits. All implementations give the same integers for
// any operands whose sums fit; RoundByte is their only rounding.
type Int8 struct {
	Name string // its instructions: amx-int8, avx512-vnni, avx-vnni, avx2 or generic

	Tiles // of bytes

	Wide *Wide // or nil

	// PoolSum and PoolMax are those of Runs, on bytes and without argmax. A sum has
	// at most MaxByteTaps taps and is exact; its product with Scale is rounded by
	// RoundByte. They do several runs at once.
	PoolSum, PoolMax func(*PoolArgs)
	// PoolSum3 is PoolSum of windows one pixel apart and three wide, whose columns
	// are added up first: taps come in rows of three neighbours.
	PoolSum3 func(*PoolArgs)

	// ImageBytes makes bytes of an image's pixels.
	ImageBytes func(*ImageBytesArgs)

	// Native says that the processor has instructions for it.
	Native bool

	peak
}

// Twin returns the implementation in plain Go, with wide products if s has them.
func (s *Int8) Twin() *Int8 {
	if s.Wide == nil {
		return genericInt8
	}
	return amxInt8Twin
}

// MaxByteTaps is how many taps a sum of bytes may have, which is kept in 16 bits.
const MaxByteTaps = 257

// Int8s returns the implementations of bytes that this machine can run, best
// first. The last one is plain Go.
func Int8s() []*Int8 { return append(machineInt8s(), genericInt8) }
