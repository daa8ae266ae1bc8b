package dataset

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/inception-go/inception/internal/tfrecord"
)

// exampleOf encodes a tensorflow.Example: texts are lists of bytes, numbers of int64.
func exampleOf(features map[string]any, packedNumbers bool) []byte {
	var all []byte
	for name, value := range features {
		var list []byte
		kind := protowire.Number(1)
		switch v := value.(type) {
		case string:
			list = protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), v)
		case int:
			kind = 3
			if packedNumbers {
				list = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), protowire.AppendVarint(nil, uint64(v)))
			} else {
				list = protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(v))
			}
		case float32:
			kind = 2
			list = protowire.AppendFixed32(protowire.AppendTag(nil, 1, protowire.Fixed32Type), 7)
		}
		feature := protowire.AppendBytes(protowire.AppendTag(nil, kind, protowire.BytesType), list)
		entry := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), name)
		entry = protowire.AppendBytes(protowire.AppendTag(entry, 2, protowire.BytesType), feature)
		all = protowire.AppendBytes(protowire.AppendTag(all, 1, protowire.BytesType), entry)
	}
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), all)
}

func records(examples ...map[string]any) (file []byte) {
	for i, e := range examples {
		file = tfrecord.Append(file, exampleOf(e, i%2 == 0))
	}
	return file
}

func TestTFRecordsAreReadAsSlimAndTFDSWriteThem(t *testing.T) {
	slim := func(n, label int, synset string) map[string]any {
		return map[string]any{"image/encoded": dot(n), "image/class/label": label, "image/class/synset": synset,
			"image/class/text": "a name, another", "image/format": "png", "image/height": 5, "image/object/bbox": float32(1)}
	}
	for name, c := range map[string]struct {
		files map[string][]byte
		want  []string
		left  string
	}{
		"slim": {map[string][]byte{"train-00000-of-00002": records(slim(1, 2, "n02"), slim(2, 10, "n01")),
			"train-00001-of-00002": records(slim(3, 2, "n02")), "validation-00000-of-00001": records(slim(4, 10, "n01"))},
			[]string{"train n01(0) train-00000-of-00002 1", "train n02(1) train-00000-of-00002 0", "train n02(1) train-00001-of-00002 0",
				"val n01(0) validation-00000-of-00001 0"}, ""},
		"tfds": {map[string][]byte{"flowers-train.tfrecord-00000-of-00001": records(map[string]any{"image": dot(1), "label": 3, "file_name": "x.png"},
			map[string]any{"image": dot(2), "label": 1}, map[string]any{"label": 1}, map[string]any{"image": dot(3)})},
			[]string{"train 1(0) flowers-train.tfrecord-00000-of-00001 1", "train 3(1) x.png"},
			"left out 2 beside the images: 1 without a class (image/class/label) (such as record 3), 1 without a picture (image/encoded) (such as record 2)"},
		"names alone": {map[string][]byte{"x.tfrecord": records(map[string]any{"image": dot(1), "image/class/text": "rose"})},
			[]string{"train rose(0) x.tfrecord 0"}, ""},
	} {
		src, err := Open("tfrecord:" + folder(t, c.files))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := listed(src); !slices.Equal(got, c.want) {
			t.Errorf("%s holds %q, want %q", name, got, c.want)
		}
		if got := DescribeLeftOut(src.Parts()[0].LeftOut); got != c.left {
			t.Errorf("%s: %q, want %q", name, got, c.left)
		}
		for _, p := range src.Parts() {
			if found := Verify(context.Background(), p.Set, nil); len(found.Unreadable) > 0 {
				t.Errorf("%s: %v", name, found.Unreadable)
			}
		}
	}
}

func TestRecordsThatCannotBeReadSayWhy(t *testing.T) {
	good := records(map[string]any{"image": dot(1), "label": 3}, map[string]any{"image": dot(2), "label": 4})
	flipped := func(at int) []byte {
		data := slices.Clone(good)
		data[at] ^= 4
		return data
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"cut":       {good[:len(good)-9], "record 1: the file ends before it"},
		"cut head":  {append(slices.Clone(good), 1, 2, 3), "record 2: the file ends before it"},
		"length":    {flipped(1), "record 0: is damaged, or the file is no TFRecord"},
		"text":      {bytes.Repeat([]byte("hello"), 9), "record 0: is damaged, or the file is no TFRecord"},
		"not proto": {tfrecord.Append(nil, []byte("\x0a\xff\x01hello")), "record 0: is no tensorflow.Example"},
		"gzip":      {[]byte("\x1f\x8b\x08aaaaa"), "is compressed"},
	} {
		path := filepath.Join(t.TempDir(), "x.tfrecord")
		if err := os.WriteFile(path, c.data, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "x.tfrecord")
	if err := os.WriteFile(path, flipped(len(good)-1), 0o666); err != nil {
		t.Fatal(err)
	}
	src, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if found := Verify(context.Background(), src.Train, nil); len(found.Unreadable) != 1 || !strings.Contains(found.Unreadable[0].Error(), "record 1: the record is damaged: its checksum is wrong") {
		t.Errorf("a record with a wrong checksum: %v", found.Unreadable)
	}
}

// A record's length may be the bytes that gzip's files begin with.
func TestARecordOfGzipsLengthIsRead(t *testing.T) {
	e := map[string]any{"image": dot(1), "label": 3, "padding": ""}
	short := len(exampleOf(e, false))
	for pad := 0x8b1f - short; pad > 0; pad-- {
		e["padding"] = strings.Repeat("x", pad)
		if len(exampleOf(e, false)) == 0x8b1f {
			break
		}
	}
	file := tfrecord.Append(nil, exampleOf(e, false))
	src, err := Open("tfrecord:" + folder(t, map[string][]byte{"x.tfrecord": file}))
	if err != nil || file[0] != 0x1f || file[1] != 0x8b || src.Train.Len() != 1 {
		t.Errorf("a record that begins with % x: %v", file[:2], err)
	}
}

func FuzzTFRecord(f *testing.F) {
	dir := f.TempDir()
	f.Add(exampleOf(map[string]any{"image": dot(1), "label": 3, "image/class/text": "x", "b": float32(2)}, true))
	f.Add(exampleOf(map[string]any{"image/encoded": dot(1), "image/class/label": 3}, false))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "x.tfrecord")
		if err := os.WriteFile(path, tfrecord.Append(nil, data), 0o666); err != nil {
			t.Fatal(err)
		}
		if src, err := Open(path); err == nil {
			_, _ = src.Train.Image(0)
		}
	})
}
