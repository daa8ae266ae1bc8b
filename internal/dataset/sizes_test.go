package dataset

import (
	"errors"
	"strconv"
	"testing"

	"github.com/inception-go/inception/internal/picture"
)

func TestSizesAreOfEachSideByItself(t *testing.T) {
	set := rectangles{{40, 10}, {20, 30}, {0, 0}, {30, 20}}
	got := SizesOf(set, 10)
	if want := (Sizes{Images: 3, Least: [2]int{20, 10}, Median: [2]int{30, 20}, Largest: [2]int{40, 30}}); got != want {
		t.Errorf("sizes are %+v, want %+v", got, want)
	}
	if got = SizesOf(set, 2); got.Images != 1 || got.Largest != [2]int{40, 10} {
		t.Errorf("of the first and the third, the sizes are %+v", got)
	}
	if got = SizesOf(rectangles{}, 2); got != (Sizes{}) {
		t.Errorf("no images have sizes %+v", got)
	}
}

// rectangles is a set of images of some widths and heights; one without cannot be read.
type rectangles [][2]int

func (s rectangles) Len() int        { return len(s) }
func (rectangles) Classes() []string { return []string{"a"} }
func (rectangles) Label(int) int     { return 0 }
func (rectangles) Name(i int) string { return strconv.Itoa(i) }
func (s rectangles) Image(i int) (picture.Image, error) {
	if s[i] == [2]int{} {
		return picture.Image{}, errors.New("is broken")
	}
	return picture.New(s[i][0], s[i][1]), nil
}
