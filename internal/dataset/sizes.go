package dataset

import (
	"slices"

	"github.com/inception-go/inception/internal/parallel"
)

// Sizes are the sizes of images in pixels, widths and heights each by themselves.
type Sizes struct {
	Images  int    `json:"images"` // that were looked at
	Least   [2]int `json:"least"`  // width, height
	Median  [2]int `json:"median"`
	Largest [2]int `json:"largest"`
}

// SizesOf looks at so many images of a set at most, spread evenly over it. Those that
// cannot be read have no size.
func SizesOf(set Set, most int) (s Sizes) {
	most = min(most, set.Len())
	found := make([][2]int, most)
	parallel.For(most, func(i int) {
		if im, err := set.Image(i * set.Len() / most); err == nil {
			found[i] = [2]int{im.W, im.H}
		}
	})
	found = slices.DeleteFunc(found, func(size [2]int) bool { return size == [2]int{} })
	if s.Images = len(found); s.Images == 0 {
		return s
	}
	for side := range 2 {
		slices.SortFunc(found, func(a, b [2]int) int { return a[side] - b[side] })
		s.Least[side], s.Median[side], s.Largest[side] = found[0][side], found[len(found)/2][side], found[len(found)-1][side]
	}
	return s
}
