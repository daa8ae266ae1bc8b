package tfckpt

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/inception-go/inception/internal/weights/container"
	"github.com/inception-go/inception/internal/weights/element"
)

// ramp is what testdata/make.py fills its tensors with.
func ramp(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i) - 3
	}
	return v
}

func TestReadWhatTensorFlowWrote(t *testing.T) {
	for _, path := range []string{"v1.ckpt", "v2.ckpt", "v2.ckpt.index", "v2.ckpt.data-00000-of-00001"} {
		tensors, err := Read("testdata/"+path, os.ReadFile)
		if err != nil {
			t.Fatal(path, err)
		}
		got := map[string]element.Tensor{}
		for _, x := range tensors {
			got[x.Name] = x
		}
		check := func(name string, shape []int, want []float32) {
			x := got[name]
			if x.Bytes == nil {
				t.Fatalf("%s: no %s", path, name)
			}
			if values, err := x.Floats(); err != nil || !slices.Equal(x.Shape, shape) || !slices.Equal(values, want) {
				t.Errorf("%s: %s %v %v %v", path, name, x.Shape, values, err)
			}
		}
		for i := range 60 {
			check(fmt.Sprintf("InceptionV3/Mixed_%d/Branch_0/Conv2d_0a_1x1/weights", i), []int{1, 1, 3, i + 1}, ramp(3*(i+1)))
		}
		check("zeros", []int{30, 40}, make([]float32, 1200))
		check("global_step", []int{}, []float32{7})
		check("double", []int{3}, ramp(3))
		check("half", []int{3}, ramp(3))
		if len(got) != 64 {
			t.Errorf("%s: %d tensors", path, len(got))
		}
	}
}

// TestSnappy unpacks what the reference implementation packed.
func TestSnappy(t *testing.T) {
	packed, _ := base64.StdEncoding.DecodeString("zgQIYWJj/gMA/gMA/gMAsgMA0AABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f" +
		"ICEiIyQlJicoKSorLC0uLzAxeHh4/gIA/gIA/gIA/gIAogIA")
	want := strings.Repeat("abc", 80)
	for i := range 50 {
		want += string(rune(i))
	}
	want += strings.Repeat("x", 300)
	got, err := unsnap(packed, 1<<20)
	if err != nil || string(got) != want {
		t.Errorf("%q %v", got, err)
	}
	for n := range len(packed) {
		if _, err := unsnap(packed[:n], 1<<20); err == nil {
			t.Errorf("cut to %d bytes was unpacked", n)
		}
	}
	if _, err := unsnap(packed, 100); err == nil {
		t.Error("unpacked beyond its limit")
	}
}

func TestADimensionIsReadAsItIsOrRefused(t *testing.T) {
	for _, size := range []uint64{3, 1<<32 + 3, 1<<40 + 1} {
		dim := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), size)
		shape, err := shapeOf(protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), dim))
		if err == nil && (len(shape) != 1 || uint64(shape[0]) != size) || err != nil && size == 3 {
			t.Errorf("%d is read as %v (%v)", size, shape, err)
		}
	}
}

func TestTruncatedAndDamaged(t *testing.T) {
	for _, path := range []string{"v1.ckpt", "v2.ckpt.index"} {
		whole, err := os.ReadFile("testdata/" + path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(whole); n += 97 {
			damaged := slices.Clone(whole)
			damaged[n] ^= 0x40
			for _, content := range [][]byte{whole[:n], damaged} {
				if err := readAll(content); err == nil && n < len(whole)-footerSize {
					t.Errorf("%s: damage at %d of %d was not seen", path, n, len(whole))
				}
			}
		}
	}
}

// readAll reads content as both versions, with itself as the shard.
func readAll(content []byte) error {
	_, err := Read("x", func(path string) ([]byte, error) {
		if path == "x" {
			return nil, os.ErrNotExist
		}
		return content, nil
	})
	if _, errV1 := readV1(content); errV1 == nil {
		err = nil
	}
	return err
}

// sealed makes a table of one block with correct checksums, which a fuzzer
// cannot guess.
func sealed(block []byte) []byte {
	seal := func(b []byte) []byte {
		b = append(b, 0)
		crc := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
		return binary.LittleEndian.AppendUint32(b, (crc>>15|crc<<17)+0xa282ead8)
	}
	file := seal(slices.Clone(block))
	handle := binary.AppendUvarint(binary.AppendUvarint(nil, 0), uint64(len(block)))
	index := append([]byte{0, 0, byte(len(handle))}, handle...)
	index = append(index, 0, 0, 0, 0)
	at := len(file)
	file = append(file, seal(slices.Clone(index))...)
	footer := append([]byte{0, 0}, binary.AppendUvarint(binary.AppendUvarint(nil, uint64(at)), uint64(len(index)))...)
	footer = append(footer, make([]byte, 40-len(footer))...)
	return binary.LittleEndian.AppendUint64(append(file, footer...), container.TensorFlowMagic)
}

func FuzzRead(f *testing.F) {
	for _, path := range []string{"v1.ckpt", "v2.ckpt.index"} {
		whole, err := os.ReadFile("testdata/" + path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(whole[:1500])
	}
	f.Add([]byte{0, 1, 4, 'a', 8, 1, 18, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, block []byte) {
		if len(block) > 1<<14 {
			return
		}
		file := sealed(block)
		v1, _ := readV1(file)
		v2, _ := readV2(file, func(uint64, uint64) ([]byte, error) { return bytes.Repeat([]byte{1}, 64), nil })
		for _, x := range append(v1, v2...) {
			if values, err := x.Floats(); err == nil && len(values) != x.Count() {
				t.Fatalf("%v gave %d values", x, len(values))
			}
		}
	})
}

func FuzzSnappy(f *testing.F) {
	f.Add([]byte{4, 0, 'a', 1, 1})
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = unsnap(b, 1<<20) })
}
