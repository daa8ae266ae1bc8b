package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// archive writes a tar archive of files, in the order of their names, and returns its path.
func archive(t *testing.T, path string, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// dot is a picture that no other number gives.
func dot(n int) string {
	im := image.NewGray(image.Rect(0, 0, 4+n%3, 5))
	for i := range im.Pix {
		im.Pix[i] = uint8(7*n + i)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, im); err != nil {
		panic(err)
	}
	return b.String()
}

// listed lists what a source holds: PART CLASS(label) KEY.
func listed(src *Source) (all []string) {
	for _, p := range src.Parts() {
		for i := range p.Set.Len() {
			all = append(all, fmt.Sprintf("%s %s(%d) %s", p.Name, p.Set.Classes()[p.Set.Label(i)], p.Set.Label(i), imageKey(p.Set, i)))
		}
	}
	return all
}

func TestArchivesAreReadAsFoldersOrSamples(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]map[string]string // by archive
		want  []string
		left  string
	}{
		"classes": {map[string]map[string]string{"x.tar": {"b/2.png": dot(1), "a/1.png": dot(2), "./a/deep/0.png": dot(3), "README": "", "a/._1.png": ""}},
			[]string{"train a(0) a/1.png", "train a(0) a/deep/0.png", "train b(1) b/2.png"},
			"left out 2 beside the images: 1 hidden (such as DIR/x.tar:a/._1.png), 1 unknown extension (such as DIR/x.tar:README)"},
		"parts below one folder": {map[string]map[string]string{"x.tar": {"set/train/a/1.png": dot(1), "set/train/b/1.png": dot(1), "set/Valid/a/1.png": dot(2), "set/extra/1.png": dot(3)}},
			[]string{"train a(0) a/1.png", "train b(1) b/1.png", "val a(0) a/1.png"}, "left out 1 beside the images: 1 beside the parts (such as set/extra/1.png)"},
		"a class called as a part": {map[string]map[string]string{"x.tar": {"train/1.png": dot(1), "bus/1.png": dot(2)}},
			[]string{"train bus(0) bus/1.png", "train train(1) train/1.png"}, ""},
		"parts by the archives' names": {map[string]map[string]string{"my-train-0.tar": {"a/1.png": dot(1)}, "my-train-1.tar": {"b/2.png": dot(2)}, "my-val-0.tar": {"b/3.png": dot(3)}},
			[]string{"train a(0) a/1.png", "train b(1) b/2.png", "val b(0) b/3.png"}, ""},
		"samples": {map[string]map[string]string{
			"train-0.tar": {"00.cls": "10\n", "00.png": dot(1), "01.cls": "9", "01.json": "{}", "01.png": dot(2), "01.seg.png": dot(3), "02.png": dot(4)},
			"train-1.tar": {"00.cls": "9", "00.PNG": dot(5)}},
			[]string{"train 9(0) 00.PNG", "train 9(0) 01.png", "train 10(1) 00.png"},
			"left out 3 beside the images: 1 beside the picture of a sample (such as 01.seg.png), 1 unknown extension (such as DIR/train-0.tar:01.json), 1 without a class (.cls) (such as 02.png)"},
		"samples of two shards called alike": {map[string]map[string]string{"train-0.tar": {"0.cls": "1", "0.png": dot(1)}, "train-1.tar": {"0.cls": "1", "0.png": dot(2)}},
			[]string{"train 1(0) 0.png", "train 1(0) 0.png 2"}, ""},
		"samples in folders": {map[string]map[string]string{"x.tar": {"cat/0.cls": "1", "cat/0.png": dot(1), "dog/0.cls": "0", "dog/0.png": dot(2)}},
			[]string{"train cat(0) cat/0.png", "train dog(1) dog/0.png"}, ""},
		"samples in folders that are no classes": {map[string]map[string]string{"x.tar": {"p/0.cls": "1", "p/0.png": dot(1), "p/1.cls": "0", "p/1.png": dot(2)}},
			[]string{"train 0(0) p/1.png", "train 1(1) p/0.png"}, ""},
		"a path without end": {map[string]map[string]string{"x.tar": {strings.Repeat("a/", 9000) + "1.png": dot(1), "b/1.png": dot(2)}},
			[]string{"train b(0) b/1.png"}, "left out 1 beside the images: 1 path too long (such as DIR/x.tar:" + strings.Repeat("a/", 2000)[:4000]},
		"folders beside files": {map[string]map[string]string{"x.tar": {"a/b/1.png": dot(1), "a/b-1.png": dot(2), "a/c.png": dot(3)}},
			[]string{"train a(0) a/b/1.png", "train a(0) a/b-1.png", "train a(0) a/c.png"}, ""},
		"a label of another kind": {map[string]map[string]string{"x.tar": {"0.cls": "cat", "0.coarse.cls": "animal", "0.png": dot(1)}},
			[]string{"train cat(0) 0.png"}, "left out 1 beside the images: 1 beside the picture of a sample (such as DIR/x.tar:0.coarse.cls)"},
		"classes called like parts": {map[string]map[string]string{"x.tar": {"train station/1.png": dot(1), "test tube/1.png": dot(2), "bus/1.png": dot(3)}},
			[]string{"train bus(0) bus/1.png", "train test tube(1) test tube/1.png", "train train station(2) train station/1.png"}, ""},
		"a folder that ends in a point": {map[string]map[string]string{"x.tar": {"oak sp./0.cls": "0", "oak sp./0.png": dot(1)}},
			[]string{"train oak sp.(0) oak sp./0.png"}, ""},
		"samples with names": {map[string]map[string]string{"x.tar": {"0.cls": "tench", "0.png": dot(1), "1.cls": "cock", "1.png": dot(2)}},
			[]string{"train cock(0) 1.png", "train tench(1) 0.png"}, ""},
	} {
		dir := t.TempDir()
		for path, files := range c.files {
			archive(t, filepath.Join(dir, path), files)
		}
		src, err := Open("tar:" + filepath.Join(dir, "*.tar"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		left := leftOut{}
		for _, p := range src.Parts() {
			for _, l := range p.LeftOut {
				left.add(l.Reason, l.Example, l.Files)
			}
		}
		if got := listed(src); !slices.Equal(got, c.want) {
			t.Errorf("%s holds %q, want %q", name, got, c.want)
		}
		if got := strings.ReplaceAll(DescribeLeftOut(left.list()), dir, "DIR"); !strings.HasPrefix(got, c.left) || c.left == "" && got != "" {
			t.Errorf("%s: %q, want %q", name, got, c.left)
		}
	}
}

func TestAnArchiveThatWasUpdatedHoldsThePicturesThatUnpackingGives(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i, name := range []string{"cat/0.png", "dog/0.png", "cat/0.png"} {
		_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(dot(i)))})
		_, _ = w.Write([]byte(dot(i)))
	}
	w.Close()
	path := filepath.Join(t.TempDir(), "pets[1].tar")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, spec := range []string{"tar:" + path, path, filepath.Dir(path), "tar:" + filepath.Dir(path)} {
		src, err := Open(spec)
		if err != nil || src.Train.Len() != 2 {
			t.Fatalf("%s: %+v (%v)", spec, src, err)
		}
		if data, _, err := bytesOf(src.Train, 0); err != nil || string(data) != dot(2) {
			t.Errorf("%s: the first picture is not the last that is called so (%v)", spec, err)
		}
	}
}

func TestShardsOfAnyDatasetCanBeRead(t *testing.T) {
	example := func(n int, class string) map[string]any {
		return map[string]any{"image": dot(n), "image/class/text": class}
	}
	open := func(files map[string][]byte) *Source {
		src, err := Open("tfrecord:" + folder(t, files))
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	pack := func(src *Source) (*Source, error) {
		dir := t.TempDir()
		if _, err := src.Pack(context.Background(), Packing{Dir: dir, Bytes: 1 << 20, Progress: func(int, int) {}}); err != nil {
			return nil, err
		}
		return Open("tar:" + dir)
	}
	// The part val lacks the first class, and its pictures have no names.
	packed, err := pack(open(map[string][]byte{"train.tfrecord": records(example(1, "ash"), example(2, "oak sp."), example(3, "pine")),
		"val.tfrecord": records(example(4, "oak sp."), example(5, "pine"), example(6, "pine"))}))
	if err != nil || packed.Train.Len() != 3 || packed.Val.Len() != 3 {
		t.Fatalf("%+v (%v)", packed, err)
	}
	for _, set := range []Set{packed.Train, packed.Val} {
		if found := Verify(context.Background(), set, nil); len(found.Unreadable) > 0 {
			t.Error(found.Unreadable)
		}
	}
	shard, err := readTar(packed.Val.(*archived).shards[1])
	if err != nil || shard.labels["oak sp./val_tfrecord 0"] != "1" || shard.labels["pine/val_tfrecord 1"] != "2" {
		t.Errorf("in the part val the classes have the numbers %v (%v)", shard.labels, err)
	}
	for _, class := range []string{"../../x", "/m/01", ".hid"} {
		if _, err := pack(open(map[string][]byte{"x.tfrecord": records(example(1, class))})); err == nil || !strings.Contains(err.Error(), "cannot be a folder of an archive") {
			t.Errorf("class %q: error is %v", class, err)
		}
	}
}

func TestExtremeNumbersOfClassesAreOrdered(t *testing.T) {
	var examples []map[string]any
	for i := range 12 {
		examples = append(examples, map[string]any{"image": dot(i), "label": []int{-6e18, 0, 6e18}[i%3]})
	}
	src, err := Open("tfrecord:" + folder(t, map[string][]byte{"x.tfrecord": records(examples...)}))
	if err != nil || len(src.Train.Classes()) != 3 || src.Train.Classes()[0] != "-6000000000000000000" {
		t.Errorf("classes are %v (%v)", src.Train.Classes(), err)
	}
}

// However a dataset is stored, a training sees the same images in the same order.
func TestFoldersArchivesAndShardsAreTheSameDataset(t *testing.T) {
	files, tarred := map[string][]byte{}, map[string]string{}
	for i := range 40 {
		name := fmt.Sprintf("%s/%s/%02d.png", []string{"train", "test"}[i%4/3], []string{"a", "b", "c"}[i%3], i)
		files[name], tarred["flowers/"+name] = []byte(dot(i)), dot(i)
	}
	dir, shards := folder(t, files), t.TempDir()
	folders, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	paths, err := folders.Pack(context.Background(), Packing{Dir: shards, Bytes: 10 << 10, Seed: 3, Progress: func(int, int) {}})
	if err != nil || len(paths) < 3 {
		t.Fatalf("packed into %v (%v)", paths, err)
	}
	for _, spec := range []string{archive(t, filepath.Join(t.TempDir(), "flowers.tar"), tarred), "tar:" + shards, shards} {
		src, err := Open(spec)
		if err != nil || src.Kind != "tar" {
			t.Fatalf("%s is %+v (%v)", spec, src, err)
		}
		if got, want := listed(src), listed(folders); !slices.Equal(got, want) {
			t.Errorf("%s holds %q, the folder %q", spec, got, want)
		}
		for k, p := range src.Parts() {
			q := folders.Parts()[k]
			if Contents(p.Set) != Contents(q.Set) {
				t.Errorf("%s: the part %s has other pixels than the folder", spec, p.Name)
			}
			if found := Verify(context.Background(), p.Set, nil); len(found.Unreadable)+len(found.Damaged) > 0 {
				t.Errorf("%s: %v", spec, found)
			}
		}
	}
	again := t.TempDir()
	if _, err := folders.Pack(context.Background(), Packing{Dir: again, Bytes: 10 << 10, Seed: 3, Progress: func(int, int) {}}); err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		a, errA := os.ReadFile(path)
		b, errB := os.ReadFile(filepath.Join(again, filepath.Base(path)))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: the same seed gives other bytes (%v, %v)", path, errA, errB)
		}
	}
}

func TestAPackThatIsStoppedLeavesNothing(t *testing.T) {
	shapes, err := Open("shapes:?train=20&val=10&size=16")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	ctx, stop := context.WithCancel(context.Background())
	paths, err := shapes.Pack(ctx, Packing{Dir: dir, Bytes: 1, Progress: func(done, _ int) {
		if done == 5 {
			stop()
		}
	}})
	if left, _ := os.ReadDir(dir); !errors.Is(err, context.Canceled) || paths != nil || len(left) > 0 {
		t.Errorf("of a pack that was stopped there is %v in %v (%v)", left, paths, err)
	}
}

func TestImagesThatAreNoFilesArePackedAsPNG(t *testing.T) {
	shapes, err := Open("shapes:?train=20&val=10&size=16")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := shapes.Pack(context.Background(), Packing{Dir: dir, Bytes: 1 << 30, Progress: func(int, int) {}}); err != nil {
		t.Fatal(err)
	}
	packed, err := Open("tar:" + dir)
	if err != nil || packed.Train.Len() != 20 || packed.Val.Len() != 10 || !slices.Equal(packed.Train.Classes(), slices.Sorted(slices.Values(shapes.Train.Classes()))) {
		t.Fatalf("%+v (%v)", packed, err)
	}
}

func TestArchivesThatCannotBeReadSayWhy(t *testing.T) {
	dir := t.TempDir()
	whole := archive(t, filepath.Join(dir, "whole.tar"), map[string]string{"a/1.png": dot(1), "b/2.png": dot(2)})
	data, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(data)
	z.Close()
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"zipped.tar":  {zipped.Bytes(), "is compressed, so its pictures cannot be read one by one; name what gunzip makes of it"},
		"cut.tar":     {data[:540], "is no whole tar archive"},
		"empty.tar":   {nil, "is no whole tar archive: it is empty"},
		"text.tar":    {bytes.Repeat([]byte("hello "), 200), "is no whole tar archive"},
		"nothing.tar": {make([]byte, 1024), "no picture has a class; nothing is there"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
	half := filepath.Join(dir, "half.tar")
	if err := os.WriteFile(half, data[:1024], 0o666); err != nil {
		t.Fatal(err)
	}
	if src, err := Open(half); err != nil || src.Train.Len() != 1 || !strings.Contains(fmt.Sprint(src.Warnings), "half.tar has no end") {
		t.Errorf("of an archive cut off between two pictures there is %+v (%v)", src, err)
	}
	if src, err := Open(whole); err != nil || len(src.Warnings) > 0 {
		t.Errorf("of a whole archive it is said %q (%v)", src.Warnings, err)
	}
	for spec, want := range map[string]string{
		"tar:" + filepath.Join(dir, "no*.tarr"): "no file is called so", "tar:[": "syntax error in pattern",
		"tar:" + archive(t, filepath.Join(dir, "label.tar"), map[string]string{"1.cls": strings.Repeat("x", 2000), "1.png": dot(1)}):       "1.cls: must hold a class",
		"tar:" + archive(t, filepath.Join(dir, "sets.tar"), map[string]string{"training_set/a/1.png": dot(1), "test_set/a/1.png": dot(2)}): `"training_set" and "test_set" look like parts`,
		"tar:" + archive(t, filepath.Join(dir, "twice.tar"), map[string]string{"val/a/1.png": dot(1), "validation/a/1.png": dot(2)}):       "are both the part val",
		"tar:" + archive(t, filepath.Join(dir, "flat.tar"), map[string]string{"1.png": dot(1)}):                                            "1 in no class folder (such as 1.png)",
	} {
		if _, err := Open(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", spec, err, want)
		}
	}
}

func FuzzTar(f *testing.F) {
	dir := f.TempDir()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, data := range map[string]string{"a/1.png": dot(1), "a/1.cls": "3", "train/b/2.png": dot(2)} {
		_ = w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))})
		_, _ = w.Write([]byte(data))
	}
	w.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "x.tar")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		src, err := Open(path)
		if err != nil {
			return
		}
		for _, p := range src.Parts() {
			for i := range p.Set.Len() {
				_, _ = p.Set.Image(i)
			}
		}
	})
}
