package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/inception-go/inception/internal/tfrecord"
)

// openTFRecord opens the TFRecord files that a pattern of paths names, or those in a
// folder. Each record is a tensorflow.Example that holds a picture and its class.
func openTFRecord(pattern string) (*Source, error) {
	shards, err := shardsOf(pattern, "*.tfrecord*", "*-of-*")
	if err != nil {
		return nil, err
	}
	all := newArchives()
	for i, path := range shards {
		if err := readRecords(all, i, path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return all.source(archived{shards: shards, intact: recordIntact})
}

// readRecords lists the records of a file without reading their pictures.
func readRecords(all *archives, shard int, path string) error {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	file := filepath.Base(path)
	part := all.part(likePart(file))
	for at, n := int64(0), 0; at < info.Size(); n++ {
		length, err := tfrecord.Length(f, at)
		if err == nil && length > info.Size()-at-tfrecord.Head-tfrecord.Tail {
			err = errors.New("the file ends before it")
		}
		var found example
		if err == nil {
			found, err = readExample(f, at+tfrecord.Head, at+tfrecord.Head+length)
		}
		if err != nil {
			return cmp.Or(compressed(f), fmt.Errorf("record %d: %w", n, err))
		}
		m := member{shard: shard, record: at, at: found.picture, size: found.size, name: fmt.Sprintf("record %d", n)}
		if m.key = fmt.Sprintf("%s %d", file, n); found.file != "" {
			m.key, m.name = found.file, m.name+", "+found.file
		}
		part.takeExample(m, found)
		at += tfrecord.Head + length + tfrecord.Tail
	}
	return nil
}

func (p *archivePart) takeExample(m member, e example) {
	class := e.called
	if e.labelled {
		class = strconv.FormatInt(e.label, 10)
	}
	switch {
	case e.size == 0:
		p.left.add(withoutPicture, m.name, 1)
	case e.size > maxFile:
		p.left.add(tooLarge, m.name, 1)
	case class == "":
		p.left.add(withoutLabel, m.name, 1)
	default:
		p.take(m, class, e.called)
	}
}

// recordIntact compares the record that a picture lies in with its checksum.
func recordIntact(f *os.File, m member) error {
	length, err := tfrecord.Length(f, m.record)
	if err == nil && length > 2*maxFile {
		err = errors.New("is larger than any picture")
	}
	if err != nil {
		return err
	}
	data := make([]byte, length+tfrecord.Tail)
	if _, err := f.ReadAt(data, m.record+tfrecord.Head); err != nil {
		return withoutPath(err)
	}
	if !tfrecord.Intact(data) {
		return errors.New("the record is damaged: its checksum is wrong")
	}
	return nil
}

// example is what a tensorflow.Example says of a picture.
type example struct {
	picture, size int64 // where it lies
	label         int64
	labelled      bool
	called        string // its class
	file          string
}

// readExample reads the Example between two bytes of a file. Its features are a map from
// names to lists: tensorflow/core/example/feature.proto.
func readExample(f io.ReaderAt, from, to int64) (e example, err error) {
	const features, entry, key, value = 1, 1, 1, 2
	r := &wire{f: f}
	err = r.each(from, to, func(part field) error {
		if part.number != features {
			return nil
		}
		return r.each(part.from, part.to, func(part field) error {
			if part.number != entry {
				return nil
			}
			var name string
			var list field
			err := r.each(part.from, part.to, func(part field) (err error) {
				switch part.number {
				case key:
					name, err = r.text(part)
				case value:
					list = part
				}
				return err
			})
			if err != nil {
				return err
			}
			return e.feature(r, name, list)
		})
	})
	if err != nil {
		return e, fmt.Errorf("is no tensorflow.Example: %w", err)
	}
	return e, nil
}

// feature takes in a feature: the first value of its list.
func (e *example) feature(r *wire, name string, list field) error {
	const bytesList, int64List = 1, 3
	return r.each(list.from, list.to, func(part field) error {
		var first *field
		err := r.each(part.from, part.to, func(value field) error {
			if first == nil && value.number == 1 {
				first = &value
			}
			return nil
		})
		if err != nil || first == nil {
			return err
		}
		switch {
		case part.number == bytesList && (name == "image/encoded" || name == "image"):
			e.picture, e.size = first.from, first.to-first.from
		case part.number == bytesList && (name == "image/filename" || name == "file_name"):
			e.file, err = r.text(*first)
		case part.number == bytesList && (name == "image/class/synset" || name == "image/class/text" && e.called == ""):
			e.called, err = r.text(*first)
		case part.number == int64List && (name == "image/class/label" || name == "label"):
			e.label, e.labelled = int64(first.value), true
			if first.to > first.from { // several in one
				var value uint64
				value, _, err = r.varint(first.from, first.to)
				e.label = int64(value)
			}
		}
		return err
	})
}

// field is a field of a message: a number, or what lies between two bytes of the file.
type field struct {
	number   int
	value    uint64
	from, to int64
}

// wire reads messages of protocol buffers where they lie in a file, and skips what is not
// asked for.
type wire struct {
	f     io.ReaderAt
	start int64 // of read in the file
	read  []byte
}

var errMessage = errors.New("its fields do not fit")

// each passes the fields of the message between two bytes.
func (w *wire) each(from, to int64, visit func(field) error) error {
	for at := from; at < to; {
		tag, next, err := w.varint(at, to)
		if err != nil {
			return err
		}
		part := field{number: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			part.value, at, err = w.varint(next, to)
		case 1:
			at = next + 8
		case 2:
			var length uint64
			if length, next, err = w.varint(next, to); err == nil && length > uint64(to-next) {
				err = errMessage
			}
			part.from, part.to = next, next+int64(length)
			at = part.to
		case 5:
			at = next + 4
		default:
			err = errMessage
		}
		if err == nil && at > to {
			err = errMessage
		}
		if err == nil {
			err = visit(part)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// varint reads a number that begins at a byte and ends before another, and where it ends.
func (w *wire) varint(at, to int64) (value uint64, next int64, err error) {
	for shift := 0; shift < 64 && at < to; shift += 7 {
		b, err := w.byteAt(at)
		if err != nil {
			return 0, at, err
		}
		at++
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value, at, nil
		}
	}
	return 0, at, errMessage
}

func (w *wire) byteAt(at int64) (byte, error) {
	if at < w.start || at >= w.start+int64(len(w.read)) {
		const together = 512
		w.read = slices.Grow(w.read[:0], together)[:together]
		n, err := w.f.ReadAt(w.read, at)
		w.start, w.read = at, w.read[:n]
		if n == 0 {
			return 0, withoutPath(err)
		}
	}
	return w.read[at-w.start], nil
}

// text reads a short text.
func (w *wire) text(part field) (string, error) {
	if part.to-part.from > mostLabel {
		return "", errMessage
	}
	data := make([]byte, part.to-part.from)
	if _, err := w.f.ReadAt(data, part.from); err != nil && len(data) > 0 {
		return "", withoutPath(err)
	}
	return strings.ToValidUTF8(string(data), "\ufffd"), nil
}
