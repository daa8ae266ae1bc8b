package kernel

import "math"

var genericRuns = runs{
	moments: momentsGeneric, normalise: normaliseGeneric,
	gradientSums: gradientSumsGeneric, gradientApply: gradientApplyGeneric,
	poolSum: poolSumGeneric, poolMax: poolMaxGeneric, poolMaxBack: poolMaxBackGeneric,
	transpose: transposeGeneric,
	axpy:      axpyGeneric, scale: scaleGeneric, lerp: lerpGeneric,
	momentum: momentumGeneric, rmsProp: rmsPropGeneric, adam: adamGeneric,
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

func normaliseGeneric(y, x []float32, k *[3][Block]float32, relu bool) {
	for len(x) >= Block {
		to := (*[Block]float32)(y)
		for i, v := range (*[Block]float32)(x) {
			v = normalised(v, k, i)
			if relu && v < 0 {
				v = 0
			}
			to[i] = v
		}
		x, y = x[Block:], y[Block:]
	}
}

// normalised is batch norm of one value. The explicit conversion forbids a fused
// multiply-add, so that forward and backward agree on the sign.
func normalised(x float32, k *[3][Block]float32, lane int) float32 {
	return float32((x-k[2][lane])*k[0][lane]) + k[1][lane]
}

func gradientSumsGeneric(sum, dot *[Block]float64, dy, x []float32, k *[3][Block]float32, relu bool) {
	for at := 0; at+Block <= len(dy); at += Block {
		for i, v := range (*[Block]float32)(x[at:]) {
			if g := dy[at+i]; !relu || normalised(v, k, i) > 0 {
				sum[i] += float64(g)
				dot[i] += float64(g * (v - k[2][i]))
			}
		}
	}
}

func gradientApplyGeneric(dx, dy, x []float32, k *[5][Block]float32, relu bool) {
	forward := (*[3][Block]float32)(k[:])
	for at := 0; at+Block <= len(dy); at += Block {
		for i, v := range (*[Block]float32)(x[at:]) {
			g := dy[at+i]
			if relu && !(normalised(v, forward, i) > 0) {
				g = 0
			}
			dx[at+i] = k[0][i]*g + (k[3][i]*(v-k[2][i]) + k[4][i])
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
