package jpeg

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"testing"
)

// fixtures are the JPEG of package picture's tests, which compares them with
// Pillow's pixels.
func fixtures(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, folder := range []string{"cases", "neighbours"} {
		files, err := filepath.Glob(filepath.Join("..", "testdata", folder, "*.jpg"))
		if err != nil || len(files) == 0 {
			t.Fatal("there are no fixtures", err)
		}
		for _, path := range files {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(path)] = data
		}
	}
	return all
}

func TestACutPictureIsReadUpToThereAndSaidToEndEarly(t *testing.T) {
	for name, data := range fixtures(t) {
		whole, err := Decode(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := 0; n < len(data); n += 1 + len(data)/50 {
			p, err := Decode(data[:n])
			if err != nil {
				continue // before the first scan
			}
			if p.Width != whole.Width || p.Height != whole.Height || len(p.Pix) != 3*p.Width*p.Height {
				t.Fatalf("%s cut to %d bytes: %dx%d, %d bytes", name, n, p.Width, p.Height, len(p.Pix))
			}
			if p.Damage == "" && !bytes.Equal(p.Pix, whole.Pix) {
				t.Errorf("%s cut to %d of %d bytes: other pixels, but no damage is said", name, n, len(data))
			}
		}
	}
}

func TestOrdinaryPicturesAreGosWithinRounding(t *testing.T) {
	im := image.NewGray(image.Rect(0, 0, 37, 23))
	for i := range im.Pix {
		im.Pix[i] = uint8(i * 7 % 256)
	}
	var b bytes.Buffer
	if err := stdjpeg.Encode(&b, im, &stdjpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	want, err := stdjpeg.Decode(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(got.Pix); i += 3 {
		v := int(want.At(i/3%37, i/3/37).(color.Gray).Y)
		if d := int(got.Pix[i]) - v; d < -1 || d > 1 {
			t.Fatalf("pixel %d is %d, want %d", i/3, got.Pix[i], v)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := fixtures(t)["noeoi.jpg"]
	at := bytes.Index(whole, []byte{0xff, 0xc0})
	for name, change := range map[string]func([]byte){
		"a bomb":          func(d []byte) { copy(d[at+5:], "\xff\x00\xff\x00") },
		"no width":        func(d []byte) { d[at+7], d[at+8] = 0, 0 },
		"12 bits":         func(d []byte) { d[at+4] = 12 },
		"two components":  func(d []byte) { d[at+9] = 2 },
		"sampling 0":      func(d []byte) { d[at+11] = 0x01 },
		"lossless":        func(d []byte) { d[at+1] = 0xc3 },
		"no marker first": func(d []byte) { d[1] = 0 },
	} {
		data := bytes.Clone(whole)
		change(data)
		_, err := DecodeConfig(data)
		if name == "two components" { // DecodeSamples reads them
			_, err = Decode(data)
		}
		if err == nil {
			t.Errorf("%s: is read", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, data := range fixtures(f) {
		if len(data) < 3000 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := DecodeConfig(data)
		if err != nil || c.Width*c.Height > 1<<18 {
			return
		}
		p, err := Decode(data)
		if err == nil && (p.Width != c.Width || p.Height != c.Height || len(p.Pix) != 3*p.Width*p.Height) {
			t.Errorf("%dx%d, %d bytes", p.Width, p.Height, len(p.Pix))
		}
	})
}
