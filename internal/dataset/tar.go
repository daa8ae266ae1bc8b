package dataset

import (
	"archive/tar"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// openTar opens the archives that a pattern of paths names, or those in a folder. They
// hold folders of images as openImageFolder reads them, or WebDataset's samples: files
// that are named alike up to the first point, a picture and its class in .cls.
func openTar(pattern string) (*Source, error) {
	shards, err := shardsOf(pattern, "*.tar")
	if err != nil {
		return nil, err
	}
	all, samples := tars{archives: newArchives()}, false
	for _, path := range shards {
		s, err := readTar(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if s.endless {
			all.warnings = append(all.warnings, path+" has no end, so it may be cut off: the pictures up to there are used")
		}
		all.shards = append(all.shards, s)
		samples = samples || len(s.labels) > 0
	}
	if samples {
		all.takeSamples()
	} else {
		if err := all.takeFolders(); err != nil {
			return nil, err
		}
	}
	return all.source(archived{shards: shards})
}

// tars are archives under way to parts and classes.
type tars struct {
	*archives
	shards []tarShard
}

// tarShard is what an archive holds.
type tarShard struct {
	part     string // that its name stands for, "" if none
	pictures []member
	at       map[string]int    // in pictures, by name
	labels   map[string]string // the texts of .cls by sample
	left     leftOut
	endless  bool // without the blocks of zeros that end an archive
}

// mostPath bounds the name of an entry, in bytes, as Linux does that of a file.
const mostPath = 4096

// mostLabel bounds a class in .cls, in bytes.
const mostLabel = 1 << 10

// readTar lists an archive without reading its pictures.
func readTar(path string) (s tarShard, err error) {
	s = tarShard{part: likePart(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))), at: map[string]int{},
		labels: map[string]string{}, left: leftOut{}}
	f, err := openRegular(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	r := tar.NewReader(f) // which seeks over what is not read
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			s.endless, err = lacksEnd(f)
			return s, err
		}
		if err != nil {
			return s, cmp.Or(compressed(f), fmt.Errorf("is no whole tar archive: %w", err))
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err == nil {
			err = s.entry(path, h, at, r)
		}
		if err != nil {
			return s, err
		}
	}
}

// lacksEnd reports whether an archive does not end in a block of zeros, as one does that
// was cut off between two entries.
func lacksEnd(f *os.File) (bool, error) {
	info, err := f.Stat()
	if err == nil && info.Size() == 0 {
		err = errors.New("is no whole tar archive: it is empty")
	}
	if err != nil {
		return false, err
	}
	block := make([]byte, 512)
	_, err = f.ReadAt(block, max(0, info.Size()-int64(len(block))))
	return strings.Trim(string(block), "\x00") != "" || info.Size()%int64(len(block)) != 0, err
}

// compressed says what to do about a file that is not what it should be if it is
// compressed: in such a one nothing can be found without unpacking all before it.
func compressed(f *os.File) error {
	start := make([]byte, 6)
	n, _ := f.ReadAt(start, 0)
	for how, magic := range map[string]string{
		"gunzip": "\x1f\x8b", "unzstd": "\x28\xb5\x2f\xfd", "unxz": "\xfd7zXZ\x00", "bunzip2": "BZh",
	} {
		if strings.HasPrefix(string(start[:n]), magic) {
			return fmt.Errorf("is compressed, so its pictures cannot be read one by one; name what %s makes of it", how)
		}
	}
	return nil
}

// entry takes in an entry of the archive, whose data begin at a byte.
func (s *tarShard) entry(archive string, h *tar.Header, at int64, data io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	shown := archive + ":" + name
	switch {
	case h.Typeflag == tar.TypeDir, h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case h.Typeflag != tar.TypeReg || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != "":
		s.left.add(notRegular, shown, 1)
		return nil
	case len(name) > mostPath:
		s.left.add(tooDeep, shown[:mostPath], 1)
		return nil
	}
	for step := range strings.SplitSeq(name, "/") {
		if reason := passedOverName(step); reason != "" {
			s.left.add(reason, shown, 1)
			return nil
		}
	}
	switch {
	case strings.EqualFold(path.Ext(name), ".cls"):
		text, err := io.ReadAll(io.LimitReader(data, mostLabel+1))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		label := norm.NFC.String(strings.TrimSpace(string(text)))
		if len(text) > mostLabel || label == "" || strings.ContainsAny(label, "\n\x00") {
			return fmt.Errorf("%s: must hold a class, a line of at most %d bytes", name, mostLabel)
		}
		if name != sampleOf(name)+path.Ext(name) { // as 1.coarse.cls
			s.left.add(besidePicture, shown, 1)
			return nil
		}
		s.labels[sampleOf(name)] = label
	case hasExtension(name, heic):
		s.left.add(isHEIC, shown, 1)
	case !hasExtension(name, extensions):
		s.left.add(unknownExtension, shown, 1)
	case h.Size > maxFile:
		s.left.add(tooLarge, shown, 1)
	case h.Size == 0:
		s.left.add(isEmpty, shown, 1)
	default:
		m := member{at: at, size: h.Size, name: name}
		if i, again := s.at[name]; again { // as tar -r and -u write it, unpacking keeps the last
			s.pictures[i] = m
			return nil
		}
		s.at[name] = len(s.pictures)
		s.pictures = append(s.pictures, m)
	}
	return nil
}

// sampleOf returns what the files of a WebDataset's sample have in common: all up to
// the first point of the file's own name.
func sampleOf(name string) string {
	folder, file := path.Split(name)
	key, _, _ := strings.Cut(file, ".")
	return folder + key
}

// takeSamples takes pictures whose sample has a class.
func (t *tars) takeSamples() {
	for i, s := range t.shards {
		p := t.part(s.part)
		for _, file := range s.pictures {
			sample := sampleOf(file.name)
			class, ok := s.labels[sample]
			switch {
			case !ok:
				p.left.add(withoutClass, file.name, 1)
			case file.name != sample+path.Ext(file.name):
				p.left.add(besidePicture, file.name, 1)
			default:
				file.shard, file.key = i, file.name
				folder := path.Base(path.Dir(file.name))
				if folder == "." {
					folder = ""
				}
				p.take(file, class, folder)
			}
		}
		t.left.merge(s.left)
	}
}

// takeFolders takes pictures whose folder is their class, as in PART/CLASS/IMAGE, below
// folders that hold all of them.
func (t *tars) takeFolders() error {
	top := t.top()
	firsts := map[string]bool{} // the folders there, and whether they have folders with pictures
	for _, s := range t.shards {
		for _, file := range s.pictures {
			if steps := strings.Split(file.name, "/")[top:]; len(steps) > 1 {
				firsts[steps[0]] = firsts[steps[0]] || len(steps) > 2
			}
		}
	}
	parts, err := partsAmong(firsts)
	if err != nil {
		return err
	}
	for i, s := range t.shards {
		for _, file := range s.pictures {
			steps, part := strings.Split(file.name, "/")[top:], s.part
			if parts {
				if part = partOf(steps[0]); part == "" || len(steps) < 2 {
					t.left.add(besideParts, file.name, 1)
					continue
				}
				steps = steps[1:]
			}
			p := t.part(part)
			if len(steps) < 2 {
				p.left.add(outsideClasses, file.name, 1)
				continue
			}
			file.shard, file.key = i, strings.Join(steps, "/")
			p.take(file, steps[0], "")
		}
		t.left.merge(s.left)
	}
	return nil
}

// partsAmong reports whether folders, which may have folders of their own, are parts of a
// dataset: several are, or the only one. It refuses what a folder with those in it is
// refused for.
func partsAmong(folders map[string]bool) (bool, error) {
	names := slices.Sorted(maps.Keys(folders))
	alike := !slices.ContainsFunc(names, func(name string) bool { return likePart(name) == "" })
	named, like, others := map[string]string{}, map[string]string{}, 0
	for _, name := range names {
		part := partOf(name)
		if other := named[part]; part != "" && other != "" {
			return false, fmt.Errorf("the folders %q and %q are both the part %s; keep one", other, name, part)
		}
		if part == "" {
			if folders[name] || alike {
				like[likePart(name)] = name
			}
			others++
			continue
		}
		named[part] = name
	}
	if train := like["train"]; train != "" && cmp.Or(like["val"], like["test"]) != "" {
		return false, fmt.Errorf("the folders %q and %q look like parts of a dataset; call them train and val or test", train,
			cmp.Or(like["val"], like["test"]))
	}
	return len(named) > 1 || len(named) == 1 && others == 0, nil
}

// top counts the folders that hold all pictures and are neither a class nor a part.
func (t *tars) top() (n int) {
	for ; ; n++ {
		common := ""
		for _, s := range t.shards {
			for _, file := range s.pictures {
				steps := strings.Split(file.name, "/")
				if len(steps) < n+3 || common != "" && steps[n] != common || partOf(steps[n]) != "" {
					return n
				}
				common = steps[n]
			}
		}
		if common == "" {
			return n
		}
	}
}
