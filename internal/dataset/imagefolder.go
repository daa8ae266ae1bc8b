package dataset

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/inception-go/inception/internal/picture"
)

// imageFolder is a set of image files, one folder a class.
type imageFolder struct {
	dir     string
	classes []string // in Unicode's form NFC
	files   []imageFile
	decoding
}

type imageFile struct {
	path  string
	label int
}

func (f *imageFolder) Len() int          { return len(f.files) }
func (f *imageFolder) Classes() []string { return f.classes }
func (f *imageFolder) Label(i int) int   { return f.files[i].label }
func (f *imageFolder) Name(i int) string { return f.files[i].path }

// Image reads and decodes file i.
func (f *imageFolder) Image(i int) (picture.Image, error) {
	return ReadPicture(f.files[i].path, f.decoder)
}

// Lend reads and decodes file i.
func (f *imageFolder) Lend(i int) (picture.Image, func(), error) {
	return LendPicture(f.files[i].path, f.decoder)
}

func (f *imageFolder) encoded(i int, most int64) ([]byte, error) {
	file, err := openRegular(f.files[i].path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most))
	return data, withoutPath(err)
}

// key names image i wherever its folder lies and however its system writes
// names.
func (f *imageFolder) key(i int) string {
	below := strings.TrimPrefix(f.files[i].path, f.dir)
	return norm.NFC.String(strings.TrimPrefix(filepath.ToSlash(below), "/"))
}

// openImageFolder opens DIR/CLASS/IMAGE, or DIR/train/CLASS/IMAGE with the
// parts val and test beside it or without train.
func openImageFolder(dir string) (*Source, error) {
	l, err := lookAt(dir)
	if err != nil {
		return nil, err
	}
	if len(l.flat)+len(l.deep) > 0 && len(l.deep) == 0 && len(l.others) == 0 {
		return nil, fmt.Errorf("%s holds the %s with images and no class folders below; expected %s",
			dir, l.names(l.flat), filepath.Join(dir, l.flat[0].name, "CLASS", "IMAGE.jpg"))
	}
	if len(l.deep) == 0 || l.ambiguous() {
		set, left, warnings, err := readClasses(dir)
		if err != nil {
			return nil, err
		}
		return &Source{Train: set, left: map[string]leftOut{"train": left}, Warnings: warnings}, nil
	}
	return openParts(dir, l)
}

// openParts opens a folder with parts.
func openParts(dir string, l layout) (*Source, error) {
	src := &Source{left: map[string]leftOut{}}
	sets := map[string]*Set{"train": &src.Train, "val": &src.Val, "test": &src.Test}
	for _, p := range l.deep {
		if *sets[p.part] != nil {
			return nil, fmt.Errorf("%s has two folders for the part %s, the second is %q; keep one", dir, p.part, p.name)
		}
		set, left, warnings, err := readClasses(filepath.Join(dir, p.name))
		if err != nil {
			return nil, err
		}
		*sets[p.part], src.left[p.part] = set, left
		src.Warnings = append(src.Warnings, warnings...)
	}
	for _, p := range l.flat {
		src.Warnings = append(src.Warnings, fmt.Sprintf("part %q in %s is left out: its images are in no class folders",
			p.name, dir))
	}
	for _, p := range l.empty {
		src.Warnings = append(src.Warnings, fmt.Sprintf("part %q in %s is left out: it has no image (%s)",
			p.name, dir, strings.Join(extensions, ", ")))
	}
	if len(l.others) > 0 {
		src.Warnings = append(src.Warnings, fmt.Sprintf("folders beside the parts of %s are not read: %s",
			dir, quoted(l.others)))
	}
	return src, src.countBeside(dir, l)
}

// countBeside counts what lies beside the parts, as left out of the first.
func (s *Source) countBeside(dir string, l layout) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	left := s.left[l.deep[0].part]
	for _, e := range entries {
		if slices.ContainsFunc(l.deep, func(p partFolder) bool { return p.name == e.Name() }) {
			continue
		}
		path := filepath.Join(dir, e.Name())
		reason := passedOver(e)
		if reason == "" {
			reason = besideParts
		}
		left.add(reason, path, filesBelow(path, e))
	}
	return nil
}

// readClasses lists the images below each folder of dir. Folders without any
// are left out with a warning.
func readClasses(dir string) (*imageFolder, leftOut, []string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, nil, err
	}
	left := leftOut{}
	images := map[string][]string{} // by class
	var folders, empty, twice, deeper []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if !isFolder(path) || passedOver(e) != "" {
			w := &walk{left: left}
			_ = w.entry(dir, dir, e) // a file
			for _, image := range w.images {
				left.add(outsideClasses, image, 1)
			}
			continue
		}
		w := newWalk()
		w.left = left
		if err := w.class(dir, path); err != nil {
			return nil, nil, nil, err
		}
		if err := refuseParts(dir, e.Name(), w.images); err != nil {
			return nil, nil, nil, err
		}
		folders = append(folders, e.Name())
		name := norm.NFC.String(e.Name())
		if len(w.images) == 0 {
			empty = append(empty, e.Name())
			continue
		}
		if images[name] != nil {
			twice = append(twice, e.Name())
		}
		if below := foldersOf(path, w.images); len(below) > 1 {
			deeper = append(deeper, filepath.Join(e.Name(), below[0]), filepath.Join(e.Name(), below[1]))
		}
		images[name] = append(images[name], w.images...)
	}
	if len(images) == 0 {
		return nil, nil, nil, noClasses(dir, folders, left)
	}
	var warnings []string
	if len(empty) > 0 {
		warnings = append(warnings, fmt.Sprintf("class folders of %s without an image are left out: %s (images end in %s)",
			dir, quoted(empty), strings.Join(extensions, ", ")))
	}
	if len(twice) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s: folders whose names are the same in Unicode's form NFC "+
			"are one class: %s", dir, quoted(twice)))
	}
	if len(deeper) > 0 {
		warnings = append(warnings, fmt.Sprintf("%s has folders of folders: those of %s are one class; if they are classes, "+
			"name the folder right above them", dir, quoted(deeper[:2])))
	}
	return collect(dir, images), left, warnings, nil
}

// foldersOf names two folders right below dir that hold images of it, or one if
// there is one; none if some lie in dir itself.
func foldersOf(dir string, images []string) (all []string) {
	for _, image := range images {
		below := strings.TrimPrefix(strings.TrimPrefix(filepath.ToSlash(image), filepath.ToSlash(dir)), "/")
		first, _, deeper := strings.Cut(below, "/")
		if !deeper {
			return nil
		}
		if len(all) < 2 && !slices.Contains(all, first) {
			all = append(all, first)
		}
	}
	return all
}

// class lists the images of a class folder, which may be a link, but not to a
// folder that holds dir.
func (w *walk) class(dir, path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if contains(real, root) {
		w.left.add(circularLink, path, 1)
		return nil
	}
	return w.below(path)
}

// collect makes a set of the images of classes, which come in the order of
// their names.
func collect(dir string, images map[string][]string) *imageFolder {
	f := &imageFolder{dir: dir}
	for name := range images {
		f.classes = append(f.classes, name)
	}
	slices.Sort(f.classes)
	for label, name := range f.classes {
		for _, path := range images[name] {
			f.files = append(f.files, imageFile{path, label})
		}
	}
	return f
}

// noClasses says why a folder has no classes.
func noClasses(dir string, folders []string, left leftOut) error {
	found := DescribeLeftOut(left.list())
	if found != "" {
		found = "; " + found
	}
	if len(folders) > 0 {
		return fmt.Errorf("no class folder of %s has an image (%s): %s%s",
			dir, strings.Join(extensions, ", "), quoted(folders), found)
	}
	return fmt.Errorf("%s has no class folders; expected %s or %s%s", dir,
		filepath.Join(dir, "CLASS", "IMAGE.jpg"), filepath.Join(dir, "train", "CLASS", "IMAGE.jpg"), found)
}

// quoted lists the first few names.
func quoted(names []string) string {
	const most = 5
	var all []string
	for _, name := range names[:min(most, len(names))] {
		all = append(all, fmt.Sprintf("%q", name))
	}
	if more := len(names) - most; more > 0 {
		all = append(all, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(all, ", ")
}
