package kernel

// dim is one direction of a product: its output positions 0 to count-1, and for
// each tap the input coordinate that a position reads.
type dim struct {
	count      int // output positions
	first, gap int // output coordinate of position i is first + gap*i
	step       int // input coordinates from one position to the next
	size       int // input coordinates
	taps       []tap

	// Bytes from one coordinate to the next, of the output and the input.
	outBytes, inBytes int
}

// tap is one weight along a dim: its offset among the weights, in bytes, and
// the input coordinate that output position 0 reads, which may be outside.
type tap struct {
	weight, start int
}

// whole is the dim whose positions read themselves, as for images.
func wholeDim(count int) dim {
	return dim{count: count, gap: 1, step: 1, size: count, taps: []tap{{}}}
}

// forwardDim reads input coordinate stride*i + r - pad at position i.
func forwardDim(count, size, taps, stride, pad int) dim {
	d := dim{count: count, gap: 1, step: stride, size: size, taps: make([]tap, taps)}
	for r := range d.taps {
		d.taps[r] = tap{weight: r, start: r - pad}
	}
	return d
}

// backwardDim is the phase of the input coordinates phase + stride*i, which are
// now the output: only the taps with the right remainder read them, and tap r
// finds them at coordinate i + (phase+pad-r)/stride of dy.
func backwardDim(count, size, taps, stride, pad, phase int) dim {
	d := dim{count: (count - phase + stride - 1) / stride, first: phase, gap: stride, step: 1, size: size}
	for r := range taps {
		if (phase+pad-r)%stride == 0 {
			d.taps = append(d.taps, tap{weight: r, start: (phase + pad - r) / stride})
		}
	}
	return d
}

// inside returns the positions within [from, to) whose input for tap t exists.
func (d *dim) inside(t, from, to int) (lo, hi int) {
	start := d.taps[t].start
	lo, hi = from, to
	if start < 0 {
		lo = max(lo, (-start+d.step-1)/d.step)
	}
	if left := d.size - start; left > 0 {
		hi = min(hi, (left+d.step-1)/d.step)
	} else {
		hi = lo
	}
	return lo, max(lo, hi)
}

// full returns the range of taps whose input exists at all positions
// [from, to). Starts grow or shrink along the taps, so it is one range.
func (d *dim) full(from, to int) (first, end int) {
	for first < len(d.taps) && !d.has(first, from, to) {
		first++
	}
	end = first
	for end < len(d.taps) && d.has(end, from, to) {
		end++
	}
	return first, end
}

func (d *dim) has(t, from, to int) bool {
	lo, hi := d.inside(t, from, to)
	return lo == from && hi == to
}

// plain reports whether the dim reads exactly its own positions, so that it can
// be joined with another one into a longer row.
func (d *dim) plain() bool {
	return len(d.taps) == 1 && d.taps[0].start == 0 && d.step == 1 && d.gap == 1 && d.count == d.size
}

// padded reports whether some tap of some position falls outside the input.
func (d *dim) padded() bool {
	first, end := d.full(0, d.count)
	return end-first < len(d.taps)
}

// input returns the input byte offset that tap t of position i reads.
func (d *dim) input(t, i int) int { return (d.taps[t].start + d.step*i) * d.inBytes }

// output returns the output byte offset of position i.
func (d *dim) output(i int) int { return (d.first + d.gap*i) * d.outBytes }
