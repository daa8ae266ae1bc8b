package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
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

func decode(data []byte) (Image, error) { return NewDecoder(DefaultLimits()).Decode(data) }

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
		im, err := decode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if im.W != 6 || im.H != 4 || im.Validate() != nil {
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

func TestAPictureThatEndsEarlyIsNotTheEndOfAll(t *testing.T) {
	for _, format := range []string{"bmp", "png", "gif", "jpeg"} {
		whole := encode(t, picture(image.NewRGBA(image.Rect(0, 0, 6, 4))), format)
		for n := range whole {
			if _, err := decode(whole[:n]); errors.Is(err, io.EOF) {
				t.Fatalf("%s cut to %d bytes: the error wraps io.EOF: %v", format, n, err)
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
		im, err := decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, v := range im.Pix {
			if v < 99 || v > 101 {
				t.Fatalf("%s: byte %d is %d, want 100", name, i, v)
			}
		}
	}
	if im := FromImage(cmyk); im.Pix[0] != 100 || im.Pix[100] != 100 {
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
		got, err := decode(withOrientation(data, orientation))
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
		if _, err := decode(withOrientation(data, wrong)); err != nil {
			t.Errorf("orientation %d: %v", wrong, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := encode(t, picture(image.NewRGBA(image.Rect(0, 0, 64, 64))), "png")
	bomb := append([]byte{}, whole...)
	binary.BigEndian.PutUint32(bomb[16:], 1<<20) // the header's width; its checksum is wrong then, too
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hello, this is text"), "without data": whole[:40], "a huge header": bomb,
	} {
		if _, err := decode(data); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	huge := fmt.Sprintf("BM%s", strings.Repeat("\x00", 12)) + "\x28\x00\x00\x00\xff\xff\xff\x7f\xff\xff\xff\x7f\x01\x00\x18\x00" + strings.Repeat("\x00", 24)
	if _, err := decode([]byte(huge)); err == nil {
		t.Error("a BMP of 2^62 pixels is read")
	}
}

// pngOf is the beginning of a PNG that claims a size, with a right checksum.
func pngOf(w, h uint32) []byte {
	head := binary.BigEndian.AppendUint32([]byte("IHDR"), w)
	head = append(binary.BigEndian.AppendUint32(head, h), 8, 2, 0, 0, 0)
	out := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(head))
}

func TestDecodeRefusesClaimsOfTooManyPixelsBeforeReadingThem(t *testing.T) {
	bmpHead := "BM" + strings.Repeat("\x00", 8) + "\x36\x00\x00\x00\x28\x00\x00\x00\x00\x00\x10\x00\x00\x00\x10\x00\x01\x00\x18\x00" + strings.Repeat("\x00", 24)
	for name, data := range map[string][]byte{
		"png, wide":         pngOf(1<<30, 1),
		"png, both":         pngOf(1<<16, 1<<16),
		"png, a row beyond": pngOf(1<<20, 257),
		"gif":               []byte("GIF89a\xff\xff\xff\xff\x00\x00\x00\x2c\x00\x00\x00\x00\xff\xff\xff\xff\x00\x08"),
		"bmp":               []byte(bmpHead),
		"ppm":               []byte("P6 1000000 1000000 255\n"),
	} {
		if _, err := decode(data); err == nil || !strings.Contains(err.Error(), "pixels; the most is 268435456 (data.max_pixels)") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := decode(pngOf(1<<20, 200)); err == nil || strings.Contains(err.Error(), "the most") {
		t.Errorf("as many pixels as are allowed: error is %v, want that there are none", err)
	}
	few := NewDecoder(Limits{MaxPixels: 23, Memory: 1 << 30})
	if _, err := few.Decode(encode(t, picture(image.NewRGBA(image.Rect(0, 0, 6, 4))), "png")); err == nil {
		t.Error("24 pixels are decoded, 23 are allowed")
	}
	if _, err := decode([]byte("hello, this is text")); err == nil ||
		err.Error() != "is not a JPEG, PNG, GIF, WebP, BMP, TIFF, PBM, PGM, PPM or AVIF" {
		t.Errorf("text: error is %v", err)
	}
}

// emptyGIF is a GIF of 1x1 whose picture is 0x0.
const emptyGIF = "GIF89a\x01\x00\x01\x00\x80\x00\x00" + "\x00\x00\x00\xff\xff\xff" + "\x2c\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x02\x01\x2c\x00\x3b" // no pixels, then the end

func TestDecodeRefusesPicturesWithoutPixels(t *testing.T) {
	for _, size := range []string{"\x00\x00\x00\x00", "\x01\x00\x00\x00", "\x00\x00\x01\x00"} {
		data := []byte(emptyGIF)
		copy(data[24:], size) // of the picture in the frame of 1x1
		if im, err := decode(data); err == nil {
			t.Errorf("a GIF is read as %dx%d", im.W, im.H)
		}
	}
}

func TestDecodeLaysTransparencyOverWhite(t *testing.T) {
	rect := image.Rect(0, 0, 3, 1)
	nrgba, premultiplied, deep := image.NewNRGBA(rect), image.NewRGBA(rect), image.NewNRGBA64(rect)
	indexed := image.NewPaletted(rect, color.Palette{color.NRGBA{0, 0, 255, 0}, color.NRGBA{0, 0, 255, 128}, color.NRGBA{0, 0, 255, 255}})
	for x, c := range []color.NRGBA{{0, 0, 255, 0}, {0, 0, 255, 128}, {0, 0, 255, 255}} {
		nrgba.Set(x, 0, c)
		premultiplied.Set(x, 0, c)
		deep.Set(x, 0, c)
		indexed.SetColorIndex(x, 0, uint8(x))
	}
	for name, src := range map[string]image.Image{"NRGBA": nrgba, "RGBA": premultiplied, "16 bit": deep, "palette": indexed} {
		im, err := decode(encode(t, src, "png"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := []uint8{255, 255, 255, 127, 127, 255, 0, 0, 255}
		for i, v := range im.Pix {
			if max(v, want[i])-min(v, want[i]) > 1 {
				t.Errorf("%s: pixels are %v, want %v", name, im.Pix, want)
				break
			}
		}
	}
}

// cmykJPEG is a block of 8x8 pixels with all of cyan's ink and 155 of black.
func cmykJPEG() []byte {
	segment := func(marker byte, body ...byte) []byte {
		return append([]byte{0xff, marker, 0, byte(len(body) + 2)}, body...)
	}
	ones := bytes.Repeat([]byte{8}, 65) // steps of a level for a block's mean
	ones[0] = 0
	return bytes.Join([][]byte{
		{0xff, 0xd8},
		segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, 0)...),
		segment(0xdb, ones...),
		segment(0xc0, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0),
		segment(0xc4, 0x00, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 5), // means of 8, 7 and 5 bits
		segment(0xc4, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),       // else nothing
		segment(0xda, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0),
		{0x3f, 0xaf, 0xeb, 0xfb, 0x0d}, // -128, 127, 127, -28
		{0xff, 0xd9},
	}, nil)
}

func TestDecodeReadsCMYKJPEG(t *testing.T) {
	im, err := decode(cmykJPEG())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(im.Pix); i += 3 {
		if p := im.Pix[i:]; p[0] > 1 || p[1] < 99 || p[1] > 101 || p[2] < 99 || p[2] > 101 {
			t.Fatalf("pixel %d is %v, want 0 100 100", i/3, p[:3])
		}
	}
}

// exifJPEG puts an EXIF segment with these directories behind a JPEG's first
// marker; each is the orientation that it says.
func exifJPEG(data []byte, directories ...uint16) []byte {
	exif := []byte("MM\x00\x2a\x00\x00\x00\x08")
	for i, orientation := range directories {
		exif = append(exif, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1)
		exif = binary.BigEndian.AppendUint16(exif, orientation)
		next := uint32(len(exif) + 6)
		if i == len(directories)-1 {
			next = 0
		}
		exif = binary.BigEndian.AppendUint32(append(exif, 0, 0), next)
	}
	exif = append([]byte("Exif\x00\x00"), exif...)
	out := append([]byte{}, data[:2]...)
	out = binary.BigEndian.AppendUint16(append(out, 0xff, 0xe1), uint16(len(exif)+2))
	return append(append(out, exif...), data[2:]...)
}

func TestDecodeTurnsAsThePicturesOrientationSaysNotItsThumbnails(t *testing.T) {
	data := encode(t, image.NewGray(image.Rect(0, 0, 8, 4)), "jpeg")
	for name, c := range map[string]struct {
		directories []uint16
		w           int
	}{
		"picture only":      {[]uint16{6}, 4},
		"thumbnail upright": {[]uint16{6, 1}, 4},
		"thumbnail turned":  {[]uint16{1, 6}, 8},
		"neither":           {nil, 8},
	} {
		im, err := decode(exifJPEG(data, c.directories...))
		if err != nil || im.W != c.w {
			t.Errorf("%s: width %d, want %d, %v", name, im.W, c.w, err)
		}
	}
}

func TestDecodeReadsPicturesWithBrokenMetadata(t *testing.T) {
	plain := encode(t, image.NewGray(image.Rect(0, 0, 8, 4)), "jpeg")
	whole := exifJPEG(plain, 6)
	for i := 6; i < len(whole)-len(plain)+2; i++ { // in the segment's content
		for _, v := range []byte{0, 0xff} {
			data := append([]byte{}, whole...)
			data[i] = v
			if im, err := decode(data); err != nil || im.Validate() != nil {
				t.Errorf("byte %d as %d: %v", i, v, err)
			}
		}
	}
}

func TestTurnedMovesEveryPixel(t *testing.T) {
	// 0 1 2
	// 3 4 5
	im := New(3, 2)
	for i := range 6 {
		im.Pix[3*i] = uint8(i)
	}
	for orientation, want := range map[int]string{
		1: "012 345", 2: "210 543", 3: "543 210", 4: "345 012",
		5: "03 14 25", 6: "30 41 52", 7: "52 41 30", 8: "25 14 03",
	} {
		out, got := turned(im, orientation), ""
		for i := range 6 {
			if i > 0 && i%out.W == 0 {
				got += " "
			}
			got += fmt.Sprint(out.Pix[3*i])
		}
		if got != want || out.Validate() != nil {
			t.Errorf("orientation %d: %s, want %s", orientation, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	small := picture(image.NewRGBA(image.Rect(0, 0, 5, 3)))
	for _, format := range []string{"png", "gif", "bmp", "jpeg"} {
		f.Add(encode(f, small, format))
	}
	f.Add(withOrientation(encode(f, small, "jpeg"), 6))
	f.Add(cmykJPEG())
	f.Add([]byte(emptyGIF))
	f.Fuzz(func(t *testing.T, data []byte) {
		im, err := decode(data)
		if err == nil && im.Validate() != nil {
			t.Error(im.Validate())
		}
	})
}

func TestOtherFormatsAreRefusedByName(t *testing.T) {
	for data, want := range map[string]string{
		"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic": "is HEIC, which is not read: convert it to JPEG or PNG (heif-convert",
		"\x00\x00\x00\x0cJXL \r\n\x87\n":                   "is JPEG XL",
		"\xff\x4f\xff\x51\x00":                             "is JPEG 2000",
		"<svg xmlns='http://www.w3.org/2000/svg'/>":        "is SVG",
		"hello":                   "is not a JPEG",
		"":                        "is empty",
		strings.Repeat("\x00", 9): "begins with zeros",
		"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 9\n": "is a Git LFS pointer",
		"<!DOCTYPE html><html>404": "is an HTML page",
	} {
		if _, err := decode([]byte(data)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: error is %v", data, err)
		}
	}
}
