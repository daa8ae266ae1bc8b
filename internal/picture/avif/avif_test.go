package avif

import (
	"os"
	"testing"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHeaderAndPictureAgree(t *testing.T) {
	data := fixture(t, "cases/x.avif")
	h, rgb, err := Decode(data)
	if err != nil || h.Width != 200 || h.Height != 140 || h.Orientation != 1 || len(rgb) != 3*200*140 {
		t.Errorf("%+v, %d bytes, %v", h, len(rgb), err)
	}
	for n := 0; n < len(data); n += 97 {
		if _, _, err := Decode(data[:n]); err == nil {
			t.Errorf("%d of %d bytes are read", n, len(data))
		}
	}
}

func TestOneTurnOfEach(t *testing.T) {
	for i := range 8 {
		h, err := ReadHeader(fixture(t, "neighbours/e"+string(rune('1'+i))+".avif"))
		if err != nil || h.Orientation != i+1 {
			t.Errorf("orientation %d, want %d, %v", h.Orientation, i+1, err)
		}
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(fixture(f, "neighbours/e6.avif"))
	f.Fuzz(func(t *testing.T, data []byte) {
		Is(data)
		h, err := ReadHeader(data)
		if err == nil && (h.Width < 1 || h.Height < 1 || h.Orientation < 1 || h.Orientation > 8) {
			t.Errorf("%+v", h)
		}
	})
}
