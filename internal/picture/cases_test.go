package picture

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every picture of testdata/cases and testdata/neighbours shows what Pillow
// shows, which testdata/make.py has written to testdata/expected; so do those of
// testdata/further, which are some of internal/interop/pictures.py's.
func TestPicturesShowWhatPillowShows(t *testing.T) {
	for _, folder := range []string{"cases", "neighbours", "further"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal("there are no fixtures", err)
		}
		for _, path := range files {
			t.Run(filepath.Base(path), func(t *testing.T) {
				got, want := open(t, folder+"/"+filepath.Base(path)), open(t, "expected/"+folder+"/"+filepath.Base(path)+".png")
				if mean, most := distance(t, got, want); mean > allowed(path) {
					t.Errorf("off by %.3f on average, %d at most", mean, most)
				}
			})
		}
	}
}

// allowed is how far a picture may be from Pillow's on average. JPEG is the
// same to the pixel; where colours are blended or stretched, roundings differ.
func allowed(path string) float64 {
	switch {
	case strings.HasSuffix(path, ".jpg"):
		return 0
	case strings.HasSuffix(path, ".avif"):
		return 1.5
	}
	return 0.5
}

func distance(t *testing.T, a, b Image) (mean float64, most int) {
	t.Helper()
	if a.W != b.W || a.H != b.H {
		t.Fatalf("%dx%d pixels, want %dx%d", a.W, a.H, b.W, b.H)
	}
	sum := 0
	for i, v := range a.Pix {
		d := max(int(v)-int(b.Pix[i]), int(b.Pix[i])-int(v))
		sum, most = sum+d, max(most, d)
	}
	return float64(sum) / float64(len(a.Pix)), most
}

// The source has edges between the purest colours, so that half the chroma
// cannot show it; Pillow is off by 32.5.
func TestALossyWebPWithAlphaLooksLikeItsSource(t *testing.T) {
	if mean, _ := distance(t, open(t, "cases/edges_alpha.webp"), open(t, "cases/edges_ref.png")); mean > 32.6 {
		t.Errorf("off by %.3f on average", mean)
	}
}

func TestDamageIsSaid(t *testing.T) {
	for name, want := range map[string]string{
		"cases/trunc_half.jpg": "ends early", "cases/noeoi.jpg": "", "cases/rgb_extra_idat.png": "",
		"cases/gif_much.gif": "", "neighbours/cut.gif": "ends early", "neighbours/cut.bmp": "ends early",
		"neighbours/cut.ppm": "ends early", "neighbours/cut_rgba_60.png": "ends early", "neighbours/noiend.png": "",
		"neighbours/surplus.png": "", "neighbours/surplus2.png": "", "neighbours/surplus.gif": "",
		"neighbours/cut65_grey.jpg": "ends early",
	} {
		if got := open(t, name).Damage; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	data, err := os.ReadFile("testdata/cases/trunc_half.jpg")
	if err != nil {
		t.Fatal(err)
	}
	strict := DefaultLimits()
	strict.FailTruncated = true
	if _, err := NewDecoder(strict).Decode(data); err == nil || !strings.Contains(err.Error(), "ends early; data.truncated") {
		t.Errorf("error is %v", err)
	}
}
