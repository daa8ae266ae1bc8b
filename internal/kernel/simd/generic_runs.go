package simd

import "math"

var genericRuns = Runs{
	Moments: momentsGeneric, Normalise: normaliseGeneric,
	GradientSums: gradientSumsGeneric, GradientApply: gradientApplyGeneric,
	PoolSum: poolSumGeneric, PoolMax: poolMaxGeneric, PoolMaxBack: poolMaxBackGeneric,
	Transpose: transposeGeneric, Evens: evensGeneric,
	Axpy: axpyGeneric, Scale: scaleGeneric, Lerp: lerpGeneric,
	Momentum: momentumGeneric, RMSProp: rmsPropGeneric, Adam: adamGeneric,
}

func momentsGeneric(sum, sq *[Block]float64, x []float32) {
	for c := 0; c < Block; c += 4 { // so many sums stay in registers
		s, q := (*[4]float64)(sum[c:]), (*[4]float64)(sq[c:])
		s0, s1, s2, s3 := s[0], s[1], s[2], s[3]
		q0, q1, q2, q3 := q[0], q[1], q[2], q[3]
		for rest := x; len(rest) >= Block; rest = rest[Block:] {
			v := (*[4]float32)(rest[c:])
			v0, v1, v2, v3 := float64(v[0]), float64(v[1]), float64(v[2]), float64(v[3])
			s0, s1, s2, s3 = s0+v0, s1+v1, s2+v2, s3+v3
			q0, q1, q2, q3 = q0+v0*v0, q1+v1*v1, q2+v2*v2, q3+v3*v3
		}
		*s, *q = [4]float64{s0, s1, s2, s3}, [4]float64{q0, q1, q2, q3}
	}
}

func normaliseGeneric(y, x []float32, k *[3][Block]float32) {
	for len(x) >= Block {
		to := (*[Block]float32)(y)
		for i, v := range (*[Block]float32)(x) {
			to[i] = notNegative(normalised(v, k, i))
		}
		x, y = x[Block:], y[Block:]
	}
}

// normalised is batch norm of one value. The explicit conversion prevents a fused
// multiply-add, so that forward and backward agree on the sign.
func normalised(x float32, k *[3][Block]float32, lane int) float32 {
	return float32((x-k[2][lane])*k[0][lane]) + k[1][lane]
}

// The signs of values are as good as random, and a processor that guesses them wrong
// loses more time than the arithmetic takes. The compiler makes no branch of a choice
// between two integers, so both functions choose between the values' bits.
const infinity, negativeZero = 0x7f800000, 0x80000000

// notNegative returns 0 for negative values; NaN and -0 stay, as in the instructions.
func notNegative(v float32) float32 {
	bits := math.Float32bits(v)
	if bits-(negativeZero+1) < infinity { // those after -0, up to minus infinity
		bits = 0
	}
	return math.Float32frombits(bits)
}

// where returns g if y is positive, else 0.
func where(y, g float32) float32 {
	bits := math.Float32bits(g)
	if math.Float32bits(y)-1 >= infinity { // 0, NaN and negative values
		bits = 0
	}
	return math.Float32frombits(bits)
}

func gradientSumsGeneric(sum, dot *[Block]float64, dy, x []float32, k *[3][Block]float32) {
	for len(dy) >= Block {
		gradients := (*[Block]float32)(dy)
		for i, v := range (*[Block]float32)(x) {
			g := where(normalised(v, k, i), gradients[i])
			sum[i] += float64(g)
			dot[i] += float64(g * (v - k[2][i]))
		}
		dy, x = dy[Block:], x[Block:]
	}
}

func gradientApplyGeneric(dx, dy, x []float32, k *[5][Block]float32) {
	forward := (*[3][Block]float32)(k[:])
	for len(dy) >= Block {
		to, gradients := (*[Block]float32)(dx), (*[Block]float32)(dy)
		for i, v := range (*[Block]float32)(x) {
			g := where(normalised(v, forward, i), gradients[i])
			to[i] = k[0][i]*g + (k[3][i]*(v-k[2][i]) + k[4][i])
		}
		dx, dy, x = dx[Block:], dy[Block:], x[Block:]
	}
}

func evensGeneric(to, from []float32) {
	for at := 0; 2*Block*(at+1) <= len(from); at++ {
		for i := range Block {
			to[at*Block*Block+i] = from[2*(at*Block+i)]
		}
	}
}

func axpyGeneric(y, x []float32, a float32) {
	for i, v := range x {
		y[i] += a * v
	}
}

func scaleGeneric(x []float32, a float32) {
	for i := range x {
		x[i] *= a
	}
}

func lerpGeneric(y, x []float32, a float32) {
	for i, v := range x {
		y[i] += a * (v - y[i])
	}
}

func momentumGeneric(w, g, mom []float32, lr, momentum float32) {
	for i := range w {
		mom[i] = momentum*mom[i] + g[i]
		w[i] -= lr * mom[i]
	}
}

func rmsPropGeneric(w, g, ms, mom []float32, lr, a, momentum, eps float32) {
	for i, v := range g {
		ms[i] += a * (v*v - ms[i])
		mom[i] = momentum*mom[i] + lr*v/sqrt(ms[i]+eps)
		w[i] -= mom[i]
	}
}

func adamGeneric(w, g, m, v []float32, lr, a, b, eps float32) {
	for i, d := range g {
		m[i] += a * (d - m[i])
		v[i] += b * (d*d - v[i])
		w[i] -= lr * m[i] / (sqrt(v[i]) + eps)
	}
}

func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

func transposeGeneric(to, from *[Block * Block]float32) {
	for a := 0; a < Block; a += 4 {
		for b := 0; b < Block; b += 4 {
			transpose4(to, from, a, b)
		}
	}
}

// transpose4 transposes the 4x4 values at row a, column b of to. Written out, it
// uses registers and is four times as fast as copying one value at a time.
func transpose4(to, from *[Block * Block]float32, a, b int) {
	at, t := b*Block+a, a*Block+b
	f0 := (*[4]float32)(from[at+0*Block:])
	f1 := (*[4]float32)(from[at+1*Block:])
	f2 := (*[4]float32)(from[at+2*Block:])
	f3 := (*[4]float32)(from[at+3*Block:])
	*(*[4]float32)(to[t+0*Block:]) = [4]float32{f0[0], f1[0], f2[0], f3[0]}
	*(*[4]float32)(to[t+1*Block:]) = [4]float32{f0[1], f1[1], f2[1], f3[1]}
	*(*[4]float32)(to[t+2*Block:]) = [4]float32{f0[2], f1[2], f2[2], f3[2]}
	*(*[4]float32)(to[t+3*Block:]) = [4]float32{f0[3], f1[3], f2[3], f3[3]}
}
