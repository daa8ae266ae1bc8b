package kernel

// Window is the geometry of a convolution or a pool: its size, the step from
// one position to the next, and the padding around the input.
type Window struct {
	R, S             int // height and width
	StrideH, StrideW int
	PadH, PadW       int // on both sides
	MoreH, MoreW     int // further padding below and to the right
}

// Square returns the window of size x size with one stride and padding.
func Square(size, stride, pad int) Window {
	return Window{R: size, S: size, StrideH: stride, StrideW: stride, PadH: pad, PadW: pad}
}

// Same returns the window with TensorFlow's SAME padding for an h x w input: an
// output for every stride-th pixel, and the larger half of an odd padding below
// and to the right.
func (v Window) Same(h, w int) Window {
	v.PadH, v.MoreH = samePadding(h, v.R, v.StrideH)
	v.PadW, v.MoreW = samePadding(w, v.S, v.StrideW)
	return v
}

func samePadding(size, window, stride int) (pad, more int) {
	all := max(0, (size-1)/stride*stride+window-size)
	return all / 2, all % 2
}

// Out returns the size of the output for an h x w input; 0 by 0 if the window
// does not fit.
func (v Window) Out(h, w int) (oh, ow int) {
	oh, ow = h+2*v.PadH+v.MoreH-v.R, w+2*v.PadW+v.MoreW-v.S
	if oh < 0 || ow < 0 {
		return 0, 0
	}
	return oh/v.StrideH + 1, ow/v.StrideW + 1
}

// valid reports whether the window has a size and a stride, and no negative
// padding.
func (v Window) valid() bool {
	return v.R >= 1 && v.S >= 1 && v.StrideH >= 1 && v.StrideW >= 1 && min(v.PadH, v.PadW, v.MoreH, v.MoreW) >= 0
}
