package convert

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math/bits"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/weights/convert/hdf5"
)

// rawFile puts a safetensors header and data together.
func rawFile(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

// zipped is an archive whose entry data.pkl is packed as method says, and is
// said to be claim bytes long.
func zipped(t *testing.T, name string, method uint16, content []byte, claim uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: method}
	create := w.CreateHeader
	if claim != 0 {
		h.UncompressedSize64, h.CompressedSize64 = claim, claim
		create = w.CreateRaw
	}
	entry, err := create(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// patchedH5 is a Keras-like file with new written over it, so many bytes from
// where mark stands.
func patchedH5(t *testing.T, mark []byte, from int, new []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	kernel := hdf5.Dataset{Name: "kernel:0", Shape: []int{7, 11}, Values: make([]float32, 77)}
	root := &hdf5.Group{Groups: []*hdf5.Group{{Name: "conv2d", Datasets: []hdf5.Dataset{kernel}}}}
	if err := hdf5.Write(&b, root); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	at := bytes.Index(file, mark)
	if at < 0 {
		t.Fatalf("the file has no %x", mark)
	}
	copy(file[at+from:], new)
	return file
}

// TestHostileFiles imports what does harm to careless readers: an error, and
// no more memory than a small multiple of the file.
func TestHostileFiles(t *testing.T) {
	u64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	evil, err := os.ReadFile("pytorch/testdata/evil.pth")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"a header of terabytes": {append(u64(1<<42), '{'), "claims a header of"},
		"a tensor of terabytes": {rawFile(
			`{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}`, "1234"), "truncated or damaged"},
		"tensors that overlap": {rawFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},`+
			`"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, "123456"), "inside the tensor"},
		"a zip bomb":              {zipped(t, "x/data.pkl", zip.Deflate, make([]byte, 64<<20), 0), "is compressed"},
		"an entry of terabytes":   {zipped(t, "x/data.pkl", zip.Store, []byte("\x80\x02."), 1<<42), "leaves the file"},
		"a pickle that calls":     {evil, "have none of the names"},
		"no pickle":               {zipped(t, "x", zip.Store, []byte("x"), 0), "no data.pkl"},
		"a Keras archive":         {zipped(t, "model.weights.h5", zip.Store, []byte("x"), 0), "is not an HDF5 file"},
		"a dataset of terabytes":  {patchedH5(t, append(u64(7), u64(11)...), 8, u64(1<<39)), "takes"},
		"a dataset outside":       {patchedH5(t, u64(77*4), -8, u64(1<<40)), "leaves the file"},
		"groups in a loop":        {patchedH5(t, []byte("SNOD"), 0, []byte("TREE")), "HDF5"},
		"a superblock, cut off":   {[]byte("\x89HDF\r\n\x1a\n"), "cut off"},
		"a superblock and no end": {[]byte("\x89HDF\r\n\x1a\n" + strings.Repeat("\x00", 60)), "cut off"},
		"a magic and no table":    {append(make([]byte, 40), u64(0xdb4775248b80fb57)...), "TensorFlow"},
		"a Git LFS pointer": {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 95628359\n"),
			"stands for a file of 95628359 bytes that was not downloaded; call git lfs pull"},
		"a page":           {[]byte("\n<!DOCTYPE html><html>"), "is an HTML page"},
		"a server's error": {[]byte("<?xml version=\"1.0\"?><Error>"), "is an XML document"},
		"gzip":             {[]byte("\x1f\x8b\x08"), "unpack it first"},
		"nothing":          {nil, "is empty"},
		"zeros":            {make([]byte, 4096), "header"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasSuffix(name, "of terabytes") && bits.UintSize < 64 {
				t.Skip("is refused for another reason")
			}
			path := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(path, c.file, 0o666); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := Import(path, ImportOptions{})
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) ||
				len(err.Error()) > 1000 {
				t.Errorf("error is %v, want %q", err, c.want)
			}
			if took, most := after.TotalAlloc-before.TotalAlloc, uint64(4<<20+32*len(c.file)); took > most {
				t.Errorf("took %d bytes for a file of %d", took, len(c.file))
			}
		})
	}
}
