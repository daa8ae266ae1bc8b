package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// LeftOut counts the files of a dataset that are not read for one reason.
type LeftOut struct {
	Reason  string `json:"reason"`
	Files   int    `json:"files"`
	Example string `json:"example"` // one of them
}

// The reasons for which files are left out. A folder that some system keeps
// beside pictures is its own reason.
const (
	unknownExtension = "unknown extension"
	isHEIC           = "HEIC, which is not read: convert it to JPEG"
	hidden           = "hidden"
	notRegular       = "not a regular file"
	brokenLink       = "broken link"
	circularLink     = "link not followed: it leads back"
	tooDeep          = "path too long"
	outsideClasses   = "in no class folder"
	besideParts      = "beside the parts"
	withoutClass     = "without a class (.cls)"
	besidePicture    = "beside the picture of a sample"
	withoutPicture   = "without a picture (image/encoded)"
	withoutLabel     = "without a class (image/class/label)"
	isEmpty          = "empty"
	tooLarge         = "larger than 1 GiB"
)

// systemFolders hold thumbnails, copies and waste of the systems that pictures
// pass through: of macOS' archives, Synology, Jupyter, QNAP, Windows, Unix.
var systemFolders = []string{
	"__MACOSX", "@eaDir", "#recycle", ".ipynb_checkpoints", "@Recycle", "@Recently-Snapshot", ".@__thumb",
	"$RECYCLE.BIN", "System Volume Information", "lost+found", "__pycache__",
}

// extensions are those of the files that are read.
var extensions = []string{
	".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".webp", ".avif", ".bmp", ".dib", ".tif", ".tiff",
	".ppm", ".pgm", ".pbm", ".pnm",
}

// heic are the extensions of what no free decoder reads: HEVC is patented.
var heic = []string{".heic", ".heif"}

// ImagesBelow lists the image files in a folder and below, sorted. Links are
// followed; hidden files and what is not a regular file are left out.
func ImagesBelow(dir string) ([]string, error) {
	w := newWalk()
	err := w.below(dir)
	return w.images, err
}

// DescribeLeftOut says in a line what was left out, "" if nothing was.
func DescribeLeftOut(all []LeftOut) string {
	var parts []string
	files := 0
	for _, l := range all {
		files += l.Files
		parts = append(parts, fmt.Sprintf("%d %s (such as %s)", l.Files, l.Reason, OneLine(l.Example)))
	}
	if files == 0 {
		return ""
	}
	return fmt.Sprintf("left out %d beside the images: %s", files, strings.Join(parts, ", "))
}

// leftOut collects files that are left out, by reason.
type leftOut map[string]*LeftOut

func (l leftOut) add(reason, example string, files int) {
	if files == 0 {
		return
	}
	if l[reason] == nil {
		l[reason] = &LeftOut{Reason: reason, Example: example}
	}
	l[reason].Files += files
}

// merge takes in what others left out.
func (l leftOut) merge(other leftOut) {
	for reason, entry := range other {
		l.add(reason, entry.Example, entry.Files)
	}
}

// list returns the reasons, that of the most files first.
func (l leftOut) list() []LeftOut {
	all := []LeftOut{}
	for _, entry := range l {
		all = append(all, *entry)
	}
	slices.SortFunc(all, func(a, b LeftOut) int {
		return cmp.Or(b.Files-a.Files, strings.Compare(a.Reason, b.Reason))
	})
	return all
}

// walk lists image files and counts the others.
type walk struct {
	images []string
	left   leftOut
	most   int             // images after which it ends; 0 for none
	seen   map[string]bool // folders that were entered, without links in their paths
}

func newWalk() *walk { return &walk{left: leftOut{}, seen: map[string]bool{}} }

// below lists what is in a folder, which may be a link.
func (w *walk) below(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if err != nil {
		return err
	}
	return w.folder(dir, real)
}

// folder lists a folder whose path without links is real. Each is entered
// once, so that links cannot make a walk endless, nor a picture come as often
// as there are ways to it.
func (w *walk) folder(path, real string) error {
	if w.seen[real] {
		w.left.add(circularLink, path, 1)
		return nil
	}
	w.seen[real] = true
	entries, err := os.ReadDir(path)
	if errors.Is(err, syscall.ENAMETOOLONG) {
		w.left.add(tooDeep, path, 1)
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if w.most > 0 && len(w.images) >= w.most {
			return nil
		}
		if err := w.entry(path, real, e); err != nil {
			return err
		}
	}
	return nil
}

// entry takes in an entry of a folder.
func (w *walk) entry(dir, real string, e fs.DirEntry) error {
	path := filepath.Join(dir, e.Name())
	if reason := passedOver(e); reason != "" {
		w.left.add(reason, path, filesBelow(path, e))
		return nil
	}
	switch {
	case e.Type()&fs.ModeSymlink != 0:
		return w.link(path, real)
	case e.IsDir():
		return w.folder(path, filepath.Join(real, e.Name()))
	}
	w.file(path, e.Type())
	return nil
}

// link follows a link that lies in the folder real.
func (w *walk) link(path, real string) error {
	info, err := os.Stat(path)
	if err != nil {
		w.left.add(brokenLink, path, 1)
		return nil
	}
	if !info.IsDir() {
		w.file(path, info.Mode())
		return nil
	}
	target, err := filepath.EvalSymlinks(path)
	if err == nil {
		target, err = filepath.Abs(target)
	}
	switch {
	case err != nil:
		w.left.add(brokenLink, path, 1)
		return nil
	case contains(target, real):
		w.left.add(circularLink, path, 1)
		return nil
	}
	return w.folder(path, target)
}

// file takes in what is not a folder. Only regular files are ever opened: a
// pipe would wait for ever, a device never end.
func (w *walk) file(path string, mode fs.FileMode) {
	switch {
	case !mode.IsRegular():
		w.left.add(notRegular, path, 1)
	case hasExtension(path, heic):
		w.left.add(isHEIC, path, 1)
	case !hasExtension(path, extensions):
		w.left.add(unknownExtension, path, 1)
	default:
		w.images = append(w.images, path)
	}
}

// hasExtension reports whether a file's name ends in one of some extensions, in
// any case.
func hasExtension(path string, of []string) bool {
	return slices.Contains(of, strings.ToLower(filepath.Ext(path)))
}

// passedOver returns the reason why an entry is not looked at, "" if it is.
func passedOver(e fs.DirEntry) string { return passedOverName(e.Name()) }

func passedOverName(name string) string {
	for _, system := range systemFolders {
		if strings.EqualFold(name, system) {
			return system
		}
	}
	if strings.HasPrefix(name, ".") {
		return hidden
	}
	return ""
}

// filesBelow counts an entry's files, following no links.
func filesBelow(path string, e fs.DirEntry) (n int) {
	if !e.IsDir() {
		return 1
	}
	_ = filepath.WalkDir(path, func(_ string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir // what cannot be looked into is not read either
		case !e.IsDir():
			n++
		}
		return nil
	})
	return n
}

// contains reports whether path is dir or lies below it; both are without
// links.
func contains(dir, path string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || rest[0] == filepath.Separator || strings.HasSuffix(dir, string(filepath.Separator)))
}
