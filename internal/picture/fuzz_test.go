package picture

import (
	"os"
	"path/filepath"
	"testing"
)

// fuzz tries one format on its fixtures, changed.
func fuzz(f *testing.F, of format, patterns ...string) {
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		if err != nil || len(files) == 0 {
			f.Fatal("there are no fixtures", err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 8000 {
				f.Add(data)
			}
		}
	}
	d := NewDecoder(Limits{MaxPixels: 1 << 18, Memory: 256 << 20})
	f.Fuzz(func(t *testing.T, data []byte) {
		if !of.is(data) {
			return
		}
		if _, err := of.measure(data); err != nil {
			return
		}
		if of.orientation != nil {
			of.orientation(data)
		}
		head, _ := of.measure(data)
		if head.w < 1 || head.h < 1 || head.w > 1<<18/head.h || head.memory > 256<<20 {
			return
		}
		im, err := of.decode(data) // unguarded: our own decoders do not panic
		if err == nil && (im.Validate() != nil || im.W != head.w || im.H != head.h) {
			t.Errorf("%dx%d with %d bytes, its header says %dx%d", im.W, im.H, len(im.Pix), head.w, head.h)
		}
		_, _ = d.Decode(data)
	})
}

func FuzzPNG(f *testing.F)    { fuzz(f, pngFormat, "neighbours/*.png") }
func FuzzGIF(f *testing.F)    { fuzz(f, gifFormat, "neighbours/*.gif") }
func FuzzBMP(f *testing.F)    { fuzz(f, bmpFormat, "neighbours/*.bmp") }
func FuzzNetpbm(f *testing.F) { fuzz(f, netpbmFormat, "neighbours/*.p[bgp]m") }
func FuzzWebP(f *testing.F)   { fuzz(f, webpFormat, "neighbours/*.webp", "cases/*.webp") }

func FuzzOrientation(f *testing.F) {
	f.Add([]byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"), []byte(`tiff:Orientation="6"`))
	f.Fuzz(func(t *testing.T, exif, xmp []byte) {
		if turn := orientationOf(exif, xmp); turn < 1 || turn > 8 {
			t.Errorf("orientation %d", turn)
		}
		jpegOrientation(exif)
	})
}
