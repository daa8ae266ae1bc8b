package dataset

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"
)

func TestContentsSeePixelsAndNames(t *testing.T) {
	write := func(dir, name string, level uint8) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		im := image.NewGray(image.Rect(0, 0, 4, 4))
		for i := range im.Pix {
			im.Pix[i] = level
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := png.Encode(f, im); err != nil {
			t.Fatal(err)
		}
	}
	contents := func(dir string) string {
		src, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return Contents(src.Train)
	}
	a, b := t.TempDir(), t.TempDir()
	for _, dir := range []string{a, b} {
		write(dir, "cat/1.png", 10)
		write(dir, "dog/1.png", 20)
	}
	first := contents(a)
	if contents(b) != first || contents(a) != first {
		t.Error("the same images in another folder have other contents")
	}
	write(b, "dog/1.png", 21)
	if contents(b) == first {
		t.Error("another pixel changes nothing")
	}
	write(b, "dog/1.png", 20)
	write(b, "dog/2.png", 20)
	if contents(b) == first {
		t.Error("another image changes nothing")
	}
	if err := os.WriteFile(filepath.Join(a, "cat", "1.png"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	if contents(a) == first {
		t.Error("a damaged image changes nothing")
	}
}
