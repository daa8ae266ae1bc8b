package dataset

import (
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/picture"
)

// Source is a dataset with its parts; those that it does not have are nil.
type Source struct {
	Spec, Kind       string
	Train, Val, Test Set
	Warnings         []string // what is likely to be not as it was meant, a line each

	left map[string]leftOut // by part
}

// Part is a part of a dataset: train, val or test.
type Part struct {
	Name    string
	Set     Set
	LeftOut []LeftOut // files that are not read
	Alone   bool      // there is no other part
}

// Parts returns the parts that there are.
func (s *Source) Parts() []Part {
	var parts []Part
	for _, p := range []Part{{Name: "train", Set: s.Train}, {Name: "val", Set: s.Val}, {Name: "test", Set: s.Test}} {
		if p.Set != nil {
			p.LeftOut = s.left[p.Name].list()
			parts = append(parts, p)
		}
	}
	if len(parts) == 1 {
		parts[0].Alone = true
	}
	return parts
}

// Unlike says how the classes of parts differ from those to train on.
func (s *Source) Unlike() (all []string) {
	for _, p := range s.Parts() {
		if s.Train == nil || p.Name == "train" {
			continue
		}
		set, err := sameClasses(s.Train, p.Set)
		if err != nil {
			all = append(all, strings.ReplaceAll(err.Error(), "validation images", "images of the part "+p.Name))
			continue
		}
		if missing := classesWithout(set); len(missing) > 0 {
			all = append(all, fmt.Sprintf("no image of the part %s is of class %s", p.Name, quoted(missing)))
		}
	}
	return all
}

// Open opens the dataset that a SPEC names: kind:ARGUMENT, or a path whose
// kind is recognised by what it holds.
func Open(spec string) (*Source, error) { return DefaultOptions().Open(spec) }

// Open is the function of that name with the limits that o sets to pictures.
func (o Options) Open(spec string) (*Source, error) { return openWith(o.Decoder(), spec) }

// openWith opens a dataset whose pictures d decodes.
func openWith(d *picture.Decoder, spec string) (*Source, error) {
	k, arg, err := parse(spec)
	if err == nil && k == nil {
		k, err = recognise(arg)
	}
	if err != nil {
		return nil, err
	}
	src, err := k.open(arg)
	if err != nil {
		return nil, fmt.Errorf("dataset %s: %w", spec, err)
	}
	src.Spec, src.Kind = spec, k.Name
	for _, p := range src.Parts() {
		if files, ok := p.Set.(encodedSet); ok {
			files.decodeBy(d)
		}
	}
	return src, nil
}

// OpenSplit opens one part of a dataset: train, val or test, or for "" the
// first of val, test and train that there is. Warnings are those of all parts.
func (o Options) OpenSplit(spec, split string) (p Part, warnings []string, err error) {
	return openSplit(o.Decoder(), spec, split)
}

func openSplit(d *picture.Decoder, spec, split string) (p Part, warnings []string, err error) {
	src, err := openWith(d, spec)
	if err != nil {
		return p, nil, err
	}
	order := []string{split}
	switch split {
	case "":
		order = []string{"val", "test", "train"}
	case "train", "val", "test":
	default:
		return p, nil, fmt.Errorf("part %q is unknown; there are train, val and test", split)
	}
	for _, name := range order {
		if p, ok := src.part(name); ok {
			return p, src.Warnings, nil
		}
	}
	var has []string
	for _, p := range src.Parts() {
		has = append(has, p.Name)
	}
	return p, nil, fmt.Errorf("dataset %s: has no part %s, only %s", spec, split, strings.Join(has, " and "))
}

// part returns the part of that name, if there is one.
func (s *Source) part(name string) (Part, bool) {
	for _, p := range s.Parts() {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}
