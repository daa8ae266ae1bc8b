package dataset

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func open(t *testing.T, spec string) *Source {
	t.Helper()
	src, err := Open(spec)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// reasons returns the number of files left out of a part, by reason.
func reasons(src *Source, part string) map[string]int {
	p, _ := src.part(part)
	all := map[string]int{}
	for _, l := range p.LeftOut {
		all[l.Reason] = l.Files
	}
	return all
}

func TestPartsAreKnownInAnyCase(t *testing.T) {
	src := open(t, "testdata/folders/capitals")
	if src.Train == nil || src.Test == nil || src.Val != nil || src.Train.Len() != 8 || src.Test.Len() != 8 ||
		!slices.Equal(src.Train.Classes(), []string{"a", "b"}) {
		t.Errorf("%+v", src)
	}
	for _, name := range []string{"TRAIN", "Training", "train"} {
		for _, val := range []string{"Val", "VALID", "Validation"} {
			files := pictures(t, pictures(t, map[string][]byte{}, name+"/a", 2), val+"/a", 1)
			if src := open(t, folder(t, files)); src.Train.Len() != 2 || src.Val == nil || src.Val.Len() != 1 {
				t.Errorf("%s and %s: %+v", name, val, src)
			}
		}
	}
}

func TestFoldersOfPartsAreNoClasses(t *testing.T) {
	set := func(folders ...string) string {
		files := map[string][]byte{}
		for _, name := range folders {
			pictures(t, files, name, 2)
		}
		return folder(t, files)
	}
	for name, c := range map[string]struct{ spec, want string }{
		"no train":       {set("val/a", "val/b", "Test/a", "Test/b"), "has no part to train on, only val and test"},
		"flat parts":     {set("Train", "Test"), `parts "Test", "Train" with images and no class folders`},
		"one flat part":  {set("train"), `part "train" with images and no class folders`},
		"even by kind":   {"imagefolder:" + set("train", "val"), `parts "train", "val" with images`},
		"two for one":    {set("train/a", "Training/b"), `two folders for the part train`},
		"a guess":        {set("train/a", "train/b", "bus"), `"train" may be a class or the part train, beside "bus"`},
		"too high":       {set("flowers/train/a", "flowers/val/a"), `"flowers" in it is not a class but holds the parts "train", "val"`},
		"too high, one":  {set("flowers/Train/a", "flowers/Train/b"), `"flowers" in it is not a class but holds the parts "Train"`},
		"two too high":   {set("data/flowers/train/a", "data/flowers/val/a", "more"), `"data" in it is not a class but holds a dataset with parts`},
		"other words":    {set("training_set/a", "training_set/b", "test_set/a"), `"training_set" and "test_set"`},
		"words, more":    {set("seg_train/a", "seg_test/a", "seg_pred"), `look like the parts train and test`},
		"words, flat":    {set("Train images", "valset"), `look like the parts train and val`},
		"a space":        {set("Train /a", "Test /a"), `look like the parts train and test`},
		"split classes":  {set("a/train", "a/test", "b/train", "b/test"), `class folder "a" holds the parts "test", "train"`},
		"too high twice": {set("x/train/a", "x/test/a", "y/train/a"), `holds the parts "test", "train"; name the folder`},
	} {
		o := DefaultOptions()
		o.Train = c.spec
		if _, err := OpenTraining(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func TestAClassMayHaveAPartsName(t *testing.T) {
	for _, spec := range []string{"testdata/folders/class_train", "imagefolder:testdata/folders/class_train"} {
		src := open(t, spec)
		if !slices.Equal(src.Train.Classes(), []string{"bus", "car", "train"}) || src.Train.Len() != 12 || src.Test != nil {
			t.Errorf("%s: %v", spec, src.Train.Classes())
		}
	}
	nested := pictures(t, pictures(t, pictures(t, map[string][]byte{}, "train/steam", 1), "train/diesel", 1), "bus", 3)
	src := open(t, "imagefolder:"+folder(t, nested))
	if !slices.Equal(src.Train.Classes(), []string{"bus", "train"}) || src.Train.Len() != 5 {
		t.Errorf("nested: %v", src.Train.Classes())
	}
	vehicles := pictures(t, pictures(t, pictures(t, map[string][]byte{}, "vehicles/train", 1), "vehicles/car", 1), "cats", 3)
	if src := open(t, folder(t, vehicles)); !slices.Equal(src.Train.Classes(), []string{"cats", "vehicles"}) {
		t.Errorf("within a class: %v", src.Train.Classes())
	}
}

func TestWhatLiesBesideThePartsIsSaid(t *testing.T) {
	files := map[string][]byte{"README.txt": nil, ".git/config": nil, "test/1.jpg": nil}
	for _, dir := range []string{"train/a", "val/a", "samples"} {
		pictures(t, files, dir, 3)
	}
	src := open(t, folder(t, files))
	if got := reasons(src, "train"); got[besideParts] != 5 || got[hidden] != 1 {
		t.Errorf("left out: %v", got)
	}
	warnings := strings.Join(src.Warnings, "\n")
	if !strings.Contains(warnings, `not read: "samples"`) || !strings.Contains(warnings, `part "test"`) {
		t.Errorf("warnings: %s", warnings)
	}
}

func TestAPartWithoutImagesIsSaid(t *testing.T) {
	files := map[string][]byte{"Val/a/1.heic": nil, "Val/b/notes.txt": nil}
	pictures(t, pictures(t, files, "train/a", 2), "train/b", 2)
	src := open(t, folder(t, files))
	if warnings := strings.Join(src.Warnings, "\n"); !strings.Contains(warnings, `part "Val"`) ||
		!strings.Contains(warnings, "has no image") || src.Val != nil {
		t.Errorf("warnings: %q", warnings)
	}
}

func TestWordsOfPartsInClasses(t *testing.T) {
	for _, dirs := range [][]string{{"train_station", "bus"}, {"train_station", "test_tube", "bus"},
		{"steam_train/a", "diesel_train/b"}, {"trainer/a", "tester/b"}} {
		files := map[string][]byte{}
		for _, dir := range dirs {
			pictures(t, files, dir, 2)
		}
		if src := open(t, folder(t, files)); len(src.Train.Classes()) != len(dirs) {
			t.Errorf("%q: classes %q", dirs, src.Train.Classes())
		}
	}
	files := pictures(t, pictures(t, map[string][]byte{}, "train_station/a", 2), "test_tube/b", 2)
	if src := open(t, "imagefolder:"+folder(t, files)); len(src.Train.Classes()) != 2 {
		t.Errorf("imagefolder: classes %q", src.Train.Classes())
	}
}

func TestFilesLeftOutAreCountedByReason(t *testing.T) {
	src := open(t, "testdata/folders/exts")
	if got := reasons(src, "train"); src.Train.Len() != 16 || len(got) != 0 {
		t.Errorf("exts: %d images, left out %v", src.Train.Len(), got)
	}
	src = open(t, "testdata/folders/eadir")
	if got := reasons(src, "train"); src.Train.Len() != 8 || len(got) != 1 || got["@eaDir"] != 8 {
		t.Errorf("eadir: %d images, left out %v", src.Train.Len(), got)
	}
	files := map[string][]byte{
		"__MACOSX/a/._0.png": nil, ".DS_Store": nil, "a/.DS_Store": nil, "a/.ipynb_checkpoints/0-checkpoint.png": nil,
		"@eaDir/x.jpg": nil, "b/@EADIR/0.jpg/SYNOPHOTO_THUMB_M.jpg": nil, "b/notes.txt": nil, "b/noextension": nil, "a/IMG_1.HEIC": nil,
		"stray.png": nil, "labels.csv": nil, ".git/a/b.png": nil,
	}
	src = open(t, folder(t, pictures(t, pictures(t, files, "a", 2), "b", 2)))
	want := map[string]int{
		"__MACOSX": 1, hidden: 3, ".ipynb_checkpoints": 1, "@eaDir": 2, unknownExtension: 3, outsideClasses: 1, isHEIC: 1,
	}
	got := reasons(src, "train")
	for reason, n := range want {
		if got[reason] != n {
			t.Errorf("%s: %d left out, want %d", reason, got[reason], n)
		}
	}
	if len(got) != len(want) || src.Train.Len() != 4 || len(src.Train.Classes()) != 2 {
		t.Errorf("%d images of %v, left out %v", src.Train.Len(), src.Train.Classes(), got)
	}
	o := DefaultOptions()
	o.Train = "testdata/folders/eadir"
	opened, err := OpenTraining(o)
	if err != nil || !strings.Contains(strings.Join(opened.LeftOut, "\n"), "left out 8 beside the images: 8 @eaDir") {
		t.Errorf("training says %+v, %v", opened, err)
	}
}

func TestLinksAreFollowedOnce(t *testing.T) {
	store := folder(t, pictures(t, pictures(t, map[string][]byte{}, "deep/more", 3), "single", 1))
	dir := folder(t, pictures(t, pictures(t, map[string][]byte{}, "a", 1), "b", 1))
	for name, target := range map[string]string{
		"a/store": filepath.Join(store, "deep"), "a/again": filepath.Join(store, "deep", "more"),
		"a/linked.png": filepath.Join(store, "single", "00.png"), "a/up": "..", "b/self": ".", "b/root": "/",
		"b/gone.png": "nowhere.png", "b/x.png": "y.png", "b/y.png": "x.png", "whole": ".",
	} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Skip(err)
		}
	}
	src := open(t, dir)
	got := reasons(src, "train")
	if sizes := ClassSizes(src.Train); !slices.Equal(sizes, []int{5, 1}) {
		t.Errorf("classes %v of %v images", src.Train.Classes(), sizes)
	}
	// up, self, root, whole, and one of the two ways to more.
	if got[circularLink] != 5 || got[brokenLink] != 3 {
		t.Errorf("left out %v", got)
	}
}

// Every folder links to the next one twice: there are 2^20 ways to the last.
func TestManyWaysToAFolderAreOne(t *testing.T) {
	files := map[string][]byte{}
	pictures(t, files, "c/20", 1)
	dir := folder(t, pictures(t, files, "d", 1))
	for i := range 20 {
		from := filepath.Join(dir, "c", strings.Repeat("0", i)+"x")
		to := filepath.Join(dir, "c", strings.Repeat("0", i+1)+"x")
		if i == 19 {
			to = filepath.Join(dir, "c", "20")
		}
		if err := os.MkdirAll(from, 0o777); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"left", "right"} {
			if err := os.Symlink(to, filepath.Join(from, name)); err != nil {
				t.Skip(err)
			}
		}
	}
	if src := open(t, dir); src.Train.Len() != 2 {
		t.Errorf("%d images, want 2", src.Train.Len())
	}
}

func TestEmptyClassesAreLeftOutWithAWarning(t *testing.T) {
	files := map[string][]byte{"tulip/readme.txt": nil, "rose/1.jp2": nil}
	src := open(t, folder(t, pictures(t, pictures(t, files, "daisy", 2), "iris", 2)))
	if !slices.Equal(src.Train.Classes(), []string{"daisy", "iris"}) || src.Train.Label(3) != 1 ||
		len(src.Warnings) != 1 || !strings.Contains(src.Warnings[0], `without an image are left out: "rose", "tulip"`) {
		t.Errorf("classes %v, warnings %q", src.Train.Classes(), src.Warnings)
	}
}

func TestNamesAreComparedInOneNormalForm(t *testing.T) {
	var sources []*Source
	for _, form := range []norm.Form{norm.NFC, norm.NFD} {
		files := map[string][]byte{}
		for _, name := range []string{"Grün", "Grz", "Käse"} {
			pictures(t, files, form.String(name), 5)
		}
		sources = append(sources, open(t, folder(t, files)))
	}
	c, d := sources[0].Train, sources[1].Train
	// In the form NFD, Gru... comes before Grz; the order must not depend on it.
	if want := []string{"Grz", "Grün", "Käse"}; !slices.Equal(c.Classes(), want) || !slices.Equal(d.Classes(), want) {
		t.Errorf("classes are %q and %q", c.Classes(), d.Classes())
	}
	if Fingerprint(c) != Fingerprint(d) {
		t.Error("the same images have two fingerprints")
	}
	if _, err := sameClasses(c, d); err != nil {
		t.Error(err)
	}
	both := pictures(t, pictures(t, map[string][]byte{}, norm.NFC.String("Käse"), 1), norm.NFD.String("Käse"), 2)
	src := open(t, folder(t, both))
	if len(src.Train.Classes()) != 1 || src.Train.Len() != 3 || len(src.Warnings) != 1 {
		t.Skipf("this file system keeps one of two forms: %v", src.Train.Classes())
	}
}

func TestTestImagesInValidationAreSaid(t *testing.T) {
	o := DefaultOptions()
	o.Train = "testdata/folders/capitals"
	opened, err := OpenTraining(o)
	if err != nil || opened.ValPart != "test" ||
		!strings.Contains(strings.Join(opened.Warnings, "\n"), "the test images choose the best weights") {
		t.Errorf("%+v, %v", opened, err)
	}
	o.Train = "testdata/folders/class_train"
	o.Val = o.Train
	opened, err = OpenTraining(o)
	if err != nil || !strings.Contains(strings.Join(opened.Warnings, "\n"), "12 of its 12 images are training images themselves") {
		t.Errorf("%+v, %v", opened, err)
	}
}

func TestARemovedImageLeavesWhatIsHeldOut(t *testing.T) {
	files := pictures(t, pictures(t, pictures(t, map[string][]byte{}, "a", 40), "b", 40), "c", 40)
	dir := folder(t, files)
	held := func() map[string]bool {
		o := DefaultOptions()
		o.Train = dir
		opened, err := OpenTraining(o)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]bool{}
		for i := range opened.Val.Len() {
			all[opened.Val.Name(i)] = true
		}
		return all
	}
	before := held()
	for _, name := range []string{"a/07.png", "b/00.png", "c/39.png"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	entered := 0
	for name := range held() {
		if !before[name] {
			entered++
		}
	}
	left := 0
	after := held()
	for name := range before {
		if _, err := os.Stat(name); err == nil && !after[name] {
			left++ // it would be trained on now
		}
	}
	if len(before) != 24 || entered > 3 || left > 0 {
		t.Errorf("of %d held-out images %d are new, and %d became training images", len(before), entered, left)
	}
}

func TestImagesThatCrossBetweenTrainingAndValidationAreFound(t *testing.T) {
	o := DefaultOptions()
	o.Train = folder(t, pictures(t, pictures(t, pictures(t, map[string][]byte{}, "a", 8), "b", 38), "c", 43))
	open := func() (*Training, map[string]bool) {
		opened, err := OpenTraining(o)
		if err != nil {
			t.Fatal(err)
		}
		held := map[string]bool{}
		for i := range opened.Val.Len() {
			held[opened.Val.Name(i)] = true
		}
		return opened, held
	}
	before, held := open()
	remove := func(set Set, class int) {
		for i := range set.Len() {
			if set.Label(i) == class {
				if err := os.Remove(set.Name(i)); err != nil {
					t.Fatal(err)
				}
				return
			}
		}
	}
	remove(before.Train, 0) // one of 8, 38 and 43: the rounded share falls
	remove(before.Train, 1)
	remove(before.Val, 2)
	after, now := open()
	var trained, entered []string
	for i := range after.Train.Len() {
		if name := after.Train.Name(i); held[name] {
			trained = append(trained, name)
		}
	}
	for i := range after.Val.Len() {
		if name := after.Val.Name(i); !held[name] {
			entered = append(entered, name)
		}
	}
	gotTrained, gotEntered := after.Crossed(before.Cuts, o.ValSeed)
	if len(trained) != 2 || !slices.Equal(gotTrained, trained) || !slices.Equal(gotEntered, entered) || len(now)+2 > len(held) {
		t.Errorf("crossed are %v and %v, want %v and %v", gotTrained, gotEntered, trained, entered)
	}
	if a, b := before.Crossed(before.Cuts, o.ValSeed); a != nil || b != nil {
		t.Errorf("among the same images, %v and %v have crossed", a, b)
	}
}

func TestFoldersOfFoldersAreWarnedOf(t *testing.T) {
	for name, c := range map[string]struct {
		folders []string
		warned  bool
	}{
		"one too high":             {[]string{"birds/a", "birds/b", "flowers/c", "flowers/d"}, true},
		"of one class":             {[]string{"birds/a", "birds/b", "flowers"}, true},
		"images beside the folder": {[]string{"birds", "birds/b", "birds/c", "flowers"}, false},
		"one folder":               {[]string{"birds/images", "flowers/images"}, false},
	} {
		files := map[string][]byte{}
		for _, f := range c.folders {
			pictures(t, files, f, 1)
		}
		src := open(t, folder(t, files))
		text := strings.Join(src.Warnings, "; ")
		if warned := strings.Contains(text, "has folders of folders: those of"); warned != c.warned {
			t.Errorf("%s: warnings are %q", name, text)
		}
		if !slices.Equal(src.Train.Classes(), []string{"birds", "flowers"}) {
			t.Errorf("%s: classes %q", name, src.Train.Classes())
		}
	}
}
