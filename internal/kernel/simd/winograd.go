package simd

// Algorithm is one of the fast convolutions of Lavin and Gray ("Fast Algorithms for
// Convolutional Neural Networks", arXiv 1509.09308) by kernels of 3x3: F(Output x Output,
// 3x3), which makes a tile of the output from a window of the input of Window pixels each
// way. Polynomials are multiplied by their values at the points 0, a, -a, b, -b and, in
// F(4x4, 3x3), infinity:
//
//	B' = a2*b2      0     -a2-b2    0    1  0     A' = 1  1   1   1   1  0
//	       0     -a*b2    -b2       a    1  0          0  a  -a   b  -b  0
//	       0      a*b2    -b2      -a    1  0          0 a2  a2  b2  b2  0
//	       0     -b*a2    -a2       b    1  0          0 a3 -a3  b3 -b3  1
//	       0      b*a2    -a2      -b    1  0
//	       0     a2*b2      0    -a2-b2  0  1
//
// G's row of a point p is (1, p, p2) over the product of p's distances to the
// other points; infinity's is (0, 0, 1). F(3x3, 3x3) lacks B's last row and column, and
// A's.
type Algorithm struct {
	Output, Window int
	Numbers        *WinogradConstants
}

// Points returns how many points a window has.
func (a *Algorithm) Points() int { return a.Window * a.Window }

// The algorithms of float32 and of bf16.
//
// The usual points 1 and 2 of F(4x4, 3x3) have twice the rounding error of 5/8 and 3/2,
// whose powers are exact and whose spread is smaller (Barabasz et al., arXiv 1803.10986,
// on the choice of points).
//
// In bf16 nearly all of the error comes of rounding the points of windows and weights. With
// the result's rounding it is four times a direct convolution's in F(4x4, 3x3) and 2.2
// times in F(3x3, 3x3) with 3/4 and 5/2, which has 25 multiplications for 9 pixels where
// the other has 20; with 1/2 and 3/2 it would be five times.
var (
	F4 = &Algorithm{4, 6, winogradNumbers(5./8, 3./2)}
	F3 = &Algorithm{3, 5, winogradNumbers(3./4, 5./2)}
)

func winogradNumbers(a, b float64) *WinogradConstants {
	a2, b2 := a*a, b*b
	overA, overB := 1/(2*a2*(a2-b2)), 1/(2*b2*(b2-a2))
	k := &WinogradConstants{}
	for c := range Block {
		k.a[c], k.a2[c], k.a3[c] = float32(a), float32(a2), float32(a2*a)
		k.b[c], k.b2[c], k.b3[c] = float32(b), float32(b2), float32(b2*b)
		k.product[c], k.sum[c] = float32(a2*b2), float32(a2+b2)
		k.g0[c] = float32(1 / (a2 * b2))
		k.gA[c], k.gAa[c], k.gAa2[c] = float32(overA), float32(overA*a), float32(overA*a2)
		k.gB[c], k.gBb[c], k.gBb2[c] = float32(overB), float32(overB*b), float32(overB*b2)
	}
	return k
}
