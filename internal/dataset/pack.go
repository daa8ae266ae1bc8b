package dataset

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/picture"
)

// Packing says how a dataset is packed into tar archives.
type Packing struct {
	Dir      string // of the archives, PART-000000.tar and so on
	Bytes    int64  // of an archive, about: the picture that goes beyond is its last
	Seed     uint64 // of the order, in which those who read from the front to the back see the pictures
	Progress func(done, total int)
}

// Pack writes the parts of a dataset as WebDataset's shards, which openTar reads too: each
// picture as CLASS/NAME.jpg, its bytes as they are or, where it has none of its own, as
// PNG, and its class' number in CLASS/NAME.cls. The same seed gives the same bytes. It
// returns the archives' paths. After an error there are none: some of them would look like
// a dataset.
func (s *Source) Pack(ctx context.Context, p Packing) (paths []string, err error) {
	defer func() {
		if err != nil {
			for _, path := range paths {
				os.Remove(path)
			}
			paths = nil
		}
	}()
	parts, err := s.alike()
	if err != nil {
		return nil, err
	}
	total, done := 0, 0
	for _, part := range parts {
		total += part.Set.Len()
	}
	for _, part := range parts {
		w := packer{set: part.Set, names: map[string]int{}}
		order := rand.New(rand.NewPCG(p.Seed, 0)).Perm(part.Set.Len())
		for len(order) > 0 {
			to := filepath.Join(p.Dir, fmt.Sprintf("%s-%06d.tar", part.Name, w.shards))
			packed := 0
			err := atomicfile.Write(to, func(out io.Writer) (err error) {
				packed, err = w.shard(ctx, out, order, p.Bytes, func() {
					done++
					p.Progress(done, total)
				})
				return err
			})
			if err != nil {
				return paths, err
			}
			paths, order = append(paths, to), order[packed:]
			w.shards++
		}
	}
	return paths, nil
}

// alike returns the parts with the classes of the part to train on, so that numbers mean the
// same in all, and refuses classes that cannot be folders of an archive.
func (s *Source) alike() ([]Part, error) {
	parts := s.Parts()
	for i := range parts {
		if s.Train != nil {
			set, err := sameClasses(s.Train, parts[i].Set)
			if err != nil {
				return nil, fmt.Errorf("part %s: %w", parts[i].Name, err)
			}
			parts[i].Set = set
		}
		for _, class := range parts[i].Set.Classes() {
			if strings.ContainsAny(class, "/\\\x00") || class == "" || passedOverName(class) != "" {
				return nil, fmt.Errorf("class %q cannot be a folder of an archive; give it another name", class)
			}
		}
	}
	return parts, nil
}

// packer writes the archives of a part.
type packer struct {
	set    Set
	shards int            // that are written
	names  map[string]int // of samples: how many there are, apart from a number behind them
}

// shard writes the first of the images that order lists, until they have so many bytes,
// and returns how many there are.
func (p *packer) shard(ctx context.Context, out io.Writer, order []int, most int64, each func()) (int, error) {
	packed := 0
	written := &counting{to: out}
	archive := tar.NewWriter(written)
	for _, i := range order {
		if ctx.Err() != nil {
			return packed, context.Cause(ctx)
		}
		data, ending, err := bytesOf(p.set, i)
		if err == nil {
			err = p.sample(archive, i, data, ending)
		}
		if err != nil {
			return packed, &ImageError{p.set.Name(i), err}
		}
		each()
		if packed++; written.bytes >= most {
			break
		}
	}
	return packed, archive.Close()
}

// sample writes an image and its class.
func (p *packer) sample(archive *tar.Writer, i int, data []byte, ending string) error {
	name := p.name(i)
	for _, file := range []struct {
		ending string
		data   []byte
	}{{ending, data}, {".cls", []byte(strconv.Itoa(p.set.Label(i)))}} {
		h := tar.Header{Name: name + file.ending, Mode: 0o644, Size: int64(len(file.data))}
		if err := archive.WriteHeader(&h); err != nil {
			return err
		}
		if _, err := archive.Write(file.data); err != nil {
			return err
		}
	}
	return nil
}

// name returns a name for the sample of image i, which no other one has: WebDataset's ends
// at the first point.
func (p *packer) name(i int) string {
	file := path.Base(imageKey(p.set, i))
	if hasExtension(file, extensions) {
		file = strings.TrimSuffix(file, path.Ext(file))
	}
	base := p.set.Classes()[p.set.Label(i)] + "/" + strings.ReplaceAll(file, ".", "_")
	name, n := base, p.names[base]
	for p.names[name] > 0 { // of another folder in the same class
		n++
		name = fmt.Sprintf("%s (%d)", base, n)
	}
	p.names[base] = max(1, n)
	p.names[name] = max(1, p.names[name])
	return name
}

// bytesOf returns an image as a file, and the ending of its name: of a file its own.
func bytesOf(set Set, i int) (data []byte, ending string, err error) {
	if files, at, ok := encodedOf(set, i); ok {
		data, err = files.encoded(at, maxFile+1)
		if len(data) > maxFile {
			err = fmt.Errorf("has more than %d bytes", maxFile)
		}
		ending = filepath.Ext(files.key(at))
		if !hasExtension(ending, extensions) {
			ending = cmp.Or(picture.Ending(data), ".jpg")
		}
		return data, ending, err
	}
	im, err := set.Image(i)
	if err != nil {
		return nil, "", err
	}
	var b bytes.Buffer
	err = png.Encode(&b, im.Picture())
	return b.Bytes(), ".png", err
}

// counting counts the bytes that it passes on.
type counting struct {
	to    io.Writer
	bytes int64
}

func (c *counting) Write(data []byte) (int, error) {
	n, err := c.to.Write(data)
	c.bytes += int64(n)
	return n, err
}
