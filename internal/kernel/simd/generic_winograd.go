package simd

import "unsafe"

func winogradInGeneric(w *WinogradInArgs) {
	k, temporary := w.Constants, (*[36][Block]float32)(w.Temporary)
	for t := range w.Tiles {
		x, points := unsafe.Add(w.X, t*WinogradOutput*PixelBytes), unsafe.Add(w.Points, t*PixelBytes)
		for j := range 6 {
			var d [6]*[Block]float32
			for i := range d {
				d[i] = (*[Block]float32)(unsafe.Add(x, i*w.Row+j*PixelBytes))
			}
			winogradInward(k, d, func(i int) *[Block]float32 { return &temporary[i*6+j] })
		}
		for i := range 6 {
			var d [6]*[Block]float32
			for j := range d {
				d[j] = &temporary[i*6+j]
			}
			winogradInward(k, d, func(j int) *[Block]float32 {
				return (*[Block]float32)(unsafe.Add(points, (i*6+j)*w.Point))
			})
		}
	}
}

// winogradInward multiplies six values by B'; see WinogradNumbers.
func winogradInward(k *WinogradConstants, d [6]*[Block]float32, to func(i int) *[Block]float32) {
	var t [6][Block]float32
	for c := range Block {
		d0, d1, d2, d3, d4, d5 := d[0][c], d[1][c], d[2][c], d[3][c], d[4][c], d[5][c]
		oddA, evenA := d3-k.b2[c]*d1, d4-k.b2[c]*d2
		oddB, evenB := d3-k.a2[c]*d1, d4-k.a2[c]*d2
		t[0][c] = d4 - k.sum[c]*d2 + k.product[c]*d0
		t[1][c], t[2][c] = evenA+k.a[c]*oddA, evenA-k.a[c]*oddA
		t[3][c], t[4][c] = evenB+k.b[c]*oddB, evenB-k.b[c]*oddB
		t[5][c] = d5 - k.sum[c]*d3 + k.product[c]*d1
	}
	for i := range t {
		*to(i) = t[i]
	}
}

func winogradOutGeneric(w *WinogradOutArgs) {
	k, temporary := w.Constants, (*[24][Block]float32)(w.Temporary)
	bias, least := (*[Block]float32)(w.Bias), (*[Block]float32)(w.Least)
	for t := range w.Tiles {
		y, points := unsafe.Add(w.Y, t*WinogradOutput*PixelBytes), unsafe.Add(w.Points, t*PixelBytes)
		for i := range 6 {
			var m [6]*[Block]float32
			for j := range m {
				m[j] = (*[Block]float32)(unsafe.Add(points, (i*6+j)*w.Point))
			}
			for j, v := range winogradOutward(k, m) {
				temporary[i*4+j] = v
			}
		}
		for j := range WinogradOutput {
			var m [6]*[Block]float32
			for i := range m {
				m[i] = &temporary[i*4+j]
			}
			for i, v := range winogradOutward(k, m) {
				to := (*[Block]float32)(unsafe.Add(y, i*w.Row+j*PixelBytes))
				for c := range v {
					to[c] = v[c] + bias[c]
					if to[c] < least[c] {
						to[c] = least[c]
					}
				}
			}
		}
	}
}

// winogradOutward multiplies six values by A'; see WinogradNumbers.
func winogradOutward(k *WinogradConstants, m [6]*[Block]float32) (y [WinogradOutput][Block]float32) {
	for c := range Block {
		sumA, differenceA := m[1][c]+m[2][c], m[1][c]-m[2][c]
		sumB, differenceB := m[3][c]+m[4][c], m[3][c]-m[4][c]
		y[0][c] = m[0][c] + sumA + sumB
		y[1][c] = k.a[c]*differenceA + k.b[c]*differenceB
		y[2][c] = k.a2[c]*sumA + k.b2[c]*sumB
		y[3][c] = m[5][c] + k.a3[c]*differenceA + k.b3[c]*differenceB
	}
	return y
}

func winogradWeightsGeneric(w *WinogradWeightsArgs) {
	k, temporary := w.Constants, (*[18][Block]float32)(w.Temporary)
	for row := range Block {
		at := row * PixelBytes
		for s := range 3 {
			var taps [3]*[Block]float32
			for r := range taps {
				taps[r] = (*[Block]float32)(unsafe.Add(w.W, (r*3+s)*w.Tap+at))
			}
			for p, v := range winogradWeigh(k, taps) {
				temporary[p*3+s] = v
			}
		}
		for p := range WinogradWindow {
			v := winogradWeigh(k, [3]*[Block]float32{&temporary[p*3], &temporary[p*3+1], &temporary[p*3+2]})
			for q := range v {
				*(*[Block]float32)(unsafe.Add(w.Points, (p*WinogradWindow+q)*w.Point+at)) = v[q]
			}
		}
	}
}

// winogradWeigh multiplies three weights by G; see WinogradNumbers.
func winogradWeigh(k *WinogradConstants, w [3]*[Block]float32) (g [WinogradWindow][Block]float32) {
	for c := range Block {
		evenA, oddA := k.gA[c]*w[0][c]+k.gAa2[c]*w[2][c], k.gAa[c]*w[1][c]
		evenB, oddB := k.gB[c]*w[0][c]+k.gBb2[c]*w[2][c], k.gBb[c]*w[1][c]
		g[0][c] = k.g0[c] * w[0][c]
		g[1][c], g[2][c] = evenA+oddA, evenA-oddA
		g[3][c], g[4][c] = evenB+oddB, evenB-oddB
		g[5][c] = w[2][c]
	}
	return g
}
