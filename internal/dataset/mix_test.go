package dataset

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestBlendedImagesHoldTheirShares(t *testing.T) {
	one, other := numbered(3, 4), slices.Repeat([]float32{-2}, 3*16)
	before := slices.Clone(one)
	blend(one, other, 0.75)
	for k, v := range before {
		if one[k] != 0.75*v-0.5 || other[k] != 0.25*v-1.5 {
			t.Fatalf("value %d: %g and -2 become %g and %g", k, v, one[k], other[k])
		}
	}
}

func TestExchangedRectanglesAreTheSharesThatLabelsGet(t *testing.T) {
	const size = 12
	rng := rand.New(rand.NewPCG(5, 5))
	sum, whole := 0.0, 0
	for range 2000 {
		one, other := numbered(3, size), make([]float32, 3*size*size)
		before := slices.Clone(one)
		share := exchange(one, other, size, rng)
		left, right, top, bottom, moved := size, -1, size, -1, 0
		for k, v := range before {
			if !(one[k] == v && other[k] == 0) && !(one[k] == 0 && other[k] == v) {
				t.Fatalf("value %d: %g and 0 become %g and %g", k, v, one[k], other[k])
			}
			if one[k] != 0 {
				continue
			}
			moved++
			x, y := k%size, k/size%size
			left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
		}
		if moved > 0 && moved != 3*(right-left+1)*(bottom-top+1) {
			t.Fatalf("%d values moved, the rectangle has %d by %d in each of 3 planes", moved, right-left+1, bottom-top+1)
		}
		if want := 1 - float64(moved)/float64(len(one)); math.Abs(share-want) > 1e-9 {
			t.Fatalf("says that %g stays, and %g does", share, want)
		}
		sum += share
		if share == 1 {
			whole++
		}
	}
	// Half would be exchanged, were none of the rectangles cut off by a border.
	if mean := sum / 2000; mean < 0.55 || mean > 0.75 || whole > 100 {
		t.Errorf("%g stays on average, all in %d of 2000", mean, whole)
	}
}

// distinct is a set whose images are of a class each.
type distinct struct{ squares }

func (distinct) Label(i int) int { return i }

func TestMixedRowsNameWhatTheyShow(t *testing.T) {
	const batch, floats = 5, 3 * 4 * 4
	o := loaderOptions(true)
	o.Batch = batch
	set := distinct{squares{n: 50}}
	plain := readEpoch(t, NewLoader(set, o), 0, 0)
	for name, change := range map[string]func(*Augment){
		"mixup":  func(a *Augment) { a.Mixup = 1 },
		"cutmix": func(a *Augment) { a.Cutmix = 1 },
		"either": func(a *Augment) { a.Mixup, a.Cutmix = 0.3, 0.3 },
	} {
		o.Augment = loaderOptions(true).Augment
		change(&o.Augment)
		mixed, kept := 0, 0
		for n, b := range readEpoch(t, NewLoader(set, o), 0, 0) {
			for row, share := range b.Shares {
				partner := batch - 1 - row
				first, second := plain[n].Images[row*floats:][:floats], plain[n].Images[partner*floats:][:floats]
				labels := [2]int{plain[n].Labels[row], plain[n].Labels[partner]}
				if b.Labels[row] != labels[0] {
					first, second = second, first
					labels[0], labels[1] = labels[1], labels[0]
				}
				if b.Labels[row] != labels[0] || b.Others[row] != labels[1] && share != 1 || share < 0.5 || share > 1 {
					t.Fatalf("%s: batch %d, row %d: classes %d and %d, share %g, of images of %v", name, n, row, b.Labels[row], b.Others[row], share, labels)
				}
				got := b.Images[row*floats:][:floats]
				if name == "mixup" && !blended(got, first, second, float64(share)) || name == "cutmix" && !pasted(got, first, second, float64(share)) {
					t.Errorf("%s: batch %d, row %d does not show %g of class %d and the rest of %d", name, n, row, share, labels[0], labels[1])
				}
				if share == 1 {
					kept++
				} else {
					mixed++
				}
			}
		}
		// The middle of five has no partner; small rectangles may hold no pixel.
		if name == "either" && (mixed < 12 || kept < 15) || name != "either" && (mixed < 25 || kept < 10) {
			t.Errorf("%s: %d rows mixed, %d kept", name, mixed, kept)
		}
	}
}

// blended reports whether got is share of first and the rest of second.
func blended(got, first, second []float32, share float64) bool {
	for k, v := range got {
		if math.Abs(float64(v)-share*float64(first[k])-(1-share)*float64(second[k])) > 1e-5 {
			return false
		}
	}
	return true
}

// pasted reports whether share of got's values are first's, the rest second's.
// The two may agree in some.
func pasted(got, first, second []float32, share float64) bool {
	ofFirst, either := 0, 0
	for k, v := range got {
		switch {
		case v == first[k] && v == second[k]:
			either++
		case v == first[k]:
			ofFirst++
		case v != second[k]:
			return false
		}
	}
	want := share * float64(len(got))
	return float64(ofFirst) < want+0.01 && float64(ofFirst+either) > want-0.01
}

func TestUnreadableImagesAreNotMixedIntoOthers(t *testing.T) {
	o := loaderOptions(true)
	o.SkipUnreadable = true
	set := squares{n: 40, broken: map[int]bool{}}
	for i := range 10 {
		set.broken[i] = true
	}
	plain := readEpoch(t, NewLoader(set, o), 0, 0)
	o.Augment.Mixup, o.Augment.Cutmix = 0.5, 0.5
	floats, kept := 3*4*4, 0
	for n, b := range readEpoch(t, NewLoader(set, o), 0, 0) {
		for row := range b.Labels {
			partner := o.Batch - 1 - row
			if plain[n].Labels[row] < 0 || plain[n].Labels[partner] >= 0 {
				continue
			}
			kept++
			if !slices.Equal(b.Images[row*floats:][:floats], plain[n].Images[row*floats:][:floats]) || b.Labels[row] != plain[n].Labels[row] || b.Shares[row] != 1 {
				t.Errorf("batch %d: row %d, whose partner is unreadable, is changed", n, row)
			}
		}
	}
	if kept == 0 {
		t.Error("no image has an unreadable partner")
	}
}

func TestMixingDoesNotDependOnWorkersOrSkipping(t *testing.T) {
	o := loaderOptions(true)
	o.Augment.Mixup, o.Augment.Cutmix = 0.4, 0.4
	var want []Batch
	for _, workers := range []int{1, 5} {
		o.Workers = workers
		l := NewLoader(squares{n: 40}, o)
		if want == nil {
			want = readEpoch(t, l, 2, 0)
		}
		for i, b := range readEpoch(t, l, 2, 3) {
			w := want[3+i]
			if !slices.Equal(b.Images, w.Images) || !slices.Equal(b.Labels, w.Labels) || !slices.Equal(b.Others, w.Others) || !slices.Equal(b.Shares, w.Shares) {
				t.Errorf("%d workers: batch %d differs", workers, 3+i)
			}
		}
	}
}

func TestValidationIsNeverMixed(t *testing.T) {
	o := loaderOptions(false)
	plain := readEpoch(t, NewLoader(squares{n: 8}, o), 0, 0)
	o.Augment.Mixup = 1
	for n, b := range readEpoch(t, NewLoader(squares{n: 8}, o), 0, 0) {
		if b.Others != nil || b.Shares != nil || !slices.Equal(b.Images, plain[n].Images) {
			t.Errorf("batch %d is mixed", n)
		}
	}
}
