package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Kind is a kind of sources.
type Kind struct {
	Name  string
	Spec  string // how one is written
	About string // what one is, in a line

	recognise func(dir string) bool             // whether a folder is one; nil if nobody can tell
	open      func(arg string) (*Source, error) // arg is what stands behind "kind:"
	absolute  func(arg string) (string, error)  // the same arg from any folder
}

// Kinds returns all kinds of sources in their order.
func Kinds() []Kind { return slices.Clone(kinds) }

// kinds are told to people in this order, and asked in it whether a folder is
// theirs. The first takes a folder that is nobody's.
var kinds = []Kind{
	{
		Name: "imagefolder", Spec: "imagefolder:DIR", open: openImageFolder, absolute: filepath.Abs,
		About: "a folder of images for each class, DIR/CLASS/IMAGE, or such folders in DIR/train, val and test",
	},
	{
		Name: "idx", Spec: "idx:DIR", open: openIDX, absolute: filepath.Abs,
		recognise: holding("*idx3-ubyte*"),
		About:     "the IDX files of MNIST or Fashion-MNIST, gzip or not",
	},
	{
		Name: "cifar10", Spec: "cifar10:DIR", open: openCIFAR10, absolute: filepath.Abs,
		recognise: holding("data_batch_*.bin"),
		About:     "CIFAR-10's binary version, unpacked",
	},
	{
		Name: "cifar100", Spec: "cifar100:DIR", open: openCIFAR100, absolute: filepath.Abs,
		recognise: holding("train.bin"),
		About:     "CIFAR-100's binary version, unpacked; the fine labels",
	},
	{
		Name: "tar", Spec: "tar:GLOB", open: openTar, absolute: filepath.Abs,
		recognise: onlyHolding("*.tar"),
		About:     "tar archives of such folders, or WebDataset's shards; also without tar: before the path of one",
	},
	{
		Name: "tfrecord", Spec: "tfrecord:GLOB", open: openTFRecord, absolute: filepath.Abs,
		recognise: onlyHolding("*.tfrecord*"),
		About:     "TensorFlow's records of examples with image/encoded and image/class/label, or image and label",
	},
	{
		Name: "shapes", Spec: "shapes:", open: openShapes, absolute: asItIs,
		About: "ten shapes, drawn from a seed; shapes:?train=2000&val=500&size=64&seed=1 are the default values",
	},
}

// MissingError says that a dataset's folder does not exist.
type MissingError struct{ Path string }

// Error says what may be named in its place.
func (e *MissingError) Error() string {
	return fmt.Sprintf("dataset %s: there is no such folder; give a folder of images or one of %s", e.Path, Specs())
}

func holding(pattern string) func(dir string) bool {
	return func(dir string) bool {
		found, _ := filesLike(dir, pattern)
		return len(found) > 0
	}
}

// onlyHolding is holding, of folders without other folders.
func onlyHolding(pattern string) func(dir string) bool {
	return func(dir string) bool {
		entries, err := os.ReadDir(dir)
		return err == nil && holding(pattern)(dir) && !slices.ContainsFunc(entries, fs.DirEntry.IsDir)
	}
}

// kindOf returns the kind of that name.
func kindOf(name string) *Kind {
	return &kinds[slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })]
}

func asItIs(arg string) (string, error) { return arg, nil }

// Specs returns how sources of all kinds are written, in one line.
func Specs() string {
	var specs []string
	for _, k := range kinds {
		specs = append(specs, k.Spec)
	}
	return strings.Join(specs, ", ")
}

// Absolute returns a SPEC that means the same in every folder.
func Absolute(spec string) string {
	k, arg, err := parse(spec)
	if err != nil || spec == "" || spec == ValHoldOut {
		return spec // Open says what is wrong with it
	}
	absolute := filepath.Abs
	if k != nil {
		absolute = k.absolute
	}
	abs, err := absolute(arg)
	if err != nil {
		return spec
	}
	return strings.TrimSuffix(spec, arg) + abs
}

// parse returns the kind that a SPEC names and its argument, or no kind and the
// path that the SPEC is.
func parse(spec string) (k *Kind, arg string, err error) {
	name, arg, ok := strings.Cut(spec, ":")
	if i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name }); ok && i >= 0 {
		return &kinds[i], arg, nil
	}
	// A path may have a colon, and one letter alone is a drive of Windows.
	if _, err := os.Stat(spec); ok && err != nil && !strings.ContainsAny(name, `/\.`) && len(name) > 1 {
		return nil, "", fmt.Errorf("dataset %s: no kind is called %q; there are %s", spec, name, Specs())
	}
	return nil, spec, nil
}

// recognise returns the kind of a path.
func recognise(path string) (*Kind, error) {
	if path == "" {
		return nil, fmt.Errorf("no dataset is named; give a folder of images or one of %s", Specs())
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &MissingError{path}
	case err != nil:
		return nil, fmt.Errorf("dataset: %w", err)
	case info.Mode().IsRegular() && hasExtension(path, []string{".tar"}):
		return kindOf("tar"), nil
	case info.Mode().IsRegular() && hasExtension(path, []string{".tfrecord"}):
		return kindOf("tfrecord"), nil
	case info.Mode().IsRegular():
		return nil, fmt.Errorf("dataset %s: is a file; name the folder that it unpacks to, or a tar archive "+
			"(gunzip makes one of .tar.gz)", path)
	case !info.IsDir():
		return nil, fmt.Errorf("dataset %s: %w and no folder", path, irregular(info))
	}
	for i, k := range kinds {
		if k.recognise != nil && k.recognise(path) {
			return &kinds[i], nil
		}
	}
	return &kinds[0], refuseAmbiguous(path)
}
