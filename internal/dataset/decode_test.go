package dataset

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
)

// picture draws red above blue with a white column on the left.
func picture(to draw.Image) draw.Image {
	b := to.Bounds()
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.RGBA{255, 0, 0, 255}
			switch {
			case x == 0:
				c = color.RGBA{255, 255, 255, 255}
			case y >= b.Dy()/2:
				c = color.RGBA{0, 0, 255, 255}
			}
			to.Set(b.Min.X+x, b.Min.Y+y, c)
		}
	}
	return to
}

func encode(t testing.TB, im image.Image, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	err := map[string]func() error{
		"png":  func() error { return png.Encode(&b, im) },
		"gif":  func() error { return gif.Encode(&b, im, nil) },
		"bmp":  func() error { return bmp.Encode(&b, im) },
		"jpeg": func() error { return jpeg.Encode(&b, im, &jpeg.Options{Quality: 100}) },
	}[format]()
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestDecodeGivesRGBWhateverTheFormat(t *testing.T) {
	rect := image.Rect(0, 0, 6, 4)
	for name, data := range map[string][]byte{
		"png":            encode(t, picture(image.NewRGBA(rect)), "png"),
		"png 16 bit":     encode(t, picture(image.NewRGBA64(rect)), "png"),
		"png, no origin": encode(t, picture(image.NewNRGBA(image.Rect(3, 5, 9, 9))), "png"),
		"palette":        encode(t, picture(image.NewPaletted(rect, palette.WebSafe)), "png"),
		"gif":            encode(t, picture(image.NewPaletted(rect, palette.WebSafe)), "gif"),
		"bmp":            encode(t, picture(image.NewRGBA(rect)), "bmp"),
	} {
		im, err := Decode(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if im.W != 6 || im.H != 4 || im.check() != nil {
			t.Errorf("%s: %dx%d, %d bytes", name, im.W, im.H, len(im.Pix))
			continue
		}
		for at, want := range map[[2]int][3]uint8{{0, 0}: {255, 255, 255}, {3, 0}: {255, 0, 0}, {5, 3}: {0, 0, 255}} {
			if got := [3]uint8(im.Pix[3*(at[1]*6+at[0]):]); got != want {
				t.Errorf("%s: pixel %v is %v, want %v", name, at, got, want)
			}
		}
	}
}

func TestDecodeOfJPEGGreyCMYKAndAlpha(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 8, 8))
	deep := image.NewGray16(image.Rect(0, 0, 8, 8))
	clear := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	cmyk := image.NewCMYK(image.Rect(0, 0, 8, 8))
	for i := range 64 {
		grey.Pix[i] = 100
		deep.SetGray16(i%8, i/8, color.Gray16{100<<8 | 77})
		clear.SetNRGBA(i%8, i/8, color.NRGBA{0, 0, 0, 155}) // black over white
		cmyk.SetCMYK(i%8, i/8, color.CMYK{0, 0, 0, 155})
	}
	for name, data := range map[string][]byte{
		"grey jpeg": encode(t, grey, "jpeg"), "16-bit grey": encode(t, deep, "png"), "alpha": encode(t, clear, "png"),
	} {
		im, err := Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, v := range im.Pix {
			if v < 99 || v > 101 {
				t.Fatalf("%s: byte %d is %d, want 100", name, i, v)
			}
		}
	}
	if im := toRGB(cmyk); im.Pix[0] != 100 || im.Pix[100] != 100 {
		t.Errorf("CMYK gives %v, want 100", im.Pix[:3])
	}
}

// withOrientation puts an EXIF segment behind a JPEG's first marker.
func withOrientation(data []byte, orientation uint16) []byte {
	exif := []byte("Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	exif = binary.BigEndian.AppendUint16(exif, orientation)
	exif = append(exif, 0, 0, 0, 0, 0, 0)
	out := append([]byte{}, data[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(exif)+2))
	return append(append(out, exif...), data[2:]...)
}

func TestDecodeTurnsAsEXIFAsks(t *testing.T) {
	// Bright in the upper left quarter only; where it is to be seen:
	corner := map[uint16]string{1: "upper left", 2: "upper right", 3: "lower right", 4: "lower left", 5: "upper left", 6: "upper right", 7: "lower right", 8: "lower left"}
	im := image.NewGray(image.Rect(0, 0, 32, 16))
	for y := range 8 {
		for x := range 16 {
			im.SetGray(x, y, color.Gray{255})
		}
	}
	data := encode(t, im, "jpeg")
	for orientation, want := range corner {
		got, err := Decode(bytes.NewReader(withOrientation(data, orientation)))
		if err != nil {
			t.Fatal(err)
		}
		if upright := got.W == 32; upright != (orientation < 5) {
			t.Errorf("orientation %d is %dx%d", orientation, got.W, got.H)
		}
		for name, at := range map[string][2]int{"upper left": {1, 1}, "upper right": {3, 1}, "lower left": {1, 3}, "lower right": {3, 3}} {
			bright := got.Pix[3*(at[1]*got.H/4*got.W+at[0]*got.W/4)] > 128
			if bright != (name == want) {
				t.Errorf("orientation %d: %s is bright: %t, want the light in the %s", orientation, name, bright, want)
			}
		}
	}
	for _, wrong := range []uint16{0, 9, 65535} {
		if _, err := Decode(bytes.NewReader(withOrientation(data, wrong))); err != nil {
			t.Errorf("orientation %d: %v", wrong, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := encode(t, picture(image.NewRGBA(image.Rect(0, 0, 64, 64))), "png")
	bomb := append([]byte{}, whole...)
	binary.BigEndian.PutUint32(bomb[16:], 1<<20) // the header's width; its checksum is wrong then, too
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hello, this is text"), "cut off": whole[:len(whole)/2], "a huge header": bomb,
	} {
		if _, err := Decode(bytes.NewReader(data)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	huge := fmt.Sprintf("BM%s", strings.Repeat("\x00", 12)) + "\x28\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\x00\x18\x00" + strings.Repeat("\x00", 24)
	if _, err := Decode(strings.NewReader(huge)); err == nil {
		t.Error("a BMP of 2^62 pixels is read")
	}
}

func FuzzDecode(f *testing.F) {
	small := picture(image.NewRGBA(image.Rect(0, 0, 5, 3)))
	for _, format := range []string{"png", "gif", "bmp", "jpeg"} {
		f.Add(encode(f, small, format))
	}
	f.Add(withOrientation(encode(f, small, "jpeg"), 6))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := Decode(bytes.NewReader(data))
		if err == nil && im.check() != nil {
			t.Error(im.check())
		}
	})
}
