package simd

// F(4x4, 3x3)'s tile of the output and its window of the input.
const (
	WinogradOutput = 4 // height and width
	WinogradWindow = 6
)

// WinogradNumbers are those of F(4x4, 3x3) (Lavin and Gray, "Fast Algorithms
// for Convolutional Neural Networks", arXiv 1509.09308): polynomials of degree
// 5 are multiplied by their values at 0, a, -a, b, -b and infinity. The usual
// points 1 and 2 have twice the rounding error of 5/8 and 3/2, whose powers are
// exact and whose spread is smaller (Barabasz et al., arXiv 1803.10986, on the
// choice of points).
//
//	B' = a2*b2      0     -a2-b2    0    1  0     A' = 1  1   1   1   1  0
//	       0     -a*b2    -b2       a    1  0          0  a  -a   b  -b  0
//	       0      a*b2    -b2      -a    1  0          0 a2  a2  b2  b2  0
//	       0     -b*a2    -a2       b    1  0          0 a3 -a3  b3 -b3  1
//	       0      b*a2    -a2      -b    1  0
//	       0     a2*b2      0    -a2-b2  0  1
//
// G's row of a point p is (1, p, p2) over the product of p's distances to the
// other points; infinity's is (0, 0, 1).
var WinogradNumbers = func() *WinogradConstants {
	const a, b = 0.625, 1.5
	const a2, b2 = a * a, b * b
	const overA, overB = 1 / (2 * a2 * (a2 - b2)), 1 / (2 * b2 * (b2 - a2))
	k := &WinogradConstants{}
	for c := range Block {
		k.a[c], k.a2[c], k.a3[c] = a, a2, a2*a
		k.b[c], k.b2[c], k.b3[c] = b, b2, b2*b
		k.product[c], k.sum[c] = a2*b2, a2+b2
		k.g0[c] = 1 / (a2 * b2)
		k.gA[c], k.gAa[c], k.gAa2[c] = overA, overA*a, overA*a2
		k.gB[c], k.gBb[c], k.gBb2[c] = overB, overB*b, overB*b2
	}
	return k
}()
