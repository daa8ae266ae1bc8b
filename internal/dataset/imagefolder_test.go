package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestImageFolderTakesImagesByTheirEndingsAlone(t *testing.T) {
	files := map[string][]byte{"file.png": nil, ".git/a.png": nil}
	for _, name := range []string{"a/1.JPG", "a/2.jpeg", "a/3.Png", "a/deep/er/4.gif", "a/5.webp", "a/6.bmp", "a/7.tif", "b/7.jpg"} {
		files[name] = nil
	}
	for _, name := range []string{"a/x.txt", "a/jpg", "a/.8.jpg", "a/.deep/9.jpg", "a/10.jpg.bak", "a/11.jp2", "a/12.heic"} {
		files[name] = nil
	}
	dir := folder(t, files)
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range src.Train.Len() {
		name, err := filepath.Rel(dir, src.Train.Name(i))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.ToSlash(name))
	}
	if want := []string{"a/1.JPG", "a/2.jpeg", "a/3.Png", "a/5.webp", "a/6.bmp", "a/7.tif", "a/deep/er/4.gif", "b/7.jpg"}; !slices.Equal(names, want) {
		t.Errorf("images are %v, want %v", names, want)
	}
	if src.Kind != "imagefolder" || src.Val != nil || src.Test != nil || !slices.Equal(src.Train.Classes(), []string{"a", "b"}) {
		t.Errorf("%s of classes %v", src.Kind, src.Train.Classes())
	}
}

func TestImageFolderFollowsLinkedClasses(t *testing.T) {
	elsewhere := folder(t, pictures(t, map[string][]byte{}, "roses", 3))
	dir := folder(t, pictures(t, map[string][]byte{}, "tulip", 1))
	for name, target := range map[string]string{"rose": filepath.Join(elsewhere, "roses"), "gone": filepath.Join(elsewhere, "nothing")} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	src, err := Open(dir)
	if err != nil || !slices.Equal(src.Train.Classes(), []string{"rose", "tulip"}) || src.Train.Len() != 4 {
		t.Fatalf("%+v, %v", src, err)
	}
}

func TestImageFolderKnowsThePartsByTheirNames(t *testing.T) {
	for name, c := range map[string]struct {
		folders   []string
		val, test bool
	}{
		"training only":        {[]string{"train"}, false, false},
		"long names":           {[]string{"training", "validation"}, true, false},
		"another name for val": {[]string{"train", "valid"}, true, false},
		"a test part":          {[]string{"train", "test"}, false, true},
		"all":                  {[]string{"train", "val", "test"}, true, true},
	} {
		files := map[string][]byte{}
		for _, part := range c.folders {
			pictures(t, pictures(t, files, part+"/a", 1), part+"/b", 1)
		}
		src, err := Open(folder(t, files))
		if err != nil || src.Train == nil || (src.Val != nil) != c.val || (src.Test != nil) != c.test {
			t.Errorf("%s: %+v, %v", name, src, err)
		}
	}
}

func TestImageFolderNamesUnreadableImagesOnce(t *testing.T) {
	files := pictures(t, pictures(t, map[string][]byte{"a/bad.jpg": []byte("hello, this is text")}, "a", 1), "b", 1)
	dir := folder(t, files)
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(src.Train.Name(0)); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"no such file or directory", "is not a JPEG, PNG, GIF, WebP, BMP, TIFF, PBM, PGM, PPM or AVIF"} {
		if _, err := src.Train.Image(i); err == nil || err.Error() != want {
			t.Errorf("image %d: error is %v, want %q", i, err, want)
		}
	}
}
