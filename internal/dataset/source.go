package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is a dataset with its parts; those that it does not have are nil.
type Source struct {
	Spec, Kind       string
	Train, Val, Test Set
	Notes            []string // what somebody who opens it should know
}

// kinds open what stands behind "kind:" in a SPEC.
var kinds = map[string]func(arg string) (*Source, error){
	"imagefolder": openImageFolder,
	"idx":         openIDX,
	"cifar10":     openCIFAR10,
	"cifar100":    openCIFAR100,
	"shapes":      openShapes,
}

const kindNames = "imagefolder:DIR, idx:DIR, cifar10:DIR, cifar100:DIR, shapes:"

// Open opens the dataset that a SPEC names: kind:ARGUMENT, or a path whose
// kind is recognised by what it holds.
func Open(spec string) (*Source, error) {
	kind, arg, ok := strings.Cut(spec, ":")
	open := kinds[kind]
	if !ok || open == nil {
		if _, err := os.Stat(spec); ok && err != nil && !strings.ContainsAny(kind, `/\.`) && len(kind) > 1 {
			return nil, fmt.Errorf("dataset %s: no kind is called %q; there are %s", spec, kind, kindNames)
		}
		var err error
		if kind, err = recognise(spec); err != nil {
			return nil, err
		}
		open, arg = kinds[kind], spec
	}
	src, err := open(arg)
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", spec, err)
	}
	src.Spec, src.Kind = spec, kind
	return src, nil
}

// recognise returns the kind of a path.
func recognise(path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("no dataset is named; give a folder of images or one of %s", kindNames)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("dataset %s: there is no such folder; give a folder of images or one of %s", path, kindNames)
	}
	if err != nil {
		return "", fmt.Errorf("dataset: %w", err)
	}
	if !info.IsDir() {
		return "", fmt.Errorf("dataset %s: is a file; unpack it and name the folder", path)
	}
	for _, k := range []struct{ kind, pattern string }{
		{"idx", "*idx3-ubyte*"}, {"cifar10", "data_batch_*.bin"}, {"cifar100", "train.bin"},
	} {
		if found, _ := filepath.Glob(filepath.Join(path, k.pattern)); len(found) > 0 {
			return k.kind, nil
		}
	}
	return "imagefolder", nil
}

// OpenSplit opens one part of a dataset: train, val or test, or for "" the
// first of val, test and train that there is. It returns the part's name.
func OpenSplit(spec, split string) (set Set, used string, err error) {
	src, err := Open(spec)
	if err != nil {
		return nil, "", err
	}
	parts := map[string]Set{"train": src.Train, "val": src.Val, "test": src.Test}
	if split == "" {
		for _, name := range []string{"val", "test", "train"} {
			if parts[name] != nil {
				return parts[name], name, nil
			}
		}
	}
	set, known := parts[split]
	if !known {
		return nil, "", fmt.Errorf("part %q is unknown; there are train, val and test", split)
	}
	if set == nil {
		var has []string
		for _, name := range []string{"train", "val", "test"} {
			if parts[name] != nil {
				has = append(has, name)
			}
		}
		return nil, "", fmt.Errorf("dataset %s: has no part %s, only %s", spec, split, strings.Join(has, " and "))
	}
	return set, split, nil
}

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
	notes = src.Notes
	train, val = src.Train, firstSet(src.Val, src.Test)
	if train == nil {
		return nil, nil, nil, fmt.Errorf("dataset %s: has no part to train on", o.Train)
	}
	if classes := train.Classes(); len(classes) == 1 {
		return nil, nil, nil, fmt.Errorf("dataset %s: has one class only, %q; a training needs two or more to tell apart", o.Train, classes[0])
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
		notes = append(notes, fmt.Sprintf("held out %d of %d images for validation (data.val_fraction %g)", val.Len(), val.Len()+train.Len(), o.ValFraction))
	case val == nil:
		notes = append(notes, "training without validation (data.val_fraction is 0)")
	}
	if train.Len() == 0 {
		return nil, nil, nil, fmt.Errorf("dataset %s: no images are left to train on; lower data.val_fraction", o.Train)
	}
	if val != nil {
		if val, err = sameClasses(train, val); err != nil {
			return nil, nil, nil, err
		}
	}
	notes = append(notes, fmt.Sprintf("%d training images of %d classes", train.Len(), len(train.Classes()))+validating(val))
	return train, val, notes, nil
}

func validating(val Set) string {
	if val == nil {
		return ""
	}
	return fmt.Sprintf(", %d for validation", val.Len())
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
		return nil, fmt.Errorf("the validation images have classes that the training images have not: %s", strings.Join(strange, ", "))
	}
	return relabelled{val, rows, train.Classes()}, nil
}

// Relabel returns set with its labels replaced by rows of a classifier:
// rows[i] is the row of set's class i, and classes names all rows.
func Relabel(set Set, rows []int, classes []string) Set { return relabelled{set, rows, classes} }

type relabelled struct {
	Set
	rows    []int
	classes []string
}

func (r relabelled) Label(i int) int   { return r.rows[r.Set.Label(i)] }
func (r relabelled) Classes() []string { return r.classes }
