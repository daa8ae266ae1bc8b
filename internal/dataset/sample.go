package dataset

import (
	"cmp"
	"slices"
)

// Sample returns at most n images of set: always the same ones, of every class
// as large a share as of the others, spread evenly over its images. With n 0
// and where set has no more than n images it is set itself.
func Sample(set Set, n int) Set {
	if n <= 0 || n >= set.Len() {
		return set
	}
	return Subset(set, SampleIndices(set, n))
}

// SampleIndices returns which n images Sample takes, in order; n is at least 1 and
// at most their number.
func SampleIndices(set Set, n int) []int {
	byClass := make([][]int, len(set.Classes()))
	for i := range set.Len() {
		byClass[set.Label(i)] = append(byClass[set.Label(i)], i)
	}
	var chosen []int
	for class, take := range shares(byClass, n) {
		images := byClass[class]
		for i := range take {
			chosen = append(chosen, images[(2*i+1)*len(images)/(2*take)])
		}
	}
	slices.Sort(chosen)
	return chosen
}

// shares splits n among the classes in proportion to their images: what
// rounding down leaves goes to those that it cost most, of equal ones to the
// smallest class first, which may have none yet.
func shares(byClass [][]int, n int) []int {
	total := 0
	for _, images := range byClass {
		total += len(images)
	}
	take := make([]int, len(byClass))
	order := make([]int, len(byClass))
	left := n
	for class, images := range byClass {
		take[class] = n * len(images) / total
		left -= take[class]
		order[class] = class
	}
	slices.SortStableFunc(order, func(a, b int) int {
		lost := func(class int) int { return n * len(byClass[class]) % total }
		return cmp.Or(cmp.Compare(lost(b), lost(a)), cmp.Compare(len(byClass[a]), len(byClass[b])))
	})
	for _, class := range order[:left] {
		take[class]++
	}
	return take
}
