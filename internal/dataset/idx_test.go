package dataset

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestParseIDXRefusesEveryCut(t *testing.T) {
	whole := idxBytes([]int{2, 2, 3}, []byte("abcdefghijkl"))
	for n := range whole {
		if _, _, err := parseIDX(bytes.NewReader(whole[:n]), 3); err == nil {
			t.Errorf("%d of %d bytes are read", n, len(whole))
		}
	}
	shape, data, err := parseIDX(bytes.NewReader(append(whole, "more"...)), 3)
	if err != nil || !slices.Equal(shape, []int{2, 2, 3}) || string(data) != "abcdefghijkl" {
		t.Errorf("with bytes behind the end: %v, %q, %v", shape, data, err)
	}
	if _, _, err := parseIDX(bytes.NewReader(whole), 1); err == nil || !strings.Contains(err.Error(), "1 dimensions") {
		t.Errorf("images read as labels: %v", err)
	}
}

func TestIDXRefusesClaimsBeforeReadingThem(t *testing.T) {
	zeros := &zeroReader{}
	claim := idxBytes([]int{7_000_000, 28, 28}, nil)
	if _, _, err := parseIDX(io.MultiReader(bytes.NewReader(claim), zeros), 3); err == nil || !strings.Contains(err.Error(), "the most is 2147483648") {
		t.Errorf("error is %v", err)
	}
	if zeros.bytes > 0 {
		t.Errorf("%d bytes are read first", zeros.bytes)
	}
}

// zeroReader gives zeros without end.
type zeroReader struct{ bytes int }

func (c *zeroReader) Read(p []byte) (int, error) {
	clear(p)
	c.bytes += len(p)
	return len(p), nil
}

func TestIDXFilesAreFoundUnderTheirUsualNames(t *testing.T) {
	images, labels := idxBytes([]int{1, 1, 1}, []byte{9}), idxBytes([]int{1}, []byte{3})
	for name, files := range map[string][2]string{
		"dashes":           {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"},
		"dots":             {"train-images.idx3-ubyte", "train-labels.idx1-ubyte"},
		"dashes, gzip":     {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"},
		"one of them gzip": {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"},
	} {
		content := map[string][]byte{files[0]: images, files[1]: labels}
		for file, data := range content {
			if strings.HasSuffix(file, ".gz") {
				content[file] = gzipped(data)
			}
		}
		src, err := Open(folder(t, content))
		if err != nil || src.Kind != "idx" || src.Train.Label(0) != 3 || src.Train.Name(0) != "idx train 0" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIDXRefusesBrokenGzipByName(t *testing.T) {
	images, labels := gzipped(idxBytes([]int{2, 2, 2}, make([]byte, 8))), gzipped(idxBytes([]int{2}, []byte{0, 1}))
	for name, data := range map[string][]byte{"cut off": images[:len(images)-9], "no gzip": []byte("hello, this is text")} {
		dir := folder(t, map[string][]byte{"train-images-idx3-ubyte.gz": data, "train-labels-idx1-ubyte.gz": labels})
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "train-images-idx3-ubyte.gz") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestIDXClassesAreTheLinesOfLabelsOrNumbers(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		most  byte
		want  int
		first string
		fails string
	}{
		"ten digits, however few are there": {"", 3, 10, "0", ""},
		"more than ten":                     {"", 46, 47, "0", ""},
		"names":                             {"T-shirt/top\r\nankle boot\r\n", 1, 2, "T-shirt/top", ""},
		"too few names":                     {"a\nb\n", 2, 0, "", "names 2 classes, the labels go up to 2"},
	} {
		files := map[string][]byte{"t10k-images-idx3-ubyte": idxBytes([]int{1, 1, 1}, []byte{9}), "t10k-labels-idx1-ubyte": idxBytes([]int{1}, []byte{c.most})}
		if c.text != "" {
			files["labels.txt"] = []byte(c.text)
		}
		src, err := Open(folder(t, files))
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: error is %v, want %q", name, err, c.fails)
			}
			continue
		}
		if err != nil || src.Train != nil || len(src.Test.Classes()) != c.want || src.Test.Classes()[0] != c.first {
			t.Errorf("%s: %+v, %v", name, src, err)
		}
	}
}
