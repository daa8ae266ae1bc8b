package picture

import (
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
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
	im, err := decode(data)
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
