package dataset

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/spelling"
)

// Training is the images of a training, and what people should know of them.
type Training struct {
	Train, Val Set      // Val is nil without validation
	ValPart    string   // the part of a dataset that Val is: val, test or train; HeldOut if it was held out
	Cuts       []uint64 // of each class, where the ranks of held-out images end; nil if none are
	Notes      []string // what was opened
	LeftOut    []string // which files are not read, a line a part
	Warnings   []string
}

// HeldOut is the ValPart of a share of the training images.
const HeldOut = "held out"

// OpenTraining opens the images of a training. Validation images are those of
// o.Val, else data.train's own val or test part, else, or with ValHoldOut, a
// share of every class of the training images that is then left out there.
func OpenTraining(o Options) (*Training, error) {
	if o.Train == "" {
		return nil, settings.Errorf("data.train", "no training images; set it or give --data")
	}
	decoder := o.Decoder()
	src, err := openWith(decoder, o.Train)
	if err != nil {
		return nil, err
	}
	t := &Training{Train: src.Train, Warnings: src.Warnings}
	if src.Train == nil {
		return nil, fmt.Errorf("dataset %s: has no part to train on, only %s; a folder train beside it would be one",
			o.Train, src.partNames())
	}
	if classes := src.Train.Classes(); len(classes) == 1 {
		return nil, fmt.Errorf("dataset %s: has one class only, %q; a training needs two or more to tell apart",
			o.Train, classes[0])
	}
	if train, ok := src.part("train"); ok {
		t.noteLeftOut(train)
	}
	if err := t.openVal(o, src, decoder); err != nil {
		return nil, err
	}
	if t.Train.Len() == 0 {
		return nil, fmt.Errorf("dataset %s: no images are left to train on; lower data.val_fraction", o.Train)
	}
	images := fmt.Sprintf("%d training images of %d classes", t.Train.Len(), len(t.Train.Classes()))
	if t.Val != nil {
		if t.Val, err = sameClasses(t.Train, t.Val); err != nil {
			return nil, fmt.Errorf("dataset %s: %w", cmp.Or(strings.TrimPrefix(o.Val, ValHoldOut), o.Train), err)
		}
		if missing := classesWithout(t.Val); len(missing) > 0 {
			t.Warnings = append(t.Warnings, "no validation image is of class "+quoted(missing))
		}
		images += fmt.Sprintf(", %d for validation", t.Val.Len())
	}
	t.Notes = append(t.Notes, images)
	return t, nil
}

func (s *Source) partNames() string {
	var names []string
	for _, p := range s.Parts() {
		names = append(names, p.Name)
	}
	return strings.Join(names, " and ")
}

func (t *Training) noteLeftOut(p Part) {
	if text := DescribeLeftOut(p.LeftOut); text != "" {
		t.LeftOut = append(t.LeftOut, p.Name+": "+text)
	}
}

// openVal finds the validation images.
func (t *Training) openVal(o Options, src *Source, d *picture.Decoder) error {
	if o.Val != "" && o.Val != ValHoldOut {
		return t.openOtherVal(o, d)
	}
	for _, name := range []string{"val", "test"} {
		if p, ok := src.part(name); ok && o.Val == "" {
			t.useVal(p, o.Train)
			return nil
		}
	}
	if o.ValFraction == 0 {
		t.Notes = append(t.Notes, "training without validation (data.val_fraction is 0)")
		return nil
	}
	rest, held, cuts := holdOut(t.Train, o.ValFraction, o.ValSeed)
	if held.Len() == 0 {
		t.Notes = append(t.Notes, "training without validation: no class has an image to spare")
		return nil
	}
	t.Train, t.Val, t.ValPart, t.Cuts = rest, held, HeldOut, cuts
	t.Notes = append(t.Notes, fmt.Sprintf("held out %d of %d images for validation (data.val_fraction %g)",
		held.Len(), held.Len()+rest.Len(), o.ValFraction))
	return nil
}

// openOtherVal opens the validation images that data.val names.
func (t *Training) openOtherVal(o Options, d *picture.Decoder) error {
	p, warnings, err := openSplit(d, o.Val, "")
	if err != nil {
		return err
	}
	t.Warnings = append(t.Warnings, warnings...)
	both := 0
	if ofFiles(t.Train) && ofFiles(p.Set) {
		both = Shared(t.Train, p.Set)
	} else if p.Name == "train" && Absolute(o.Val) == Absolute(o.Train) {
		both = p.Set.Len()
	}
	if both > 0 {
		t.Warnings = append(t.Warnings, fmt.Sprintf("data.val %s: %d of its %d images are training images themselves, "+
			"so it does not tell how the network does on others; leave data.val out to hold some out", o.Val, both, p.Set.Len()))
	}
	t.useVal(p, o.Val)
	return nil
}

// useVal takes a part as the validation images. Test images that choose the
// best weights measure them no longer, so that is said.
func (t *Training) useVal(p Part, spec string) {
	t.Val, t.ValPart = p.Set, p.Name
	t.noteLeftOut(p)
	if p.Name == "test" {
		t.Warnings = append(t.Warnings, fmt.Sprintf("%s has no part val, so validation uses its part test: "+
			"the test images choose the best weights, whose accuracy on them is then too high; "+
			"data.val names other images", spec))
	}
}

// holdOut takes a share of every class out of set, rounded, but neither all
// nor, of a class with two images or more, none. The images are ranked by a
// hash of their names, so that one more or less leaves the others where they
// are, but for the one next to the cut where the rounded share changes.
func holdOut(set Set, fraction float64, seed uint64) (rest, held Set, cuts []uint64) {
	type ranked struct {
		image int
		rank  uint64
	}
	byClass := make([][]ranked, len(set.Classes()))
	for i := range set.Len() {
		byClass[set.Label(i)] = append(byClass[set.Label(i)], ranked{i, rankOf(imageKey(set, i), seed)})
	}
	var stay, out []int
	cuts = make([]uint64, len(byClass))
	for class, images := range byClass {
		slices.SortFunc(images, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.rank, b.rank), a.image-b.image) })
		n := int(math.Round(fraction * float64(len(images))))
		n = max(min(n, len(images)-1), min(1, len(images)-1), 0)
		for i, image := range images {
			if i < n {
				out = append(out, image.image)
				cuts[class] = image.rank + 1
			} else {
				stay = append(stay, image.image)
			}
		}
	}
	slices.Sort(stay)
	slices.Sort(out)
	return Subset(set, stay), Subset(set, out), cuts
}

// Crossed returns the training images that were held out, and the held-out ones that
// may have been trained on, where images were held out by the same seed with other cuts.
func (t *Training) Crossed(cuts []uint64, seed uint64) (trained, held []string) {
	below := func(set Set, i int) bool { return rankOf(imageKey(set, i), seed) < cuts[set.Label(i)] }
	if len(cuts) != len(t.Train.Classes()) || slices.Equal(cuts, t.Cuts) {
		return nil, nil
	}
	for i := range t.Train.Len() {
		if below(t.Train, i) {
			trained = append(trained, t.Train.Name(i))
		}
	}
	for i := range t.Val.Len() {
		if !below(t.Val, i) {
			held = append(held, t.Val.Name(i))
		}
	}
	return trained, held
}

func rankOf(key string, seed uint64) uint64 {
	sum := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, seed), key...))
	return binary.LittleEndian.Uint64(sum[:])
}

// Fingerprint tells sets of images apart by their names and labels, wherever
// their folders lie.
func Fingerprint(set Set) string {
	h := sha256.New()
	for i := range set.Len() {
		fmt.Fprintf(h, "%d %q\n", set.Label(i), imageKey(set, i))
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:12])
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
			strange = append(strange, name)
		}
	}
	if len(strange) > 0 {
		return nil, fmt.Errorf("the validation images have classes that the training images do not have: %s%s",
			quoted(strange), cmp.Or(spelling.Suggest(strange[0], train.Classes()), "; name classes alike or leave these out"))
	}
	return relabelled{val, rows, train.Classes()}, nil
}

// classesWithout returns the classes of a set that none of its images has.
func classesWithout(set Set) (names []string) {
	for class, images := range ClassSizes(set) {
		if images == 0 {
			names = append(names, set.Classes()[class])
		}
	}
	return names
}
