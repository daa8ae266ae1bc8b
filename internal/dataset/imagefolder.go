package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/picture"
)

// imageFolder is a set of image files, one folder a class.
type imageFolder struct {
	classes []string
	files   []imageFile
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
	data, err := os.ReadFile(f.files[i].path)
	if err != nil {
		if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
			err = inner.Err // the caller names the file
		}
		return picture.Image{}, err
	}
	return picture.Decode(bytes.NewReader(data))
}

// The names that the folders of a dataset's parts go by.
var (
	trainFolders = []string{"train", "training"}
	valFolders   = []string{"val", "valid", "validation"}
	testFolders  = []string{"test"}
)

// openImageFolder opens DIR/CLASS/IMAGE, or DIR/train/CLASS/IMAGE with the
// parts val and test beside it.
func openImageFolder(dir string) (*Source, error) {
	train := subfolder(dir, trainFolders)
	if train == "" {
		set, err := readClasses(dir)
		if err != nil {
			return nil, err
		}
		return &Source{Train: set}, nil
	}
	src := &Source{}
	for _, part := range []struct {
		folder string
		to     *Set
	}{{train, &src.Train}, {subfolder(dir, valFolders), &src.Val}, {subfolder(dir, testFolders), &src.Test}} {
		if part.folder == "" {
			continue
		}
		set, err := readClasses(part.folder)
		if err != nil {
			return nil, err
		}
		*part.to = set
	}
	return src, nil
}

func subfolder(dir string, names []string) string {
	for _, name := range names {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path
		}
	}
	return ""
}

// readClasses lists the images below each folder of dir.
func readClasses(dir string) (Set, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	f := &imageFolder{}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // through links
		if strings.HasPrefix(e.Name(), ".") || err != nil || !info.IsDir() {
			continue
		}
		files, err := ImagesBelow(path)
		if err != nil {
			return nil, err
		}
		if len(files) == 0 {
			return nil, fmt.Errorf("class folder %q in %s has no image (%s); add some or remove the folder",
				e.Name(), dir, strings.Join(extensions, ", "))
		}
		for _, file := range files {
			f.files = append(f.files, imageFile{file, len(f.classes)})
		}
		f.classes = append(f.classes, e.Name())
	}
	if len(f.classes) == 0 {
		return nil, fmt.Errorf("%s has no class folders; expected %s or %s", dir,
			filepath.Join(dir, "CLASS", "IMAGE.jpg"), filepath.Join(dir, "train", "CLASS", "IMAGE.jpg"))
	}
	return f, nil
}

// extensions are those of the files that are read.
var extensions = []string{".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"}

// ImagesBelow lists the image files in a folder and below, sorted; hidden ones
// are left out.
func ImagesBelow(dir string) ([]string, error) {
	if resolved, err := filepath.EvalSymlinks(dir); err == nil {
		dir = resolved
	}
	var files []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasPrefix(e.Name(), ".") && path != dir:
			if e.IsDir() {
				return filepath.SkipDir
			}
		case !e.IsDir() && slices.Contains(extensions, strings.ToLower(filepath.Ext(path))):
			files = append(files, path)
		}
		return nil
	})
	return files, err
}
