package dataset

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sized is a set whose classes have so many images.
type sized struct {
	squares
	sizes []int
}

func newSized(sizes ...int) sized {
	s := sized{sizes: sizes}
	for _, n := range sizes {
		s.n += n
	}
	return s
}

func (s sized) Classes() []string { return strings.Split("abcdefgh"[:len(s.sizes)], "") }
func (s sized) Label(i int) int {
	for class, n := range s.sizes {
		if i -= n; i < 0 {
			return class
		}
	}
	panic("no such image")
}

func TestABalancedEpochShowsAllClassesEquallyOften(t *testing.T) {
	set := newSized(90, 7, 0, 3)
	rng := rand.New(rand.NewPCG(1, 1))
	seen := map[int]bool{}
	for range 20 {
		draws := balanced(set, rng)
		var images, classes [4]map[int]int
		for class := range images {
			images[class], classes[class] = map[int]int{}, map[int]int{}
		}
		for _, d := range draws {
			i := d % set.n
			images[set.Label(i)][i]++
			if set.Label(i) == 0 {
				seen[i] = true
			}
		}
		total := func(class int) (n int) {
			for _, k := range images[class] {
				n += k
			}
			return n
		}
		if len(draws) != 100 || total(0) < 33 || total(0) > 34 || total(1) < 33 || total(1) > 34 || total(3) < 33 {
			t.Fatalf("an epoch shows %d, %d, %d and %d images", total(0), total(1), total(2), total(3))
		}
		for class, of := range images {
			for i, n := range of {
				if most := (total(class) + len(of) - 1) / len(of); n > most {
					t.Errorf("class %d: image %d comes %d times, others less than %d", class, i, n, most-1)
				}
			}
		}
		slices.Sort(draws)
		if len(slices.Compact(draws)) != 100 {
			t.Error("a draw comes twice, so an image is augmented in one way twice")
		}
	}
	if len(seen) < 85 {
		t.Errorf("20 epochs show %d of 90 images of the large class", len(seen))
	}
}

func TestBalancedBatchesFollowFromSeedAndEpochAndRepeatNoView(t *testing.T) {
	o := loaderOptions(true)
	o.Balance = true
	l := NewLoader(newSized(20, 4), o)
	all := readEpoch(t, l, 1, 0)
	if !slices.Equal(indices(all), indices(readEpoch(t, l, 1, 0))) || slices.Equal(indices(all), indices(readEpoch(t, l, 2, 0))) {
		t.Error("the order does not follow from the epoch")
	}
	views := map[int][][]float32{}
	const pixels = 3 * 4 * 4
	small := 0
	for _, b := range all {
		for row, i := range b.Indices {
			if i >= 20 {
				small++
				views[i] = append(views[i], b.Images[row*pixels:(row+1)*pixels])
			}
		}
	}
	if small != 12 {
		t.Errorf("%d of 24 images are of the small class, want 12", small)
	}
	different := 0
	for _, v := range views {
		if !slices.Equal(v[0], v[1]) {
			different++
		}
	}
	if different < 3 {
		t.Errorf("of 4 images that come three times, %d are augmented in more than one way", different)
	}
	rest := readEpoch(t, l, 1, 2)
	if !slices.Equal(indices(rest), indices(all[2:])) {
		t.Error("skipping changes the order")
	}
}

func TestVeryUnequalClassesAreKnown(t *testing.T) {
	for _, c := range []struct {
		train, val []int
		very       bool
		share      float64
	}{
		{[]int{95, 5}, nil, true, 0.95},
		{[]int{80, 20}, []int{8, 2}, true, 0.8},
		{[]int{70, 30}, nil, false, 0.7},
		{[]int{10, 10, 50}, []int{5, 5, 10}, true, 0.5},
	} {
		var val Set
		if c.val != nil {
			val = newSized(c.val...)
		}
		in, very := VeryUnequal(newSized(c.train...), val)
		if very != c.very || in.Share != c.share {
			t.Errorf("%v: %t, %+v", c.train, very, in)
		}
	}
}
