package picture

import "testing"

func TestThumbnailsKeepTheShapeAndNeverGrow(t *testing.T) {
	for _, c := range []struct{ w, h, high, wantW, wantH int }{
		{40, 30, 30, 40, 30}, // fits
		{10, 8, 100, 10, 8},  // is not enlarged
		{400, 300, 30, 40, 30},
		{300, 400, 40, 30, 40},
		{4000, 10, 50, 200, 1}, // at most four times as wide as high, never without a row
		{10, 4000, 50, 1, 50},
	} {
		im := New(c.w, c.h)
		for i := range im.Pix {
			im.Pix[i] = []uint8{200, 100, 50}[i%3]
		}
		got := im.Thumbnail(c.high)
		if got.W != c.wantW || got.H != c.wantH || len(got.Pix) != 3*got.W*got.H {
			t.Errorf("%dx%d at %d high is %dx%d, want %dx%d", c.w, c.h, c.high, got.W, got.H, c.wantW, c.wantH)
			continue
		}
		for i, v := range got.Pix {
			if want := []uint8{200, 100, 50}[i%3]; v != want {
				t.Fatalf("%dx%d: value %d is %d, want %d", c.w, c.h, i, v, want)
			}
		}
	}
}
