package kernel

// runs are the loops that memory bounds, on slices of equal length. Those of
// channels take [pixels][16] of one channel block and 16 values of each of
// its constants; a rest shorter than 16 is not looked at. The others take any
// length, but look at whole 16s only: see eachChunk.
type runs struct {
	// moments adds x to sum and x*x to sq.
	moments func(sum, sq *[Block]float64, x []float32)
	// normalise is y = (x-k[2])*k[0] + k[1], zero if that is negative and relu
	// set. Taking the mean off first loses nothing where it is far from zero.
	normalise func(y, x []float32, k *[3][Block]float32, relu bool)
	// gradientSums adds g to sum and g*(x-k[2]) to dot, where g is dy; if relu
	// is set, only where normalise's y is positive, by the same arithmetic.
	gradientSums func(sum, dot *[Block]float64, dy, x []float32, k *[3][Block]float32, relu bool)
	// gradientApply is dx = k[0]*g + k[3]*(x-k[2]) + k[4] with the same g. dx
	// may be dy or x.
	gradientApply func(dx, dy, x []float32, k *[5][Block]float32, relu bool)

	// transpose exchanges rows and columns; to is not from.
	transpose func(to, from *[Block * Block]float32)

	// axpy is y += a*x.
	axpy func(y, x []float32, a float32)
	// scale is x *= a.
	scale func(x []float32, a float32)
	// lerp is y += a*(x-y).
	lerp func(y, x []float32, a float32)

	// momentum is mom = momentum*mom + g; w -= lr*mom.
	momentum func(w, g, mom []float32, lr, momentum float32)
	// rmsProp is ms += a*(g*g-ms); mom = momentum*mom + lr*g/sqrt(ms+eps);
	// w -= mom: TensorFlow's, with a = 1-decay.
	rmsProp func(w, g, ms, mom []float32, lr, a, momentum, eps float32)
	// adam is m += a*(g-m); v += b*(g*g-v); w -= lr*m/(sqrt(v)+eps), where a =
	// 1-beta1, b = 1-beta2, and lr and eps hold the corrections of bias.
	adam func(w, g, m, v []float32, lr, a, b, eps float32)

	// poolSum is y = scale * the sum of the taps of each window.
	poolSum func(*poolArgs)
	// poolMax is y = the maximum of the taps, and argmax the index of the first
	// tap that has it. A NaN wins only as the first tap.
	poolMax func(*poolArgs)
	// poolMaxBack adds y, the gradient of a maximum, to those pixels of x that
	// won: to the taps whose index is in argmax.
	poolMaxBack func(*poolArgs)
}
