package dataset

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"slices"
	"strings"
	"testing"
)

// pictures returns files of n small images below a folder.
func pictures(t *testing.T, files map[string][]byte, dir string, n int) map[string][]byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		files[fmt.Sprintf("%s/%02d.png", dir, i)] = b.Bytes()
	}
	return files
}

func TestImageFolderWithParts(t *testing.T) {
	files := map[string][]byte{"train/.hidden/x.png": nil, "train/README.txt": nil, "train/b/notes.txt": nil, "train/b/.thumb.png": nil}
	pictures(t, files, "train/b", 3)
	pictures(t, files, "train/a/deeper", 2)
	pictures(t, files, "validation/b", 1)
	pictures(t, files, "validation/a", 1)
	pictures(t, files, "test/b", 4)
	pictures(t, files, "test/a", 1)
	dir := folder(t, files)
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(src.Train.Classes(), []string{"a", "b"}) || src.Train.Len() != 5 || src.Val.Len() != 2 || src.Test.Len() != 5 {
		t.Errorf("classes %v, %d, %d and %d images", src.Train.Classes(), src.Train.Len(), src.Val.Len(), src.Test.Len())
	}
	if im, err := src.Train.Image(0); err != nil || im.W != 2 {
		t.Errorf("image 0: %v", err)
	}
	for split, want := range map[string]int{"": 2, "train": 5, "val": 2, "test": 5} {
		if p, _, err := DefaultOptions().OpenSplit(dir, split); err != nil || p.Set.Len() != want {
			t.Errorf("part %q: %v", split, err)
		}
	}
	if _, _, err := DefaultOptions().OpenSplit(dir, "dev"); err == nil || !strings.Contains(err.Error(), "train, val and test") {
		t.Errorf("part dev: %v", err)
	}
}

func TestTrainingHoldsOutAShareOfEveryClass(t *testing.T) {
	files := map[string][]byte{}
	for class, n := range map[string]int{"a": 10, "b": 40, "c": 2, "d": 1} {
		pictures(t, files, class, n)
	}
	o := DefaultOptions()
	o.Train = folder(t, files)
	opened, err := OpenTraining(o)
	if err != nil {
		t.Fatal(err)
	}
	train, val := opened.Train, opened.Val
	count := func(s Set) (n [4]int) {
		for i := range s.Len() {
			n[s.Label(i)]++
		}
		return n
	}
	if count(val) != [4]int{2, 8, 1, 0} || count(train) != [4]int{8, 32, 1, 1} {
		t.Errorf("held out %v of %v", count(val), count(train))
	}
	names := func(s Set) (all []string) {
		for i := range s.Len() {
			all = append(all, s.Name(i))
		}
		return all
	}
	again, _ := OpenTraining(o)
	o.ValSeed = 2
	other, _ := OpenTraining(o)
	if !slices.Equal(names(val), names(again.Val)) || slices.Equal(names(val), names(other.Val)) {
		t.Error("what is held out does not follow from the seed")
	}
	for _, name := range names(val) {
		if slices.Contains(names(train), name) {
			t.Errorf("%s is trained on and held out", name)
		}
	}
	o.ValFraction = 0
	none, err := OpenTraining(o)
	if err != nil || none.Val != nil || !strings.Contains(strings.Join(none.Notes, "\n"), "without validation") {
		t.Errorf("val_fraction 0: %+v, %v", none, err)
	}
}

func TestValidationClassesAreMatchedByName(t *testing.T) {
	all := pictures(t, pictures(t, pictures(t, map[string][]byte{}, "a", 2), "b", 2), "c", 2)
	some := pictures(t, pictures(t, map[string][]byte{}, "c", 1), "b", 1)
	o := DefaultOptions()
	o.Train, o.Val = folder(t, all), folder(t, some)
	opened, err := OpenTraining(o)
	if err != nil {
		t.Fatal(err)
	}
	if val := opened.Val; val.Label(0) != 1 || val.Label(1) != 2 || len(val.Classes()) != 3 {
		t.Errorf("labels %d and %d of %v", val.Label(0), val.Label(1), val.Classes())
	}
	o.Val = folder(t, pictures(t, some, "z", 1))
	if _, err := OpenTraining(o); err == nil || !strings.Contains(err.Error(), `"z"`) {
		t.Errorf("a class that training has not: %v", err)
	}
}

func TestOneClassIsEnoughToLookAtButNotToTrainOn(t *testing.T) {
	dir := folder(t, pictures(t, map[string][]byte{}, "only", 3))
	if p, _, err := DefaultOptions().OpenSplit(dir, ""); err != nil || p.Set.Len() != 3 {
		t.Errorf("opened for evaluation: %v", err)
	}
	o := DefaultOptions()
	o.Train = dir
	if _, err := OpenTraining(o); err == nil || !strings.Contains(err.Error(), `one class only, "only"`) {
		t.Errorf("opened for training: %v", err)
	}
}

func TestOpenRefusesInOneLine(t *testing.T) {
	empty := map[string][]byte{"tulip/readme.txt": nil, "rose/1.jp2": nil}
	for name, c := range map[string]struct{ spec, want string }{
		"nothing":         {"", "no dataset is named"},
		"a missing path":  {"/nowhere/at/all", "no such folder"},
		"a kind":          {"lmdb:x", "imagefolder:DIR"},
		"empty classes":   {folder(t, empty), `"rose", "tulip"; left out 2 beside the images: 2 unknown extension`},
		"no classes":      {t.TempDir(), "has no class folders"},
		"no IDX files":    {"idx:" + t.TempDir(), "no IDX files"},
		"no CIFAR files":  {"cifar10:" + t.TempDir(), "data_batch_1.bin is missing"},
		"shapes' option":  {"shapes:?sise=3", `no option "sise"`},
		"shapes' number":  {"shapes:?size=big", "whole number"},
		"shapes too tiny": {"shapes:?size=2", "from 8 to 1024"},
	} {
		if _, err := Open(c.spec); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func TestShapesAreDrawnFromTheirSeed(t *testing.T) {
	open := func(spec string) *Source {
		src, err := Open(spec)
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	a, b, c := open("shapes:?train=30&val=10&size=24"), open("shapes:?train=30&val=10&size=24"), open("shapes:?train=30&val=10&size=24&seed=2")
	if a.Train.Len() != 30 || a.Val.Len() != 10 || len(a.Train.Classes()) != 10 {
		t.Errorf("%d, %d, %v", a.Train.Len(), a.Val.Len(), a.Train.Classes())
	}
	for i := range 30 {
		x, _ := a.Train.Image(i)
		y, _ := b.Train.Image(i)
		z, _ := c.Train.Image(i)
		if x.Validate() != nil || x.W != 24 || !slices.Equal(x.Pix, y.Pix) || slices.Equal(x.Pix, z.Pix) {
			t.Fatalf("picture %d does not follow from its seed", i)
		}
	}
	x, _ := a.Train.Image(0)
	y, _ := a.Val.Image(0)
	if slices.Equal(x.Pix, y.Pix) {
		t.Error("training and validation show the same picture")
	}
	for _, o := range outlines {
		if o.depth(3, 3) > 0 || !slices.Contains(a.Train.Classes(), o.class) {
			t.Errorf("%s: reaches beyond its circle, or is no class", o.class)
		}
	}
}

func TestOpenRecognisesKindsByTheFiles(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		want  string
	}{
		"idx":              {[]string{"t10k-images-idx3-ubyte"}, "idx"},
		"idx, gzip":        {[]string{"train-images-idx3-ubyte.gz"}, "idx"},
		"idx, dots":        {[]string{"train-images.idx3-ubyte"}, "idx"},
		"cifar10":          {[]string{"data_batch_2.bin"}, "cifar10"},
		"cifar100":         {[]string{"train.bin", "test.bin"}, "cifar100"},
		"nothing known":    {[]string{"a/1.png"}, "imagefolder"},
		"idx labels alone": {[]string{"train-labels-idx1-ubyte"}, "imagefolder"},
	} {
		files := map[string][]byte{}
		for _, file := range c.files {
			files[file] = nil
		}
		if k, err := recognise(folder(t, files)); err != nil || k.Name != c.want {
			t.Errorf("%s: %+v, %v, want %q", name, k, err, c.want)
		}
	}
	dir := folder(t, map[string][]byte{"set.zip": nil})
	if _, err := Open(dir + "/set.zip"); err == nil || !strings.Contains(err.Error(), "is a file; name the folder") {
		t.Errorf("a file: %v", err)
	}
	if _, err := Open(os.DevNull); err == nil || !strings.Contains(err.Error(), "is not a regular file and no folder") {
		t.Errorf("a device: %v", err)
	}
}

func TestOpenSplitTakesValThenTestThenTrain(t *testing.T) {
	for _, c := range []struct {
		parts       []string
		split, used string
		fails       string
	}{
		{[]string{"train", "val", "test"}, "", "val", ""},
		{[]string{"train", "test"}, "", "test", ""},
		{[]string{"train"}, "", "train", ""},
		{[]string{"train", "val", "test"}, "train", "train", ""},
		{[]string{"train", "test"}, "val", "", "has no part val, only train and test"},
		{[]string{"train"}, "test", "", "has no part test, only train"},
		{[]string{"train"}, "Train", "", `part "Train" is unknown`},
	} {
		files := map[string][]byte{}
		for _, part := range c.parts {
			pictures(t, pictures(t, files, part+"/a", 1), part+"/b", 1)
		}
		p, _, err := DefaultOptions().OpenSplit(folder(t, files), c.split)
		if c.fails == "" && (err != nil || p.Name != c.used) {
			t.Errorf("%q of %v: part %q, %v, want %q", c.split, c.parts, p.Name, err, c.used)
		}
		if c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%q of %v: error is %v, want %q", c.split, c.parts, err, c.fails)
		}
	}
}

func TestValidationWithoutAClassIsWarnedOf(t *testing.T) {
	for want, classes := range map[string][]string{"": {"a", "b", "c"}, `no validation image is of class "b", "c"`: {"a"}} {
		files := map[string][]byte{}
		for _, class := range []string{"a", "b", "c"} {
			pictures(t, files, "train/"+class, 2)
		}
		for _, class := range classes {
			pictures(t, files, "val/"+class, 2)
		}
		o := DefaultOptions()
		o.Train = folder(t, files)
		opened, err := OpenTraining(o)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(opened.Warnings, "\n"); got != want {
			t.Errorf("validation has %v: warnings %q, want %q", classes, got, want)
		}
	}
}

func TestTrainingTakesValidationImagesWhereTheyAre(t *testing.T) {
	set := func(parts ...string) string {
		files := map[string][]byte{}
		for i, part := range parts {
			pictures(t, pictures(t, files, part+"/a", i+1), part+"/b", i+1)
		}
		return folder(t, files)
	}
	for name, c := range map[string]struct {
		train, val string
		want       int
		note       string
	}{
		"its own val part":      {set("train", "val", "test"), "", 4, "2 training images of 2 classes, 4 for validation"},
		"its own test part":     {set("train", "test"), "", 4, "4 for validation"},
		"data.val's val part":   {set("train", "test"), set("train", "val"), 4, "4 for validation"},
		"data.val's only part":  {set("train", "val"), set("train"), 2, "2 for validation"},
		"a share, if there is":  {set("", "."), "", 2, "held out 2 of 4 images for validation (data.val_fraction 0.2)"},
		"none of single images": {set(""), "", -1, "no class has an image to spare"},
	} {
		o := DefaultOptions()
		o.Train, o.Val = c.train, c.val
		opened, err := OpenTraining(o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		notes := opened.Notes
		if n := lenOrNone(opened.Val); n != c.want || !strings.Contains(strings.Join(notes, "\n"), c.note) {
			t.Errorf("%s: %d images, want %d; notes %q, want %q", name, n, c.want, notes, c.note)
		}
	}
}

func lenOrNone(s Set) int {
	if s == nil {
		return -1
	}
	return s.Len()
}

func TestOpenTrainingRefuses(t *testing.T) {
	testOnly := folder(t, map[string][]byte{"t10k-images-idx3-ubyte": idxBytes([]int{1, 1, 1}, []byte{9}), "t10k-labels-idx1-ubyte": idxBytes([]int{1}, []byte{3})})
	for name, c := range map[string]struct {
		train, val, want string
	}{
		"no data":            {"", "", "data.train: no training images; set it or give --data"},
		"a missing folder":   {"/nowhere", "", "no such folder"},
		"test images only":   {testOnly, "", "has no part to train on"},
		"missing validation": {"shapes:?train=10", "/nowhere", "no such folder"},
	} {
		o := DefaultOptions()
		o.Train, o.Val = c.train, c.val
		if _, err := OpenTraining(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func TestRelabelAndSubsetKeepImagesAndNames(t *testing.T) {
	set := Relabel(Subset(squares{n: 9}, []int{7, 2}), []int{5, 1}, []string{"p", "q"})
	if set.Len() != 2 || set.Label(0) != 1 || set.Label(1) != 5 || set.Name(1) != "square 2" || set.Classes()[0] != "p" {
		t.Errorf("%d images, labels %d and %d, %q", set.Len(), set.Label(0), set.Label(1), set.Name(1))
	}
	got, _ := set.Image(0)
	want, _ := squares{n: 9}.Image(7)
	if !slices.Equal(got.Pix, want.Pix) {
		t.Error("image 0 is not the one that was asked for")
	}
}
