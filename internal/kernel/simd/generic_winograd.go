package simd

import "unsafe"

// pixelType is how a precision's pixels lie in memory.
type pixelType struct {
	bytes int
	load  func(from unsafe.Pointer) [Block]float32
	store func(to unsafe.Pointer, value *[Block]float32)
}

var (
	floatPixels = pixelType{
		PixelBytes,
		func(from unsafe.Pointer) [Block]float32 { return *(*[Block]float32)(from) },
		func(to unsafe.Pointer, value *[Block]float32) { *(*[Block]float32)(to) = *value },
	}
	bf16Pixels = pixelType{
		Block * bf16Bytes,
		func(from unsafe.Pointer) (value [Block]float32) {
			for c, half := range (*[Block]uint16)(from) {
				value[c] = Float32(half)
			}
			return value
		},
		func(to unsafe.Pointer, value *[Block]float32) { roundBF16Generic((*[Block]uint16)(to)[:], value[:]) },
	}
)

func winogradInGeneric(w *WinogradInArgs)       { winogradInOf(&floatPixels, &floatPixels, F4, w) }
func winogradInBF16Generic(w *WinogradInArgs)   { winogradInOf(&bf16Pixels, &bf16Pixels, F3, w) }
func winogradOutGeneric(w *WinogradOutArgs)     { winogradOutOf(&floatPixels, F4, w) }
func winogradOutBF16Generic(w *WinogradOutArgs) { winogradOutOf(&bf16Pixels, F3, w) }

func winogradWeightsGeneric(w *WinogradWeightsArgs)     { winogradWeightsOf(F4, w) }
func winogradWeightsBF16Generic(w *WinogradWeightsArgs) { winogradWeightsOf(F3, w) }

// Gradients of weights in bf16 are float32's from the points on.
func winogradInWidenedGeneric(w *WinogradInArgs)      { winogradInOf(&bf16Pixels, &floatPixels, F4, w) }
func winogradOutBackGeneric(w *WinogradInArgs)        { winogradOutBackOf(&floatPixels, w) }
func winogradOutBackWidenedGeneric(w *WinogradInArgs) { winogradOutBackOf(&bf16Pixels, w) }

func winogradInOf(p, point *pixelType, f *Algorithm, w *WinogradInArgs) {
	temporary := unsafe.Slice((*[Block]float32)(w.Temporary), f.Points())
	for t := range w.Tiles {
		x, points := unsafe.Add(w.X, t*f.Output*p.bytes), unsafe.Add(w.Points, t*point.bytes)
		for j := range f.Window {
			v := f.inward(w.Constants, func(i int) [Block]float32 { return p.load(unsafe.Add(x, i*w.Row+j*p.bytes)) })
			for i := range f.Window {
				temporary[i*f.Window+j] = v[i]
			}
		}
		for i := range f.Window {
			v := f.inward(w.Constants, func(j int) [Block]float32 { return temporary[i*f.Window+j] })
			for j := range f.Window {
				point.store(unsafe.Add(points, (i*f.Window+j)*w.Point), &v[j])
			}
		}
	}
}

// The largest window and tile of an Algorithm.
const (
	largestWindow = 6
	largestOutput = largestWindow - 2
)

// inward multiplies the values of a window's row or column by B'. Here and below,
// explicit conversions prevent fused multiply-adds, which bf16 does without.
func (f *Algorithm) inward(k *WinogradConstants, load func(i int) [Block]float32) (t [largestWindow][Block]float32) {
	var d [largestWindow][Block]float32
	for i := range f.Window {
		d[i] = load(i)
	}
	for c := range Block {
		d0, d1, d2, d3, d4, d5 := d[0][c], d[1][c], d[2][c], d[3][c], d[4][c], d[5][c]
		oddA, evenA := d3-float32(k.b2[c]*d1), d4-float32(k.b2[c]*d2)
		oddB, evenB := d3-float32(k.a2[c]*d1), d4-float32(k.a2[c]*d2)
		t[0][c] = d4 - float32(k.sum[c]*d2) + float32(k.product[c]*d0)
		t[1][c], t[2][c] = evenA+float32(k.a[c]*oddA), evenA-float32(k.a[c]*oddA)
		t[3][c], t[4][c] = evenB+float32(k.b[c]*oddB), evenB-float32(k.b[c]*oddB)
		t[5][c] = d5 - float32(k.sum[c]*d3) + float32(k.product[c]*d1)
	}
	return t
}

func winogradOutOf(p *pixelType, f *Algorithm, w *WinogradOutArgs) {
	temporary := unsafe.Slice((*[Block]float32)(w.Temporary), f.Window*f.Output)
	bias, least := (*[Block]float32)(w.Bias), (*[Block]float32)(w.Least)
	for t := range w.Tiles {
		y, points := unsafe.Add(w.Y, t*f.Output*p.bytes), unsafe.Add(w.Points, t*PixelBytes)
		for i := range f.Window {
			v := f.outward(w.Constants, func(j int) *[Block]float32 {
				return (*[Block]float32)(unsafe.Add(points, (i*f.Window+j)*w.Point))
			})
			for j := range f.Output {
				temporary[i*f.Output+j] = v[j]
			}
		}
		for j := range f.Output {
			values := f.outward(w.Constants, func(i int) *[Block]float32 { return &temporary[i*f.Output+j] })
			for i := range f.Output {
				v := &values[i]
				for c := range v {
					v[c] += bias[c]
					if v[c] < least[c] {
						v[c] = least[c]
					}
				}
				p.store(unsafe.Add(y, i*w.Row+j*p.bytes), v)
			}
		}
	}
}

// outward multiplies the values of a row or column of points by A'.
func (f *Algorithm) outward(k *WinogradConstants, load func(i int) *[Block]float32) (y [largestOutput][Block]float32) {
	var infinity [Block]float32
	if f.Window == largestWindow {
		infinity = *load(largestWindow - 1)
	}
	m := [5]*[Block]float32{load(0), load(1), load(2), load(3), load(4)}
	for c := range Block {
		sumA, differenceA := m[1][c]+m[2][c], m[1][c]-m[2][c]
		sumB, differenceB := m[3][c]+m[4][c], m[3][c]-m[4][c]
		y[0][c] = m[0][c] + sumA + sumB
		y[1][c] = float32(k.a[c]*differenceA) + float32(k.b[c]*differenceB)
		y[2][c] = float32(k.a2[c]*sumA) + float32(k.b2[c]*sumB)
		y[3][c] = infinity[c] + float32(k.a3[c]*differenceA) + float32(k.b3[c]*differenceB)
	}
	return y
}

func winogradWeightsOf(f *Algorithm, w *WinogradWeightsArgs) {
	temporary := unsafe.Slice((*[Block]float32)(w.Temporary), 3*f.Window)
	for row := range Block {
		at := row * PixelBytes
		for s := range 3 {
			v := weigh(w.Constants, func(r int) *[Block]float32 { return (*[Block]float32)(unsafe.Add(w.W, (r*3+s)*w.Tap+at)) })
			for p := range f.Window {
				temporary[p*3+s] = v[p]
			}
		}
		for p := range f.Window {
			v := weigh(w.Constants, func(s int) *[Block]float32 { return &temporary[p*3+s] })
			for q := range f.Window {
				*(*[Block]float32)(unsafe.Add(w.Points, (p*f.Window+q)*w.Point+at)) = v[q]
			}
		}
	}
}

// weigh multiplies three weights by G.
func weigh(k *WinogradConstants, load func(i int) *[Block]float32) (g [largestWindow][Block]float32) {
	w := [3]*[Block]float32{load(0), load(1), load(2)}
	for c := range Block {
		evenA, oddA := float32(k.gA[c]*w[0][c])+float32(k.gAa2[c]*w[2][c]), float32(k.gAa[c]*w[1][c])
		evenB, oddB := float32(k.gB[c]*w[0][c])+float32(k.gBb2[c]*w[2][c]), float32(k.gBb[c]*w[1][c])
		g[0][c] = k.g0[c] * w[0][c]
		g[1][c], g[2][c] = evenA+oddA, evenA-oddA
		g[3][c], g[4][c] = evenB+oddB, evenB-oddB
		g[5][c] = w[2][c]
	}
	return g
}

// winogradOutBackOf transforms tiles of F(4x4, 3x3).
func winogradOutBackOf(p *pixelType, w *WinogradInArgs) {
	f := F4
	temporary := unsafe.Slice((*[Block]float32)(w.Temporary), f.Window*f.Output)
	for t := range w.Tiles {
		x, points := unsafe.Add(w.X, t*f.Output*p.bytes), unsafe.Add(w.Points, t*PixelBytes)
		for j := range f.Output {
			v := outwardBack(w.Constants, func(i int) [Block]float32 { return p.load(unsafe.Add(x, i*w.Row+j*p.bytes)) })
			for i := range f.Window {
				temporary[i*f.Output+j] = v[i]
			}
		}
		for i := range f.Window {
			v := outwardBack(w.Constants, func(j int) [Block]float32 { return temporary[i*f.Output+j] })
			for j := range f.Window {
				*(*[Block]float32)(unsafe.Add(points, (i*f.Window+j)*w.Point)) = v[j]
			}
		}
	}
}

// outwardBack multiplies the values of a tile's row or column by A.
func outwardBack(k *WinogradConstants, load func(i int) [Block]float32) (t [largestWindow][Block]float32) {
	d := [largestOutput][Block]float32{load(0), load(1), load(2), load(3)}
	for c := range Block {
		evenA, oddA := d[0][c]+k.a2[c]*d[2][c], d[1][c]+k.a2[c]*d[3][c]
		evenB, oddB := d[0][c]+k.b2[c]*d[2][c], d[1][c]+k.b2[c]*d[3][c]
		t[0][c] = d[0][c]
		t[1][c], t[2][c] = evenA+k.a[c]*oddA, evenA-k.a[c]*oddA
		t[3][c], t[4][c] = evenB+k.b[c]*oddB, evenB-k.b[c]*oddB
		t[5][c] = d[3][c]
	}
	return t
}

// winogradWeightsBackGeneric makes gradients of kernels of F(4x4, 3x3).
func winogradWeightsBackGeneric(w *WinogradWeightsArgs) {
	f := F4
	temporary := unsafe.Slice((*[Block]float32)(w.Temporary), 3*f.Window)
	for row := range Block {
		at := row * PixelBytes
		for p := range f.Window {
			v := weighBack(w.Constants, func(q int) *[Block]float32 {
				return (*[Block]float32)(unsafe.Add(w.Points, (p*f.Window+q)*w.Point+at))
			})
			for s := range v {
				temporary[p*3+s] = v[s]
			}
		}
		for s := range 3 {
			v := weighBack(w.Constants, func(p int) *[Block]float32 { return &temporary[p*3+s] })
			for r := range v {
				*(*[Block]float32)(unsafe.Add(w.W, (r*3+s)*w.Tap+at)) = v[r]
			}
		}
	}
}

// weighBack multiplies the points of a row or column by G'.
func weighBack(k *WinogradConstants, load func(i int) *[Block]float32) (w [3][Block]float32) {
	m := [largestWindow]*[Block]float32{load(0), load(1), load(2), load(3), load(4), load(5)}
	for c := range Block {
		sumA, differenceA := m[1][c]+m[2][c], m[1][c]-m[2][c]
		sumB, differenceB := m[3][c]+m[4][c], m[3][c]-m[4][c]
		w[0][c] = k.g0[c]*m[0][c] + k.gA[c]*sumA + k.gB[c]*sumB
		w[1][c] = k.gAa[c]*differenceA + k.gBb[c]*differenceB
		w[2][c] = m[5][c] + k.gAa2[c]*sumA + k.gBb2[c]*sumB
	}
	return w
}
