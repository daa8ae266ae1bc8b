package dataset

import (
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

// named is a set of images that have nothing but names.
type named []string

func (n named) Len() int                         { return len(n) }
func (n named) Classes() []string                { return []string{"only"} }
func (n named) Label(int) int                    { return 0 }
func (n named) Image(int) (picture.Image, error) { return picture.New(1, 1), nil }
func (n named) Name(i int) string                { return n[i] }

func TestExclusionsMatchNamesWithAndWithoutFoldersAndExtensions(t *testing.T) {
	set := named{"data/val/cat/1.jpg", "data/val/dog/1.jpg", "data/val/dog/2.v1.png", "val/n01440764/ILSVRC2012_val_00000293.JPEG", "val/n01440764/ILSVRC2012_val_00000036.JPEG", "shapes val 3"}
	for name, c := range map[string]struct {
		list      string
		left      []int
		unmatched []string
	}{
		"nothing":                  {"# none\n\n", []int{0, 1, 2, 3, 4, 5}, nil},
		"a name, in two folders":   {"1.jpg", []int{2, 3, 4, 5}, nil},
		"with its folder":          {"cat/1.jpg\r\n", []int{1, 2, 3, 4, 5}, nil},
		"with all folders":         {"./data/val/dog/1.jpg", []int{0, 2, 3, 4, 5}, nil},
		"without extension":        {"dog/2.v1\nILSVRC2012_val_00000293", []int{0, 1, 4, 5}, nil},
		"numbers of the dev kit":   {"36\n293\n7\n", []int{0, 1, 2, 5}, []string{"ILSVRC2012_val_00000007"}},
		"a number and its name":    {"36\nILSVRC2012_val_00000036", []int{0, 1, 2, 3, 5}, nil},
		"a number that is a name":  {"1", []int{2, 3, 4, 5}, nil},
		"a name with spaces":       {" shapes val 3 ", []int{0, 1, 2, 3, 4}, nil},
		"twice the same":           {"cat/1.jpg\ncat/1.jpg", []int{1, 2, 3, 4, 5}, nil},
		"what is not there":        {"at/1.jpg\nzebra.jpg\n2", []int{0, 1, 2, 3, 4, 5}, []string{"ILSVRC2012_val_00000002", "at/1.jpg", "zebra.jpg"}},
		"a folder excludes no one": {"data/val/dog", []int{0, 1, 2, 3, 4, 5}, []string{"data/val/dog"}},
	} {
		x, err := ReadExclusions(strings.NewReader(c.list))
		if err != nil {
			t.Fatal(err)
		}
		rest, excluded, unmatched := x.Apply(set)
		var left []string
		for i := range rest.Len() {
			left = append(left, rest.Name(i))
		}
		var want []string
		for _, i := range c.left {
			want = append(want, set[i])
		}
		if !slices.Equal(left, want) || excluded != len(set)-len(want) || !slices.Equal(unmatched, c.unmatched) {
			t.Errorf("%s: %d excluded, left %q, unmatched %q; want %q and %q", name, excluded, left, unmatched, want, c.unmatched)
		}
	}
}

func TestExclusionsMayBeginWithAByteOrderMark(t *testing.T) {
	x, err := ReadExclusions(strings.NewReader("\xef\xbb\xbfsquare 2\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, excluded, unmatched := x.Apply(squares{n: 9}); excluded != 1 || len(unmatched) > 0 {
		t.Errorf("%d are excluded, %q match none", excluded, unmatched)
	}
}
