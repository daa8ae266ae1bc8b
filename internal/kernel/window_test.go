package kernel

import "testing"

// The paddings are what tensorflow.nn.conv2d documents for padding="SAME".
func TestSamePadding(t *testing.T) {
	for _, c := range []struct{ size, window, stride, pad, more, out int }{
		{224, 7, 2, 2, 1, 112},
		{225, 7, 2, 3, 0, 113},
		{112, 3, 2, 0, 1, 56},
		{7, 3, 2, 1, 0, 4},
		{14, 3, 1, 1, 0, 14},
		{14, 1, 1, 0, 0, 14},
		{5, 1, 2, 0, 0, 3},
		{1, 3, 2, 1, 0, 1},
	} {
		v := Square(c.window, c.stride, 0).Same(c.size, c.size)
		out, _ := v.Out(c.size, c.size)
		if v.PadH != c.pad || v.MoreH != c.more || v.PadW != c.pad || v.MoreW != c.more || out != c.out {
			t.Errorf("%+v gives %+v, output %d", c, v, out)
		}
	}
}

// A window that does not fit has no output, whatever its stride and whether or
// not it may extend beyond the edge.
func TestWindowThatDoesNotFit(t *testing.T) {
	for _, p := range []Pool{
		{Window: Square(3, 2, 0)},
		{Window: Square(3, 2, 0), CeilMode: true},
		{Window: Window{R: 1, S: 3, StrideH: 1, StrideW: 2}},
	} {
		if oh, ow := p.Out(2, 2); oh != 0 || ow != 0 {
			t.Errorf("%+v over 2x2 gives %dx%d", p, oh, ow)
		}
	}
	if oh, ow := (Conv{C: 16, K: 16, Window: Square(5, 3, 1)}).Out(2, 9); oh != 0 || ow != 0 {
		t.Errorf("a 5x5 window over 4x11 with its padding gives %dx%d", oh, ow)
	}
}
