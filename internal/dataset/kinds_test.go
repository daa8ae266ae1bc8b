package dataset

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAbsoluteLeavesKindsAlone(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"": "", "shapes:?n=3": "shapes:?n=3", "a/b": filepath.Join(here, "a/b"), "idx:c": "idx:" + filepath.Join(here, "c"), "/x": "/x",
	} {
		if got := Absolute(spec); got != want {
			t.Errorf("%q becomes %q, want %q", spec, got, want)
		}
	}
}

func TestAnUnknownKindStaysAsItIs(t *testing.T) {
	if got := Absolute("lmdb:x"); got != "lmdb:x" {
		t.Errorf("becomes %q, of which no error can tell what was typed", got)
	}
}
