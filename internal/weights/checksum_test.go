package weights

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

// sealed writes a small checkpoint and returns its bytes.
func sealed(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.safetensors")
	tensors := []Tensor{
		{Name: "weights/a", Shape: []int{3, 5}, Values: []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}},
		{Name: "weights/b", Shape: []int{15}, Values: make([]float32, 15)}, // as many bytes as a
		{Name: "empty", Shape: []int{0}, Values: []float32{}},
		{Name: "count", Ints: []int64{7}},
	}
	if err := WriteCheckpoint(path, path+".before", tensors, map[string]string{"progress": `{"step":12}`}); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// readSealed returns all that a file holds, as text, if it is whole.
func readSealed(t *testing.T, file []byte) (string, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "state.safetensors")
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
	f, err := ReadTensors(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if err := f.Verify(); err != nil {
		if !errors.Is(err, errDamaged) {
			t.Errorf("the error is not one of damage: %v", err)
		}
		return "", err
	}
	text := f.Metadata["progress"]
	for _, name := range []string{"weights/a", "weights/b", "count"} {
		values, err := f.Floats(name)
		if err != nil {
			return "", err
		}
		info, _ := f.Info(name)
		text += fmt.Sprint(name, info.DType, info.Shape, values)
	}
	return text, nil
}

// Every byte of the file, each bit of it alone and some at once: what is read
// is what was written, or nothing is.
func TestNoFlippedBitOfACheckpointIsReadOver(t *testing.T) {
	file := sealed(t)
	want, err := readSealed(t, file)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	noticed := 0
	for at := range file {
		for bit := range 9 {
			flip := byte(1) << bit
			if bit == 8 {
				flip = byte(1 + random.IntN(255))
			}
			damaged := bytes.Clone(file)
			damaged[at] ^= flip
			got, err := readSealed(t, damaged)
			if err == nil && got != want {
				t.Errorf("byte %d with %02x flipped is read as %s", at, flip, got)
			}
			if err != nil {
				noticed++
			}
		}
	}
	if noticed < 8*len(file) {
		t.Errorf("%d of %d flips are noticed", noticed, 9*len(file))
	}
}

func TestAShortenedCheckpointIsNotRead(t *testing.T) {
	file := sealed(t)
	for n := range len(file) {
		if _, err := readSealed(t, file[:n]); err == nil {
			t.Errorf("its first %d of %d bytes are read", n, len(file))
		}
	}
}

func TestTheCheckpointBeforeIsKept(t *testing.T) {
	dir := t.TempDir()
	path, before := filepath.Join(dir, "now"), filepath.Join(dir, "before")
	for step := range 3 {
		if err := WriteCheckpoint(path, before, nil, map[string]string{"step": fmt.Sprint(step)}); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]int{path: step, before: step - 1} {
			f, err := ReadTensors(name)
			if want < 0 {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("before the first there is %v", err)
				}
				continue
			}
			if err != nil || f.Verify() != nil || f.Metadata["step"] != fmt.Sprint(want) {
				t.Errorf("%s is %v, %v, want step %d", name, f, err, want)
			}
		}
	}
}

func TestAHeaderOfEmptyTensorsAsksForLittle(t *testing.T) {
	var header strings.Builder
	for i := range 800_000 {
		fmt.Fprintf(&header, `,"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`, i)
	}
	text := "{" + header.String()[1:] + "}"
	path := filepath.Join(t.TempDir(), "many.safetensors")
	if err := os.WriteFile(path, append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...), 0o666); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ReadTensors(path); err == nil || !strings.Contains(err.Error(), "more than 50000 tensors") {
		t.Errorf("800,000 tensors without a byte: %v", err)
	}
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	if allocated > 100<<20 {
		t.Errorf("takes %d bytes", allocated)
	}
}

// Another format that takes over the metadata would have checksums that are not of its tensors.
func TestMetadataThatIsReadHoldsNoChecksums(t *testing.T) {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.Classes, spec.Width = 3, 0.1
	path := filepath.Join(t.TempDir(), "w.safetensors")
	m := Metadata{Preprocess: picture.TorchvisionPreprocess(96)}
	if err := Save(path, distinct(t, spec), m); err != nil {
		t.Fatal(err)
	}
	_, back, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := back.Strings()
	if err != nil || entries[sumsKey] != "" {
		t.Errorf("%v, %v", entries[sumsKey], err)
	}
}
