package dataset

import (
	"slices"
	"testing"
)

// labelsOnly is a set of which only the labels matter.
type labelsOnly struct {
	Set
	labels  []int
	classes int
}

func (l labelsOnly) Len() int          { return len(l.labels) }
func (l labelsOnly) Label(i int) int   { return l.labels[i] }
func (l labelsOnly) Classes() []string { return make([]string, l.classes) }

func TestASampleTakesTheSameShareOfEveryClass(t *testing.T) {
	sorted := append(slices.Repeat([]int{0}, 60), append(slices.Repeat([]int{1}, 30), slices.Repeat([]int{2}, 10)...)...)
	var turns []int // as sets are that show their classes in turn
	for i := range 100 {
		turns = append(turns, i%10)
	}
	for _, c := range []struct {
		name   string
		labels []int
		n      int
		want   []int
	}{
		{"class after class", sorted, 10, []int{6, 3, 1}},
		{"a share that is no whole number", sorted, 7, []int{4, 2, 1}},
		{"fewer than there are classes", sorted, 2, []int{1, 1, 0}},
		{"one", sorted, 1, []int{1, 0, 0}},
		{"one after the other", turns, 20, slices.Repeat([]int{2}, 10)},
		{"one after the other, one of each", turns, 10, slices.Repeat([]int{1}, 10)},
		{"all but one", sorted, 99, []int{59, 30, 10}},
	} {
		set := labelsOnly{labels: c.labels, classes: len(c.want)}
		s := Sample(set, c.n)
		got := make([]int, len(c.want))
		for i := range s.Len() {
			got[s.Label(i)]++
		}
		if s.Len() != c.n || !slices.Equal(got, c.want) {
			t.Errorf("%s: %d images, of the classes %v, want %v", c.name, s.Len(), got, c.want)
		}
		indices := s.(subset).indices
		if again := Sample(set, c.n).(subset).indices; !slices.Equal(indices, again) {
			t.Errorf("%s: %v, and then %v", c.name, indices, again)
		}
		if !slices.IsSorted(indices) || len(slices.Compact(slices.Clone(indices))) != c.n {
			t.Errorf("%s: the images are %v", c.name, indices)
		}
	}
	set := labelsOnly{labels: sorted, classes: 3}
	for _, n := range []int{0, 100, 101} {
		if s := Sample(set, n); s.Len() != 100 {
			t.Errorf("of at most %d there are %d", n, s.Len())
		}
	}
	spread := Sample(labelsOnly{labels: make([]int, 100), classes: 1}, 4).(subset).indices
	if !slices.Equal(spread, []int{12, 37, 62, 87}) {
		t.Errorf("four of a hundred are %v", spread)
	}
}
