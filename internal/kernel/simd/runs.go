package simd

// Runs are the memory-bound loops, on slices of equal length. Those on channels
// take [pixels][16] of one channel block and 16 values of each of its constants;
// the others take values in any order. A remainder shorter than 16 is ignored,
// except by Generic's Axpy, Scale, Lerp, Momentum, RMSProp and Adam.
type Runs struct {
	// Moments adds x to sum and x*x to sq.
	Moments func(sum, sq *[Block]float64, x []float32)
	// Normalise is y = (x-k[2])*k[0] + k[1], zero if that is negative.
	// Subtracting the mean first loses no precision if it is far from zero.
	Normalise func(y, x []float32, k *[3][Block]float32)
	// GradientSums adds g to sum and g*(x-k[2]) to dot, where g is dy, or zero
	// where Normalise's y, computed by the same arithmetic, is not positive.
	GradientSums func(sum, dot *[Block]float64, dy, x []float32, k *[3][Block]float32)
	// GradientApply is dx = k[0]*g + k[3]*(x-k[2]) + k[4] with the same g. dx
	// may be dy or x.
	GradientApply func(dx, dy, x []float32, k *[5][Block]float32)

	// Transpose exchanges rows and columns of 16x16 weights; to must not be from.
	Transpose func(to, from *[Block * Block]float32)

	// Evens is to[256*i+j] = from[32*i+2*j] for j < 16 and each 32 of from: what the
	// windows of a row of pixels with stride 2 have at one place, in blocks of 16
	// windows. to may end with the last of these values.
	Evens func(to, from []float32)

	// Axpy is y += a*x.
	Axpy func(y, x []float32, a float32)
	// Scale is x *= a.
	Scale func(x []float32, a float32)
	// Lerp is y += a*(x-y).
	Lerp func(y, x []float32, a float32)

	// Momentum is mom = momentum*mom + g; w -= lr*mom.
	Momentum func(w, g, mom []float32, lr, momentum float32)
	// RMSProp is ms += a*(g*g-ms); mom = momentum*mom + lr*g/sqrt(ms+eps);
	// w -= mom: TensorFlow's, with a = 1-decay.
	RMSProp func(w, g, ms, mom []float32, lr, a, momentum, eps float32)
	// Adam is m += a*(g-m); v += b*(g*g-v); w -= lr*m/(sqrt(v)+eps), where a =
	// 1-beta1, b = 1-beta2, and lr and eps include the bias corrections.
	Adam func(w, g, m, v []float32, lr, a, b, eps float32)

	// PoolSum is y = Scale * the sum of the taps of each window.
	PoolSum func(*PoolArgs)
	// PoolMax is y = the maximum of the taps, and argmax the index of the first
	// tap that has it. A NaN wins only as the first tap.
	PoolMax func(*PoolArgs)
	// PoolMaxBack adds y, the gradient of a maximum, to the pixels of x that were
	// the maximum: the taps whose index is in argmax.
	PoolMaxBack func(*PoolArgs)
}
