package dataset

import (
	"strings"
	"testing"
)

// cifar100Files are a training and a test record, black.
func cifar100Files() map[string][]byte {
	return map[string][]byte{"train.bin": make([]byte, 2+3*cifarPlane), "test.bin": make([]byte, 2+3*cifarPlane)}
}

func TestCIFARIsRecognisedAndNumbersClassesWithoutNames(t *testing.T) {
	src, err := Open(folder(t, cifar100Files()))
	if err != nil {
		t.Fatal(err)
	}
	if src.Kind != "cifar100" || src.Train.Len() != 1 || src.Test.Len() != 1 || src.Val != nil {
		t.Errorf("kind %s, %d and %d images", src.Kind, src.Train.Len(), src.Test.Len())
	}
	if c := src.Train.Classes(); len(c) != 100 || c[0] != "0" || c[99] != "99" {
		t.Errorf("classes are %v", c)
	}
	if got := src.Test.Name(0); got != "cifar test 0" {
		t.Errorf("image is called %q", got)
	}
}

func TestCIFARRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		data []byte
		want string
	}{
		"an empty file":         {"test.bin", nil, "test.bin: has 0 bytes"},
		"a byte too many":       {"train.bin", make([]byte, 2+3*cifarPlane+1), "train.bin: has 3075 bytes"},
		"a wrong list of names": {"fine_label_names.txt", []byte("a\nb\n"), "names 2 classes, expected 100"},
	} {
		files := cifar100Files()
		files[c.file] = c.data
		if _, err := Open("cifar100:" + folder(t, files)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
	files := cifar100Files()
	delete(files, "test.bin")
	if _, err := Open(folder(t, files)); err == nil || !strings.Contains(err.Error(), "test.bin is missing") {
		t.Errorf("a missing file: %v", err)
	}
}
