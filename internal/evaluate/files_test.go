package evaluate

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFilesKnowTheFolderThatWasNamed(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"photos/roses/a.jpg", "photos/b.png", "alone/c.jpg"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	files, below, err := FilesBelow([]string{"alone/c.jpg", "photos"})
	if err != nil {
		t.Fatal(err)
	}
	inside := []string{filepath.FromSlash("photos/b.png"), filepath.FromSlash("photos/roses/a.jpg")}
	slices.Sort(files)
	if want := append([]string{"alone/c.jpg"}, inside...); !slices.Equal(files, want) {
		t.Errorf("files are %q, want %q", files, want)
	}
	if len(below) != 2 || below[inside[0]] != "photos" || below[inside[1]] != "photos" {
		t.Errorf("below are %q", below)
	}
	if _, _, err := FilesBelow([]string{"photos", "nowhere"}); err == nil {
		t.Error("a file that there is not has no error")
	}
}

func TestAroundSeesThroughNamesAndLinks(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, dir := range []string{"photos/roses", "other"} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile("photos/a.jpg", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("photos", "link"); err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		path string
		word string
		want string
	}{
		{"photos", "photos", "photos"},
		{"photos/new/deeper", "photos", "photos"},
		{"link/new", "photos", "photos"},
		{"photos/new", "link", "link"},
		{"other/../photos/new", "pho*", "photos"},
		{"other", "photos", ""},
		{"photos-of-maps", "photos", ""},
		{"photos", "photos/roses", ""},
		{"photos/new", "photos/a.jpg", ""}, // a file, beside which nothing is looked for
		{"photos/new", "https://example.com/photos/a.jpg", ""},
	} {
		if got := Around(c.path, []string{c.word}); got != c.want {
			t.Errorf("%s around %s: %q, want %q", c.word, c.path, got, c.want)
		}
	}
}
