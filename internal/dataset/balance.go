package dataset

import (
	"fmt"
	"math/rand/v2"
)

// balanced draws as many images as a set has, equally many of each class: of
// large classes some, in another choice each epoch, of small ones all, again
// and again. Draw d is of image d modulo the number of images, and no draw
// comes twice.
func balanced(set Set, rng *rand.Rand) []int {
	n := set.Len()
	byClass := make([][]int, len(set.Classes()))
	for i := range n {
		byClass[set.Label(i)] = append(byClass[set.Label(i)], i)
	}
	present := byClass[:0]
	for _, images := range byClass {
		if len(images) > 0 {
			rng.Shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
			present = append(present, images)
		}
	}
	// What does not divide goes to other classes each epoch.
	rng.Shuffle(len(present), func(i, j int) { present[i], present[j] = present[j], present[i] })
	draws := make([]int, n)
	for d := range draws {
		images, turn := present[d%len(present)], d/len(present)
		draws[d] = images[turn%len(images)] + n*(turn/len(images))
	}
	rng.Shuffle(n, func(i, j int) { draws[i], draws[j] = draws[j], draws[i] })
	return draws
}

// Inequality describes classes of very different sizes.
type Inequality struct {
	Largest, Smallest string  // classes of the training images
	Most, Fewest      int     // their images
	Share             float64 // of the validation images that are of Largest; of the training images without any
}

// inequalityFrom is the ratio of the largest to the smallest class that is
// worth a word: of two classes, one has 80% then.
const inequalityFrom = 4

// VeryUnequal reports whether the classes of a training's images differ much
// in size: then always giving the largest one as the answer looks like
// accuracy.
func VeryUnequal(train, val Set) (in Inequality, very bool) {
	sizes := ClassSizes(train)
	largest, smallest := 0, 0
	for class, n := range sizes {
		if n > sizes[largest] {
			largest = class
		}
		if n < sizes[smallest] {
			smallest = class
		}
	}
	in = Inequality{
		Largest: train.Classes()[largest], Most: sizes[largest],
		Smallest: train.Classes()[smallest], Fewest: sizes[smallest],
	}
	shown := train
	if val != nil {
		shown = val
	}
	in.Share = float64(ClassSizes(shown)[largest]) / float64(max(1, shown.Len()))
	return in, sizes[largest] >= inequalityFrom*max(1, sizes[smallest])
}

// String tells the figure to beat.
func (in Inequality) String() string {
	return fmt.Sprintf("the classes are very unequal: %q has %d training images, %q %d; "+
		"to answer %q always is right in %.1f%% of the validation, the figure to beat",
		in.Largest, in.Most, in.Smallest, in.Fewest, in.Largest, 100*in.Share)
}
