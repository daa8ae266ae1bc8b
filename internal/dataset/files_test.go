package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func idxBytes(dims []int, data []byte) []byte {
	b := []byte{0, 0, 8, byte(len(dims))}
	for _, n := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(n))
	}
	return append(b, data...)
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// folder writes files, whose names may have folders, and returns where.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestIDXFilesAreReadAsADataset(t *testing.T) {
	images, labels := idxBytes([]int{2, 2, 3}, []byte("abcdefghijkl")), idxBytes([]int{2}, []byte{7, 0})
	dir := folder(t, map[string][]byte{
		"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels,
		"t10k-images-idx3-ubyte.gz": gzipped(images), "t10k-labels-idx1-ubyte.gz": gzipped(labels),
	})
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if src.Kind != "idx" || src.Val != nil {
		t.Errorf("kind %s, val %v", src.Kind, src.Val)
	}
	for _, set := range []Set{src.Train, src.Test} {
		im, err := set.Image(1)
		if err != nil || set.Len() != 2 || set.Label(0) != 7 || len(set.Classes()) != 10 {
			t.Fatalf("%d images, label %d, %v", set.Len(), set.Label(0), err)
		}
		if im.W != 3 || im.H != 2 || string(im.Pix) != "ggghhhiiijjjkkklll" {
			t.Errorf("image 1 is %dx%d %q", im.W, im.H, im.Pix)
		}
	}
}

func TestIDXRefuses(t *testing.T) {
	good, labels := idxBytes([]int{2, 2, 2}, make([]byte, 8)), idxBytes([]int{2}, []byte{0, 1})
	for name, c := range map[string]struct {
		images, labels []byte
		want           string
	}{
		"a cut file":     {good[:18], labels, "cut off"},
		"another magic":  {append([]byte{1}, good[1:]...), labels, "not an IDX file"},
		"a huge claim":   {idxBytes([]int{math.MaxInt32, math.MaxInt32, 1 << 20}, nil), labels, "claims"},
		"terabytes":      {idxBytes([]int{1 << 20, 1 << 9, 1 << 9}, nil), labels, "the most is"},
		"other counts":   {good, idxBytes([]int{3}, []byte{0, 1, 2}), "has 2 images"},
		"no labels":      {good, nil, "not both"},
		"an empty file":  {[]byte{}, labels, "too short"},
		"no images":      {idxBytes([]int{0, 2, 2}, nil), idxBytes([]int{0}, nil), "no images"},
		"pixels of size": {idxBytes([]int{2, 0, 2}, nil), labels, "0 pixels"},
	} {
		files := map[string][]byte{"train-images-idx3-ubyte": c.images, "train-labels-idx1-ubyte": c.labels}
		if c.labels == nil {
			delete(files, "train-labels-idx1-ubyte")
		}
		if _, err := Open("idx:" + folder(t, files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idxBytes([]int{2, 2, 3}, []byte("abcdefghijkl")))
	f.Fuzz(func(t *testing.T, data []byte) {
		shape, values, err := parseIDX(bytes.NewReader(data), 3)
		if err == nil && shape[0]*shape[1]*shape[2] != len(values) {
			t.Errorf("shape %v has %d values", shape, len(values))
		}
	})
}

func TestCIFARFilesAreReadAsADataset(t *testing.T) {
	record := func(labels ...byte) []byte {
		b := append([]byte{}, labels...)
		for i := range 3 * cifarPlane {
			b = append(b, byte(i/cifarPlane*100+i%7))
		}
		return b
	}
	files := map[string][]byte{"test_batch.bin": record(9), "batches.meta.txt": []byte("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n")}
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		files["data_batch_"+name+".bin"] = append(record(3), record(4)...)
	}
	dir := folder(t, files)
	src, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	im, _ := src.Train.Image(1)
	if src.Kind != "cifar10" || src.Train.Len() != 10 || src.Train.Label(1) != 4 || src.Test.Label(0) != 9 || src.Train.Classes()[9] != "j" {
		t.Errorf("%s: %d images, labels %d and %d, classes %v", src.Kind, src.Train.Len(), src.Train.Label(1), src.Test.Label(0), src.Train.Classes())
	}
	if got := im.Pix[:6]; !slices.Equal(got, []byte{0, 102, 204, 1, 103, 205}) {
		t.Errorf("first two pixels are %v", got)
	}
	hundred, err := Open("cifar100:" + folder(t, map[string][]byte{"train.bin": record(1, 99), "test.bin": record(1, 5)}))
	if err != nil || hundred.Train.Label(0) != 99 || len(hundred.Train.Classes()) != 100 {
		t.Errorf("cifar100: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "test_batch.bin"), record(9)[:100], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "test_batch.bin: has 100 bytes") {
		t.Errorf("a cut file: %v", err)
	}
	if _, err := Open("cifar100:" + folder(t, map[string][]byte{"train.bin": record(1, 100), "test.bin": record(1, 5)})); err == nil || !strings.Contains(err.Error(), "class 100") {
		t.Errorf("a class too many: %v", err)
	}
}

func FuzzCIFAR(f *testing.F) {
	f.Add(append([]byte{9}, make([]byte, 3*cifarPlane)...), false)
	f.Add(append([]byte{1, 99}, make([]byte, 3*cifarPlane)...), true)
	f.Fuzz(func(t *testing.T, data []byte, hundred bool) {
		s := &cifarSet{labels: 1, classes: make([]string, 10)}
		if hundred {
			s = &cifarSet{labels: 2, classes: make([]string, 100)}
		}
		if s.add(data) != nil {
			return
		}
		for i := range s.Len() {
			im, err := s.Image(i)
			if err != nil || len(im.Pix) != 3*cifarPlane || s.Label(i) >= len(s.classes) {
				t.Fatalf("image %d: %d bytes, class %d, %v", i, len(im.Pix), s.Label(i), err)
			}
		}
	})
}
