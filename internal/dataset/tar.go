package dataset

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/inception-go/inception/internal/picture"
)

// tarred is a set of pictures in tar archives, the shards.
type tarred struct {
	shards  []string // their paths
	classes []string // in Unicode's form NFC
	files   []tarFile
	decoding
}

// tarFile is where a picture lies.
type tarFile struct {
	shard, label int
	at, size     int64
	name, key    string // name is that in the archive
}

func (t *tarred) Len() int          { return len(t.files) }
func (t *tarred) Classes() []string { return t.classes }
func (t *tarred) Label(i int) int   { return t.files[i].label }
func (t *tarred) Name(i int) string { return t.shards[t.files[i].shard] + ":" + t.files[i].name }
func (t *tarred) key(i int) string  { return t.files[i].key }

// Image reads and decodes picture i.
func (t *tarred) Image(i int) (picture.Image, error) {
	data, err := t.encoded(i, maxFile)
	if err != nil {
		return picture.Image{}, err
	}
	return t.decoder.Decode(data)
}

// Lend reads and decodes picture i.
func (t *tarred) Lend(i int) (picture.Image, func(), error) {
	data, err := t.encoded(i, maxFile)
	if err != nil {
		return picture.Image{}, func() {}, err
	}
	return t.decoder.Lend(data)
}

func (t *tarred) encoded(i int, most int64) ([]byte, error) {
	file := t.files[i]
	f, err := openRegular(t.shards[file.shard])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, min(file.size, most))
	if _, err := f.ReadAt(data, file.at); err != nil {
		return nil, fmt.Errorf("the archive is shorter than it was: %w", withoutPath(err))
	}
	return data, nil
}

// openTar opens the archives that a pattern of paths names, or those in a folder. They
// hold folders of images as openImageFolder reads them, or WebDataset's samples: files
// that are named alike up to the first point, a picture and its class in .cls.
func openTar(pattern string) (*Source, error) {
	shards, err := shardsOf(pattern)
	if err != nil {
		return nil, err
	}
	b := tarBuilder{parts: map[string]*tarPart{}, left: leftOut{}}
	samples := false
	for _, path := range shards {
		s, err := readShard(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if s.endless {
			b.warnings = append(b.warnings, path+" has no end, so it may be cut off: the pictures up to there are used")
		}
		b.shards = append(b.shards, s)
		samples = samples || len(s.labels) > 0
	}
	if samples {
		b.takeSamples()
	} else {
		b.takeFolders()
	}
	return b.source(shards)
}

// shardsOf lists the archives of a pattern, sorted.
func shardsOf(pattern string) ([]string, error) {
	if isFolder(pattern) {
		pattern = filepath.Join(pattern, "*.tar")
	}
	found, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("%w; * stands for any characters, [0-9] for one of some", err)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no file is called so; give a path of tar archives, in which * stands for any characters")
	}
	return found, nil
}

// shard is what an archive holds.
type shard struct {
	part     string // that its name stands for, "" if none
	pictures []tarFile
	labels   map[string]string // the texts of .cls by sample
	left     leftOut
	endless  bool // without the blocks of zeros that end an archive
}

// mostLabel bounds a class in .cls, in bytes.
const mostLabel = 1 << 10

// readShard lists an archive without reading its pictures.
func readShard(path string) (s shard, err error) {
	s = shard{part: likePart(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))), labels: map[string]string{}, left: leftOut{}}
	f, err := openRegular(path)
	if err != nil {
		return s, err
	}
	defer f.Close()
	if err := refuseCompressed(f); err != nil {
		return s, err
	}
	r := tar.NewReader(f) // which seeks over what is not read
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			s.endless, err = lacksEnd(f)
			return s, err
		}
		if err != nil {
			return s, fmt.Errorf("is no whole tar archive: %w", err)
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
	if err != nil {
		return false, err
	}
	block := make([]byte, 512)
	_, err = f.ReadAt(block, max(0, info.Size()-int64(len(block))))
	return strings.Trim(string(block), "\x00") != "" || info.Size()%int64(len(block)) != 0, err
}

// refuseCompressed says what to do about an archive in which nothing can be found
// without unpacking all before it.
func refuseCompressed(f *os.File) error {
	start := make([]byte, 6)
	if n, _ := io.ReadFull(f, start); n < len(start) {
		return errors.New("is no whole tar archive: it is empty")
	}
	for how, magic := range map[string]string{"gunzip": "\x1f\x8b", "unzstd": "\x28\xb5\x2f\xfd", "unxz": "\xfd7zXZ\x00", "bunzip2": "BZh"} {
		if strings.HasPrefix(string(start), magic) {
			return fmt.Errorf("is compressed, so its pictures cannot be read one by one; %s makes a tar archive of it", how)
		}
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// entry takes in an entry of the archive, whose data begin at a byte.
func (s *shard) entry(archive string, h *tar.Header, at int64, data io.Reader) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	shown := archive + ":" + name
	switch {
	case h.Typeflag == tar.TypeDir, h.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case h.Typeflag != tar.TypeReg:
		s.left.add(notRegular, shown, 1)
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
		s.labels[sampleOf(name)] = label
	case hasExtension(name, heic):
		s.left.add(isHEIC, shown, 1)
	case !hasExtension(name, extensions):
		s.left.add(unknownExtension, shown, 1)
	case h.Size > maxFile:
		s.left.add(tooLarge, shown, 1)
	default:
		s.pictures = append(s.pictures, tarFile{at: at, size: h.Size, name: name})
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
