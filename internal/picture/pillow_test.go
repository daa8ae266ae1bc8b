package picture

import (
	"os"
	"path/filepath"
	"testing"
)

// More pictures than are kept here, which internal/interop/pictures.py makes
// with what Pillow shows of each.
func TestMorePicturesShowWhatPillowShows(t *testing.T) {
	dir := os.Getenv("INCEPTION_PICTURES")
	if dir == "" {
		t.Skip("INCEPTION_PICTURES names no folder")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no pictures", err)
	}
	d := NewDecoder(DefaultLimits())
	read := func(path string) (Image, error) {
		data, err := os.ReadFile(path)
		if err != nil {
			return Image{}, err
		}
		return d.Decode(data)
	}
	for _, path := range files {
		name := filepath.Base(path)
		want, err := read(filepath.Join(dir, "expected", name+".png"))
		got, gotErr := read(path)
		switch {
		case os.IsNotExist(err) && gotErr != nil:
			t.Logf("%s: both refuse: %v", name, gotErr)
		case os.IsNotExist(err):
			t.Logf("%s: only Pillow refuses", name)
		case err != nil:
			t.Error(err)
		case gotErr != nil:
			t.Errorf("%s: %v", name, gotErr)
		case got.W != want.W || got.H != want.H:
			t.Errorf("%s: %dx%d pixels, want %dx%d", name, got.W, got.H, want.W, want.H)
		default:
			if mean, most := distance(t, got, want); mean > allowed(path) {
				t.Errorf("%s: off by %.3f on average, %d at most (%s)", name, mean, most, got.Damage)
			}
		}
	}
}
