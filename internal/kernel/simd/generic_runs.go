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
	for len(x) >= Block {
		for i, v := range (*[Block]float32)(x) {
			d := float64(v)
			sum[i] += d
			sq[i] += d * d
		}
		x = x[Block:]
	}
}

func normaliseGeneric(y, x []float32, k *[3][Block]float32) {
	for len(x) >= Block {
		to := (*[Block]float32)(y)
		for i, v := range (*[Block]float32)(x) {
			v = normalised(v, k, i)
			if v < 0 {
				v = 0
			}
			to[i] = v
		}
		x, y = x[Block:], y[Block:]
	}
}

// normalised is batch norm of one value. The explicit conversion prevents a fused
// multiply-add, so that forward and backward agree on the sign.
func normalised(x float32, k *[3][Block]float32, lane int) float32 {
	return float32((x-k[2][lane])*k[0][lane]) + k[1][lane]
}

func gradientSumsGeneric(sum, dot *[Block]float64, dy, x []float32, k *[3][Block]float32) {
	for at := 0; at+Block <= len(dy); at += Block {
		for i, v := range (*[Block]float32)(x[at:]) {
			if g := dy[at+i]; normalised(v, k, i) > 0 {
				sum[i] += float64(g)
				dot[i] += float64(g * (v - k[2][i]))
			}
		}
	}
}

func gradientApplyGeneric(dx, dy, x []float32, k *[5][Block]float32) {
	forward := (*[3][Block]float32)(k[:])
	for at := 0; at+Block <= len(dy); at += Block {
		for i, v := range (*[Block]float32)(x[at:]) {
			g := dy[at+i]
			if !(normalised(v, forward, i) > 0) {
				g = 0
			}
			dx[at+i] = k[0][i]*g + (k[3][i]*(v-k[2][i]) + k[4][i])
		}
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
