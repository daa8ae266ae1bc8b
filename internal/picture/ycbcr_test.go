package picture

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var ratios = []image.YCbCrSubsampleRatio{
	image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
	image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
}

func noise(ratio image.YCbCrSubsampleRatio, w, h int) *image.YCbCr {
	s := image.NewYCbCr(image.Rect(0, 0, w, h), ratio)
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	for _, plane := range [][]uint8{s.Y, s.Cb, s.Cr} {
		for i := range plane {
			plane[i] = uint8(r.UintN(256))
		}
	}
	return s
}

func TestChromaIsInterpolatedAsByHand(t *testing.T) {
	for _, c := range []struct {
		ratio image.YCbCrSubsampleRatio
		plane []uint8 // of 6x4 pixels
		y     int
		want  []uint8
	}{
		// (3*100+140+2)>>2 = 110, (3*140+100+1)>>2 = 130, ...
		{image.YCbCrSubsampleRatio422, []uint8{100, 140, 180, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0, []uint8{100, 110, 130, 150, 170, 180}},
		// Above the first row lies the first row itself.
		{image.YCbCrSubsampleRatio420, []uint8{100, 140, 180, 20, 60, 100}, 0, []uint8{100, 110, 130, 150, 170, 180}},
		// Sums down are 3*100+20 = 320, 480 and 640; (3*320+480+7)>>4 = 90, (3*480+320+8)>>4 = 110.
		{image.YCbCrSubsampleRatio420, []uint8{100, 140, 180, 20, 60, 100}, 1, []uint8{80, 90, 110, 130, 150, 160}},
		{image.YCbCrSubsampleRatio420, []uint8{100, 140, 180, 20, 60, 100}, 2, []uint8{40, 50, 70, 90, 110, 120}},
		// (3*10+21+2)>>2 = 13 for the lower row of the first sample, (3*21+10+1)>>2 = 18 for the upper of the second.
		{image.YCbCrSubsampleRatio440, []uint8{10, 10, 10, 10, 10, 10, 21, 21, 21, 21, 21, 21}, 1, []uint8{13, 13, 13, 13, 13, 13}},
		{image.YCbCrSubsampleRatio440, []uint8{10, 10, 10, 10, 10, 10, 21, 21, 21, 21, 21, 21}, 2, []uint8{18, 18, 18, 18, 18, 18}},
		{image.YCbCrSubsampleRatio411, []uint8{10, 20, 30, 40, 50, 60, 70, 80}, 1, []uint8{30, 30, 30, 30, 40, 40}},
	} {
		s := image.NewYCbCr(image.Rect(0, 0, 6, 4), c.ratio)
		got := make([]uint8, 6)
		chromaOf(s, c.y).row(got, c.plane, nil)
		if !slices.Equal(got, c.want) {
			t.Errorf("%v, row %d: %v, want %v", c.ratio, c.y, got, c.want)
		}
	}
}

func TestYCbCrIsConvertedAndRounded(t *testing.T) {
	for y := 0; y < 256; y += 5 {
		for cb := 0; cb < 256; cb += 17 {
			for cr := 0; cr < 256; cr += 17 {
				got := make([]uint8, 3)
				convertYCbCr(got, []uint8{uint8(y)}, []uint8{uint8(cb)}, []uint8{uint8(cr)})
				b, r := float64(cb-128), float64(cr-128)
				for i, want := range []float64{float64(y) + 1.402*r, float64(y) - 0.34414*b - 0.71414*r, float64(y) + 1.772*b} {
					if want = math.Max(0, math.Min(255, want)); math.Abs(float64(got[i])-want) > 0.502 {
						t.Fatalf("(%d, %d, %d): channel %d is %d, want %.3f", y, cb, cr, i, got[i], want)
					}
				}
			}
		}
	}
}

// Where chroma does not change, nothing is interpolated, and Go's own
// conversion differs by its rounding alone.
func TestEvenColoursAreThoseOfTheLibrary(t *testing.T) {
	for _, ratio := range ratios {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {3, 2}, {4, 5}, {19, 13}} {
			s := noise(ratio, size[0], size[1])
			for i := range s.Cb {
				s.Cb[i], s.Cr[i] = 90, 200
			}
			got := FromImage(s)
			for i := range size[0] * size[1] {
				want := color.RGBAModel.Convert(s.At(i%size[0], i/size[0])).(color.RGBA)
				for c, v := range []uint8{want.R, want.G, want.B} {
					if d := int(got.Pix[3*i+c]) - int(v); d < -1 || d > 1 {
						t.Fatalf("%v of %v: pixel %d is %v, want %v", ratio, size, i, got.Pix[3*i:3*i+3], want)
					}
				}
			}
		}
	}
}

func TestAPartOfAPictureIsThatPartOfThePicture(t *testing.T) {
	for _, ratio := range ratios {
		t.Run(fmt.Sprint(ratio), func(t *testing.T) {
			s := noise(ratio, 24, 20)
			whole := FromImage(s)
			for _, r := range []image.Rectangle{image.Rect(3, 5, 20, 17), image.Rect(4, 2, 23, 19), image.Rect(8, 8, 9, 9)} {
				part := FromImage(s.SubImage(r))
				// At the edges the whole picture has neighbours that the part lacks.
				for y := r.Min.Y + 2; y < r.Max.Y-2; y++ {
					for x := r.Min.X + 2; x < r.Max.X-2; x++ {
						got, want := part.Pix[3*((y-r.Min.Y)*part.W+x-r.Min.X):][:3], whole.Pix[3*(y*24+x):][:3]
						if !slices.Equal(got, want) {
							t.Fatalf("%v: pixel (%d, %d) is %v, want %v", r, x, y, got, want)
						}
					}
				}
			}
		})
	}
}

// fourColours is a lossy WebP of 32x32 pixels by libwebp: black, white, (200,
// 40, 60) and (30, 90, 220) in quarters.
const fourColours = "UklGRlgAAABXRUJQVlA4IEwAAAAQBACdASogACAAPm0skkWkIqGYBABABsSgCADBCeAfiB+KvIABJZILAAD+/qVu//PeQ/yXjf8/7Al//9gn0hOKIxP52kelRmJzK6AA"

func TestWebPsColoursAreThoseThatWentIn(t *testing.T) {
	data, err := base64.StdEncoding.DecodeString(fourColours)
	if err != nil {
		t.Fatal(err)
	}
	im, err := Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][3]int{{0, 0, 0}, {255, 255, 255}, {200, 40, 60}, {30, 90, 220}} {
		p := im.Pix[3*((8+i/2*16)*32+8+i%2*16):]
		for c, v := range want {
			if d := int(p[c]) - v; d < -2 || d > 2 {
				t.Errorf("colour %d is %v, want %v", i, p[:3], want)
			}
		}
	}
}
