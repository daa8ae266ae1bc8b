package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/weights/element"
)

// rawFile puts a header and data together.
func rawFile(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

func writeTemp(t testing.TB, content []byte) string {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTensorsRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	big := make([]float32, 20_000)
	for i := range big {
		big[i] = float32(i) - 0.5
	}
	in := []Tensor{
		{Name: "b", Shape: []int{2, 10_000}, Values: big},
		{Name: "a.num_batches_tracked", Ints: []int64{-7}},
		{Name: "none", Shape: []int{0, 3}, Values: []float32{}},
		{Name: "c", Shape: []int{2}, Values: []float32{float32(math.Inf(1)), float32(math.Copysign(0, -1))}},
	}
	meta := map[string]string{"k": "v <&> \"é\"", "a": ""}
	if err := WriteTensors(path, in, meta); err != nil {
		t.Fatal(err)
	}
	first, _ := os.ReadFile(path)
	if err := WriteTensors(path, in, meta); err != nil {
		t.Fatal(err)
	}
	if second, _ := os.ReadFile(path); !bytes.Equal(first, second) {
		t.Error("the same tensors gave other bytes")
	}
	got, err := ReadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if got.Metadata["k"] != meta["k"] || len(got.Metadata) != 2 {
		t.Errorf("metadata %q", got.Metadata)
	}
	for _, want := range in {
		info, ok := got.Info(want.Name)
		if !ok || !slices.Equal(info.Shape, want.Shape) {
			t.Errorf("%s: %v %v", want.Name, info, ok)
		}
		if want.Ints != nil {
			raw := got.data[info.begin:info.end]
			if info.DType != element.I64 || !bytes.Equal(raw, binary.LittleEndian.AppendUint64(nil, uint64(want.Ints[0]))) {
				t.Errorf("%s: %x of type %s", want.Name, raw, info.DType)
			}
		} else if values, err := got.Floats(want.Name); err != nil || !slices.Equal(values, want.Values) {
			t.Errorf("%s: %d values, %v", want.Name, len(values), err)
		}
	}
}

func TestDTypes(t *testing.T) {
	for _, c := range []struct {
		dtype string
		data  []byte
		want  float32
	}{
		{"F32", []byte{0, 0, 0xc0, 0x3f}, 1.5},
		{"F64", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, 1.5},
		{"BF16", []byte{0xc0, 0xbf}, -1.5},
		{"F16", []byte{0x00, 0xbe}, -1.5},
		{"F16", []byte{0x01, 0x00}, 1.0 / (1 << 24)},
		{"F16", []byte{0x00, 0xfc}, float32(math.Inf(-1))},
		{"I64", []byte{0xfe, 255, 255, 255, 255, 255, 255, 255}, -2},
		{"I32", []byte{3, 0, 0, 0}, 3},
	} {
		header := fmt.Sprintf(`{"x":{"dtype":%q,"shape":[1],"data_offsets":[0,%d]}}`, c.dtype, len(c.data))
		f, err := ReadTensors(writeTemp(t, rawFile(header, string(c.data))))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Floats("x"); err != nil || got[0] != c.want {
			t.Errorf("%s %x: %v %v, want %v", c.dtype, c.data, got, err, c.want)
		}
		f.Close()
		if _, err := f.Floats("x"); err == nil {
			t.Error("a closed file still gives values")
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	ok := `"dtype":"F32","shape":[1],"data_offsets":`
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":      {nil, "is empty"},
		"short":      {[]byte("abc"), "takes 8"},
		"not ours":   {[]byte("PK\x03\x04aaaaaaaaaaaaaa"), "does not begin"},
		"terabytes":  {append(binary.LittleEndian.AppendUint64(nil, 1<<42), '{'), "the format allows"},
		"truncated":  {append(binary.LittleEndian.AppendUint64(nil, 1000), '{'), "truncated"},
		"no JSON":    {rawFile(`{"a"`, ""), "header"},
		"trailing":   {rawFile(`{} {}`, ""), "goes on after"},
		"twice":      {rawFile(`{"a":{`+ok+`[0,4]},"a":{`+ok+`[4,8]}}`, "12345678"), "twice"},
		"overlap":    {rawFile(`{"a":{`+ok+`[0,4]},"b":{`+ok+`[2,6]}}`, "123456"), "inside the tensor"},
		"gap":        {rawFile(`{"a":{`+ok+`[0,4]},"b":{`+ok+`[6,10]}}`, "1234567890"), "2 bytes after"},
		"left over":  {rawFile(`{"a":{`+ok+`[0,4]}}`, "12345"), "which has 5"},
		"outside":    {rawFile(`{"a":{`+ok+`[0,4]}}`, "123"), "truncated"},
		"backwards":  {rawFile(`{"a":{`+ok+`[4,0]}}`, "1234"), "before it begins"},
		"wrong size": {rawFile(`{"a":{`+ok+`[0,8]}}`, "12345678"), "span 8"},
		"overflow": {rawFile(`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, ""),
			"overflows"},
		"negative":     {rawFile(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, "1234"), "tensor \"a\""},
		"null offsets": {rawFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[null,4]}}`, "1234"), "needs a shape"},
		"unknown type": {rawFile(`{"a":{"dtype":"Q4","shape":[1],"data_offsets":[0,4]}}`, "1234"), "unknown"},
		"metadata":     {rawFile(`{"__metadata__":{"a":1}}`, ""), "__metadata__"},
	} {
		_, err := ReadTensors(writeTemp(t, c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := ReadTensors(t.TempDir()); err == nil {
		t.Error("a folder was read")
	}
}

func TestWriteRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	for _, tensors := range [][]Tensor{
		{{Name: "a", Shape: []int{2}, Values: []float32{1}}},
		{{Name: "", Shape: []int{1}, Values: []float32{1}}},
		{{Name: "a", Values: []float32{1}}, {Name: "a", Values: []float32{1}}},
	} {
		if err := WriteTensors(path, tensors, nil); err == nil {
			t.Errorf("wrote %v", tensors)
		}
	}
	if err := WriteTensors(filepath.Join(path, "no", "folder"), nil, nil); err == nil ||
		!strings.Contains(err.Error(), "does not exist") {
		t.Error(err)
	}
	if err := WriteTensors(os.DevNull, nil, nil); err == nil {
		t.Error("replaced the null device")
	}
}

// TestFailedWriteLeavesNothing also stands for the full disk: /dev/full gives
// the same error, but cannot be renamed over.
func TestFailedWriteLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "x")
	if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
		t.Fatal(err)
	}
	err := atomicfile.Write(path, func(out io.Writer) error {
		_, _ = out.Write(make([]byte, 1<<20))
		return syscall.ENOSPC
	})
	if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "no space left") ||
		!strings.Contains(err.Error(), path) {
		t.Error(err)
	}
	if old, _ := os.ReadFile(path); string(old) != "old" {
		t.Errorf("the old file became %q", old)
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
}

// TestShrunkFile truncates a file under its mapping: an error, no SIGBUS.
func TestShrunkFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	a := Tensor{Name: "a", Shape: []int{100_000}, Values: make([]float32, 100_000)}
	if err := WriteTensors(path, []Tensor{a}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := ReadTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Floats("a"); err == nil {
		t.Skip("this system read the file instead of mapping it")
	}
}

func FuzzSafetensors(f *testing.F) {
	f.Add(rawFile(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"k":"v"}}`, "1234"))
	f.Add(rawFile(`{"a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},`+
		`"b":{"dtype":"F16","shape":[0,2],"data_offsets":[8,8]}}`, "12345678"))
	f.Fuzz(func(t *testing.T, content []byte) {
		var file Tensors
		if file.parse(content) != nil {
			return
		}
		total := 0
		for _, info := range file.Infos() {
			total += info.DType.Size() * info.Count()
			values, err := file.Floats(info.Name)
			if err == nil && len(values) != info.Count() {
				t.Fatalf("%v gave %d values", info, len(values))
			}
		}
		if total > len(content) {
			t.Fatalf("%d bytes of tensors in %d", total, len(content))
		}
	})
}
