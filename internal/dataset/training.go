package dataset

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// OpenTraining opens the images of a training. Validation images are those of
// o.Val, else data.train's own val or test part, else a share of every class of
// the training images that is then left out there; val is nil without any.
func OpenTraining(o Options, seed uint64) (train, val Set, notes []string, err error) {
	if o.Train == "" {
		return nil, nil, nil, errors.New("no training images: set data.train or give --data")
	}
	src, err := Open(o.Train)
	if err != nil {
		return nil, nil, nil, err
	}
	train, val = src.Train, firstSet(src.Val, src.Test)
	if train == nil {
		return nil, nil, nil, fmt.Errorf("dataset %s: has no part to train on", o.Train)
	}
	if classes := train.Classes(); len(classes) == 1 {
		return nil, nil, nil, fmt.Errorf("dataset %s: has one class only, %q; a training needs two or more to tell apart",
			o.Train, classes[0])
	}
	switch {
	case o.Val != "":
		if val, _, err = OpenSplit(o.Val, ""); err != nil {
			return nil, nil, nil, err
		}
	case val == nil && o.ValFraction > 0:
		rest, held := holdOut(train, o.ValFraction, seed)
		if held.Len() == 0 {
			notes = append(notes, "training without validation: no class has an image to spare")
			break
		}
		train, val = rest, held
		notes = append(notes, fmt.Sprintf("held out %d of %d images for validation (data.val_fraction %g)",
			val.Len(), val.Len()+train.Len(), o.ValFraction))
	case val == nil:
		notes = append(notes, "training without validation (data.val_fraction is 0)")
	}
	if train.Len() == 0 {
		return nil, nil, nil, fmt.Errorf("dataset %s: no images are left to train on; lower data.val_fraction",
			o.Train)
	}
	if val != nil {
		if val, err = sameClasses(train, val); err != nil {
			return nil, nil, nil, err
		}
	}
	images := fmt.Sprintf("%d training images of %d classes", train.Len(), len(train.Classes()))
	if val != nil {
		images += fmt.Sprintf(", %d for validation", val.Len())
	}
	return train, val, append(notes, images), nil
}

func firstSet(sets ...Set) Set {
	for _, s := range sets {
		if s != nil {
			return s
		}
	}
	return nil
}

// holdOut takes a share of every class out of set, rounded, but neither all
// nor, of a class with two images or more, none.
func holdOut(set Set, fraction float64, seed uint64) (rest, held Set) {
	byClass := make([][]int, len(set.Classes()))
	for i := range set.Len() {
		byClass[set.Label(i)] = append(byClass[set.Label(i)], i)
	}
	rng := rand.New(rand.NewPCG(seed, 0x686f6c64))
	var stay, out []int
	for _, images := range byClass {
		rng.Shuffle(len(images), func(i, j int) { images[i], images[j] = images[j], images[i] })
		n := int(math.Round(fraction * float64(len(images))))
		n = max(min(n, len(images)-1), min(1, len(images)-1))
		n = max(n, 0)
		out = append(out, images[:n]...)
		stay = append(stay, images[n:]...)
	}
	slices.Sort(stay)
	slices.Sort(out)
	return Subset(set, stay), Subset(set, out)
}

// sameClasses returns val with its labels in the order of train's classes.
func sameClasses(train, val Set) (Set, error) {
	if slices.Equal(train.Classes(), val.Classes()) {
		return val, nil
	}
	var strange []string
	rows := make([]int, len(val.Classes()))
	for i, name := range val.Classes() {
		if rows[i] = slices.Index(train.Classes(), name); rows[i] < 0 {
			strange = append(strange, fmt.Sprintf("%q", name))
		}
	}
	if len(strange) > 0 {
		return nil, fmt.Errorf("the validation images have classes that the training images do not have: %s",
			strings.Join(strange, ", "))
	}
	return relabelled{val, rows, train.Classes()}, nil
}
