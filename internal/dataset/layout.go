package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// partNames are the names that the folders of a dataset's parts go by, in any
// case.
var partNames = map[string]string{
	"train": "train", "training": "train",
	"val": "val", "valid": "val", "validation": "val",
	"test": "test", "testing": "test",
}

// partOf returns the part that a folder's name stands for, "" if none.
func partOf(name string) string { return partNames[strings.ToLower(name)] }

// layout is what the folders in a folder are. Of those without any image only
// parts are in a list.
type layout struct {
	deep   []partFolder // have a part's name, and class folders with images
	flat   []partFolder // have a part's name, and images but no class folders
	empty  []partFolder // have a part's name, and no image
	others []string
}

type partFolder struct{ part, name string }

// lookAt finds out what the folders in dir are, as far as parts are among
// them.
func lookAt(dir string) (l layout, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return l, err
	}
	var others []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if passedOver(e) != "" || !isFolder(path) {
			continue
		}
		part := partOf(e.Name())
		if part == "" {
			others = append(others, e.Name())
			continue
		}
		flat, deep, err := imagesAt(path)
		if err != nil {
			return l, err
		}
		folder := partFolder{part, e.Name()}
		switch {
		case deep:
			l.deep = append(l.deep, folder)
		case flat:
			l.flat = append(l.flat, folder)
		default:
			l.empty = append(l.empty, folder)
		}
	}
	if len(l.deep)+len(l.flat) == 0 {
		return l, nil
	}
	for _, name := range others {
		if has, err := holdsImage(filepath.Join(dir, name)); err != nil {
			return l, err
		} else if has {
			l.others = append(l.others, name)
		}
	}
	return l, nil
}

// ambiguous reports whether a folder with a part's name may as well be a
// class: one alone beside folders that are not parts.
func (l layout) ambiguous() bool {
	return len(l.deep) == 1 && len(l.others) > 0
}

// refuseAmbiguous is for a path of which nobody has said what it is.
func refuseAmbiguous(dir string) error {
	l, err := lookAt(dir)
	if err != nil {
		return err
	}
	if len(l.deep)+len(l.flat) == 0 {
		return refuseLikeParts(dir)
	}
	if !l.ambiguous() {
		return nil
	}
	name := l.deep[0].name
	return fmt.Errorf("%q may be a class or the part %s, beside %s; "+
		"imagefolder:%s reads all of them as classes, %s the part alone",
		name, l.deep[0].part, quoted(l.others), dir, filepath.Join(dir, name))
}

// refuseLikeParts refuses a folder without parts whose folders would be classes
// although they are called as parts in other words, as training_set and test_set.
// Where there are other folders too, they must also have folders of their own.
func refuseLikeParts(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var deep, flat, others []partFolder
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if passedOver(e) != "" || !isFolder(path) {
			continue
		}
		folder := partFolder{likePart(e.Name()), e.Name()}
		if folder.part == "" {
			others = append(others, folder)
			continue
		}
		hasImages, hasFolders, err := imagesAt(path)
		switch {
		case err != nil:
			return err
		case hasFolders:
			deep = append(deep, folder)
		case hasImages:
			flat = append(flat, folder)
		}
	}
	like := deep
	if len(others) == 0 {
		like = append(deep, flat...)
	}
	i := slices.IndexFunc(like, func(p partFolder) bool { return p.part == "train" })
	j := slices.IndexFunc(like, func(p partFolder) bool { return p.part != "train" })
	if i < 0 || j < 0 {
		return nil
	}
	return fmt.Errorf("%q and %q in %s look like the parts %s and %s of a dataset; call them so, "+
		"or name the folders apart, the class folders' own (--data DIR --val DIR); imagefolder:%s reads them as classes",
		like[i].name, like[j].name, dir, like[i].part, like[j].part, dir)
}

// likePart returns the part that a word in a folder's name stands for, as in
// seg_train, "Test images" or valset; "" if none does.
func likePart(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, word := range words {
		word = strings.ToLower(word)
		for _, end := range []string{"", "set", "data", "images"} {
			if part := partOf(strings.TrimSuffix(word, end)); part != "" {
				return part
			}
		}
	}
	return ""
}

// names lists folders as what they are called.
func (l layout) names(folders []partFolder) string {
	var names []string
	for _, p := range folders {
		names = append(names, p.name)
	}
	if len(names) == 1 {
		return "part " + quoted(names)
	}
	return "parts " + quoted(names)
}

// imagesAt reports whether a folder has images of its own, and whether the
// folders in it have.
func imagesAt(dir string) (flat, deep bool, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, false, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case passedOver(e) != "":
		case !isFolder(path):
			flat = flat || hasExtension(path, extensions)
		case !deep:
			if deep, err = holdsImage(path); err != nil {
				return false, false, err
			}
		}
	}
	return flat, deep, nil
}

// holdsImage reports whether there is an image below a folder.
func holdsImage(dir string) (bool, error) {
	w := newWalk()
	w.most = 1
	err := w.below(dir)
	return len(w.images) > 0, err
}

func isFolder(path string) bool {
	info, err := os.Stat(path) // through links
	return err == nil && info.IsDir()
}

// refuseParts refuses a class folder that holds parts itself, whose images
// would all become one class: it is a dataset, or its class is split where the
// dataset should be.
func refuseParts(dir, class string, images []string) error {
	outside := 0
	var parts []string           // of the class folder
	nested := false              // they have class folders
	below := map[string]string{} // a part with class folders in a folder further down
	for _, image := range images {
		rest, err := filepath.Rel(filepath.Join(dir, class), image)
		if err != nil {
			return err
		}
		steps := strings.Split(rest, string(filepath.Separator))
		if len(steps) == 1 || partOf(steps[0]) == "" {
			outside++
			for k := 1; k+2 < len(steps); k++ {
				at, part := filepath.Join(append([]string{dir, class}, steps[:k]...)...), partOf(steps[k])
				if other := below[at]; part != "" && other != "" && other != part {
					return fmt.Errorf("%q in it is not a class but holds a dataset with parts; name the folder %s", class, at)
				}
				if part != "" {
					below[at] = part
				}
			}
			continue
		}
		nested = nested || len(steps) > 2
		if !slices.Contains(parts, steps[0]) {
			parts = append(parts, steps[0])
		}
	}
	switch {
	case len(parts) == 0, outside > 0, len(parts) == 1 && !nested:
		return nil
	case nested:
		return fmt.Errorf("%q in it is not a class but holds the parts %s; name the folder %s",
			class, quoted(parts), filepath.Join(dir, class))
	}
	return fmt.Errorf("class folder %q holds the parts %s; put the classes below the parts, as in %s",
		class, quoted(parts), filepath.Join(dir, parts[0], class, "IMAGE.jpg"))
}
