package train

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSavedPathsAreAbsolute(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	dir, err := os.Getwd() // the temporary folder may stand behind a link
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("my:folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"":                   "",
		"shapes:":            "shapes:",
		"shapes:?train=20":   "shapes:?train=20",
		"flowers":            filepath.Join(dir, "flowers"),
		"./a/../flowers":     filepath.Join(dir, "flowers"),
		"/data/flowers":      "/data/flowers",
		"imagefolder:a/b":    "imagefolder:" + filepath.Join(dir, "a/b"),
		"idx:/usr/share/idx": "idx:/usr/share/idx",
		"cifar10:.":          "cifar10:" + dir,
		"my:folder":          filepath.Join(dir, "my:folder"),
	} {
		c, _ := DefaultConfig("v3")
		c.Data.Train, c.Data.Val = spec, spec
		got := c.Absolute()
		if got.Data.Train != want || got.Data.Val != want {
			t.Errorf("%q becomes %q and %q, want %q", spec, got.Data.Train, got.Data.Val, want)
		}
		if c.Data.Train != spec {
			t.Errorf("%q was changed in place", spec)
		}
		if again := got.Absolute(); again.Data.Train != want {
			t.Errorf("%q made absolute again is %q", want, again.Data.Train)
		}
	}
}
