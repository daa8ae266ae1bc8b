package picture

import (
	"fmt"
	"math"
	"slices"
)

// The values of data.interpolation.
const (
	Bilinear = "bilinear"
	Bicubic  = "bicubic"
	// BilinearTF1 is TensorFlow 1's tf.image.resize_bilinear with
	// align_corners=False: between the two nearest pixels however much the
	// picture shrinks, and with pixels' corners where others have their centres.
	BilinearTF1 = "bilinear-tf1"
)

// CheckInterpolation returns an error for what is not a value of
// data.interpolation.
func CheckInterpolation(name string) error {
	if _, ok := filters[name]; !ok {
		return fmt.Errorf("must be %s, %s or %s, is %q", Bilinear, Bicubic, BilinearTF1, name)
	}
	return nil
}

// Box is a part of a picture in pixels.
type Box struct{ X, Y, W, H float64 }

// Resampler scales pictures. It keeps its memory from one to the next and is
// not safe for concurrent use; the zero value is ready.
type Resampler struct {
	columns, rows taps
	middle, out   []uint8
}

// Resample scales the part from of im to size by size pixels, and returns
// them, [size][size][3], which the next call overwrites. The interpolation is a
// value of data.interpolation.
func (r *Resampler) Resample(im Image, from Box, size int, interpolation string) []uint8 {
	return r.resample(im, from, full(size), filters[interpolation])
}

// window is a part of an output picture of w by h pixels that is computed:
// size by size from (x, y).
type window struct{ w, h, x, y, size int }

// full returns the whole of an output of size by size pixels.
func full(size int) window { return window{w: size, h: size, size: size} }

// resample scales the part from of im to the window to, and returns the
// window's pixels, [size][size][3], which the next call overwrites. It filters
// over all pixels that an output pixel covers, in fixed point with 8 bits
// between the two passes, as Pillow's Image.resize does.
func (r *Resampler) resample(im Image, from Box, to window, f filter) []uint8 {
	return r.scale(im, from, to, to.size, to.size, f)
}

// scale is resample for a window of the given width and height.
func (r *Resampler) scale(im Image, from Box, to window, width, height int, f filter) []uint8 {
	r.columns.set(from.X, from.W/float64(to.w), im.W, to.x, width, f)
	r.rows.set(from.Y, from.H/float64(to.h), im.H, to.y, height, f)
	top, bottom := r.rows.span()
	stride := 3 * width
	r.middle = grown(r.middle, (bottom-top)*stride)
	for y := top; y < bottom; y++ {
		r.columns.across(r.middle[(y-top)*stride:][:stride], im.Pix[3*y*im.W:][:3*im.W])
	}
	r.out = grown(r.out, height*stride)
	for y := range height {
		r.rows.down(r.out[y*stride:][:stride], r.middle, y, top)
	}
	return r.out
}

// grown returns n bytes, in b where they have room.
func grown(b []uint8, n int) []uint8 { return slices.Grow(b[:0], n)[:n] }

// filter is a resampling filter: zero at and beyond its support.
type filter struct {
	support float64
	at      func(x float64) float64
	tf1     bool // as BilinearTF1 is
}

// filters are Pillow's, a triangle and Keys' cubic with a = -0.5, and
// TensorFlow 1's.
var filters = map[string]filter{
	Bilinear:    {support: 1, at: triangle},
	BilinearTF1: {support: 1, at: triangle, tf1: true},
	Bicubic: {support: 2, at: func(x float64) float64 {
		const a = -0.5
		switch x = math.Abs(x); {
		case x < 1:
			return ((a+2)*x-(a+3))*x*x + 1
		case x < 2:
			return (((x-5)*x+8)*x - 4) * a
		}
		return 0
	}},
}

func triangle(x float64) float64 { return max(0, 1-math.Abs(x)) }

// stretch returns how much wider the filter is where an output covers scale
// inputs.
func (f filter) stretch(scale float64) float64 {
	if f.tf1 {
		return 1
	}
	return max(scale, 1)
}

// center returns where among inputs output i lies.
func (f filter) center(i int, scale float64) float64 {
	if f.tf1 {
		return float64(i)*scale + 0.5
	}
	return (float64(i) + 0.5) * scale
}

// taps are the weights of the input pixels for each output pixel along one
// direction, in fixed point.
type taps struct {
	first  []int
	weight [][]int32
	store  []int32
	exact  []float64
	sums   []uint32

	positive bool // no weight is negative
}

const fixedBits = 22

// set computes the taps of outputs begin to begin+count; an output covers
// scale inputs, the first from position start.
func (t *taps) set(start, scale float64, inputs, begin, count int, f filter) {
	stretch := f.stretch(scale)
	support := f.support * stretch
	most := int(math.Ceil(support))*2 + 1
	if cap(t.store) < count*most {
		t.store = make([]int32, count*most)
	}
	t.first, t.weight, t.positive = t.first[:0], t.weight[:0], true
	for i := range count {
		center := start + f.center(begin+i, scale)
		low := max(0, int(center-support+0.5))
		high := min(inputs, int(center+support+0.5))
		t.exact = t.exact[:0]
		sum := 0.0
		for x := low; x < high; x++ {
			w := f.at((float64(x) - center + 0.5) / stretch)
			t.exact = append(t.exact, w)
			sum += w
		}
		weight := t.store[i*most : i*most+len(t.exact)]
		for j, w := range t.exact {
			weight[j] = int32(math.Round(w / sum * (1 << fixedBits)))
			t.positive = t.positive && weight[j] >= 0
		}
		t.first = append(t.first, low)
		t.weight = append(t.weight, weight)
	}
}

// span returns the inputs that are used, from the first to behind the last.
func (t *taps) span() (first, end int) {
	last := len(t.first) - 1
	first, end = t.first[0], 0
	for i := range last + 1 {
		first = min(first, t.first[i])
		end = max(end, t.first[i]+len(t.weight[i]))
	}
	return first, end
}

// across filters one row.
func (t *taps) across(out, in []uint8) {
	const half = 1 << (fixedBits - 1)
	if t.positive {
		t.acrossPositive(out, in)
		return
	}
	for i, weight := range t.weight {
		p := in[3*t.first[i]:]
		r, g, b := int32(half), int32(half), int32(half)
		for _, w := range weight {
			r += w * int32(p[0])
			g += w * int32(p[1])
			b += w * int32(p[2])
			p = p[3:]
		}
		out[3*i], out[3*i+1], out[3*i+2] = clamp(r>>fixedBits), clamp(g>>fixedBits), clamp(b>>fixedBits)
	}
}

// acrossPositive is across for weights that are not negative: no sum leaves 32
// bits, so that two fit in a number, and none needs a bound.
func (t *taps) acrossPositive(out, in []uint8) {
	const half = 1 << (fixedBits - 1)
	for i, weight := range t.weight {
		p := in[3*t.first[i]:]
		p = p[:3*len(weight)]
		rg, b := uint64(half|half<<32), uint32(half)
		for j, w := range weight {
			v := p[3*j : 3*j+3 : 3*j+3]
			rg += uint64(w) * (uint64(v[0]) | uint64(v[1])<<32)
			b += uint32(w) * uint32(v[2])
		}
		o := out[3*i : 3*i+3 : 3*i+3]
		o[0], o[1], o[2] = uint8(rg>>fixedBits), uint8(rg>>(32+fixedBits)), uint8(b>>fixedBits)
	}
}

// down filters output row y out of rows that begin with input row top.
func (t *taps) down(out, rows []uint8, y, top int) {
	const half = 1 << (fixedBits - 1)
	first, weight := t.first[y]-top, t.weight[y]
	if t.positive {
		t.downPositive(out, rows[first*len(out):], weight)
		return
	}
	for i := range out {
		sum := int32(half)
		at := first*len(out) + i
		for _, w := range weight {
			sum += w * int32(rows[at])
			at += len(out)
		}
		out[i] = clamp(sum >> fixedBits)
	}
}

// downPositive is down for weights that are not negative: row by row, in the
// order of memory, and in pairs of rows.
func (t *taps) downPositive(out, rows []uint8, weight []int32) {
	const half = 1 << (fixedBits - 1)
	n := len(out)
	row := func(j int) []uint8 { return rows[j*n:][:n] }
	switch len(weight) {
	case 0:
		clear(out)
		return
	case 1:
		copy(out, row(0)) // its weight is 1
		return
	case 2:
		w0, w1, below := uint32(weight[0]), uint32(weight[1]), row(1)
		for i, v := range row(0) {
			out[i] = uint8((w0*uint32(v) + w1*uint32(below[i]) + half) >> fixedBits)
		}
		return
	}
	t.sums = slices.Grow(t.sums[:0], n)[:n]
	sums, w0, w1, below := t.sums, uint32(weight[0]), uint32(weight[1]), row(1)
	for i, v := range row(0) {
		sums[i] = w0*uint32(v) + w1*uint32(below[i]) + half
	}
	j := 2
	for ; j+2 < len(weight); j += 2 {
		w0, w1, below := uint32(weight[j]), uint32(weight[j+1]), row(j+1)
		for i, v := range row(j) {
			sums[i] += w0*uint32(v) + w1*uint32(below[i])
		}
	}
	w0, w1, below = uint32(weight[j]), 0, row(j)
	if j+1 < len(weight) {
		w1, below = uint32(weight[j+1]), row(j+1)
	}
	for i, v := range row(j) {
		out[i] = uint8((sums[i] + w0*uint32(v) + w1*uint32(below[i])) >> fixedBits)
	}
}

func clamp(v int32) uint8 { return uint8(max(0, min(255, v))) }
