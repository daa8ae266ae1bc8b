package hdf5

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/weights/element"
)

func read(t testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ramp is what testdata/make.py fills its datasets with.
func ramp(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i) - 3
	}
	return v
}

func TestReadWhatKerasWrites(t *testing.T) {
	tensors, err := Read(read(t, "keras.h5"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]element.Tensor{}
	for _, x := range tensors {
		got[x.Name] = x
	}
	if len(got) != 25 {
		t.Errorf("%d datasets", len(got))
	}
	for i := range 20 {
		x := got[fmt.Sprintf("conv2d_%d/conv2d_%d/kernel:0", i, i)]
		if x.Bytes == nil {
			t.Fatalf("no kernel %d", i)
		}
		values, err := x.Floats()
		if err != nil || !slices.Equal(x.Shape, []int{1, 2, 3, i + 1}) || !slices.Equal(values, ramp(6*(i+1))) {
			t.Errorf("%v %v %v", x, values, err)
		}
	}
	for name, want := range map[string][]float32{
		"half": ramp(5), "double": ramp(5), "big": ramp(5), "long": ramp(5), "scalar": {7},
	} {
		values, err := got["types/"+name].Floats()
		if err != nil || !slices.Equal(values, want) {
			t.Errorf("%s: %v %v", name, values, err)
		}
	}
}

// wide is a root with more members than one symbol node holds.
func wide() *Group {
	root := &Group{Attrs: []Attr{{"backend", []string{"tensorflow"}, true}}}
	var names []string
	for i := range 189 {
		name := fmt.Sprintf("layer_%d", i)
		names = append(names, name)
		root.Groups = append(root.Groups, &Group{Name: name, Attrs: []Attr{{"weight_names", []string{"kernel:0"}, false}},
			Datasets: []Dataset{{"kernel:0", []int{i%3 + 1, 2}, ramp(2 * (i%3 + 1))}}})
	}
	root.Attrs = append(root.Attrs, Attr{"layer_names", names, false})
	return root
}

func TestRoundTrip(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, wide()); err != nil {
		t.Fatal(err)
	}
	tensors, err := Read(b.Bytes())
	if err != nil || len(tensors) != 189 {
		t.Fatal(len(tensors), err)
	}
	for _, x := range tensors {
		values, err := x.Floats()
		if err != nil || !slices.Equal(values, ramp(x.Count())) || x.Shape[1] != 2 {
			t.Errorf("%v %v %v", x, values, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	for file, want := range map[string]string{"chunked.h5": "h5repack", "latest.h5": "libver"} {
		if _, err := Read(read(t, file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
	}
	if err := Write(&bytes.Buffer{}, &Group{Datasets: []Dataset{{"x", []int{2}, nil}}}); err == nil {
		t.Error("wrote a dataset without values")
	}
}

// TestLoop points a group's member at the root.
func TestLoop(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, &Group{Groups: []*Group{{Name: "a"}}}); err != nil {
		t.Fatal(err)
	}
	file := b.Bytes()
	entry := bytes.LastIndex(file, []byte("SNOD")) + 8
	copy(file[entry+8:], file[64:72])
	if _, err := Read(file); err == nil || !strings.Contains(err.Error(), "loop") {
		t.Error(err)
	}
}

func TestTruncated(t *testing.T) {
	var b bytes.Buffer
	_ = Write(&b, &Group{Groups: []*Group{{Name: "a", Datasets: []Dataset{{"x", []int{40}, ramp(40)}}}}})
	for n := range b.Len() {
		if _, err := Read(b.Bytes()[:n]); err == nil || strings.Contains(err.Error(), ": :") {
			t.Errorf("cut to %d of %d bytes: error is %v", n, b.Len(), err)
		}
	}
}

func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	_ = Write(&b, &Group{Attrs: []Attr{{"n", []string{"a", "bc"}, false}},
		Groups: []*Group{{Name: "a", Datasets: []Dataset{{"x", []int{2, 2}, ramp(4)}, {"y", []int{1}, ramp(1)}}}}})
	f.Add(b.Bytes())
	f.Add(read(f, "latest.h5"))
	f.Add(read(f, "chunked.h5"))
	f.Fuzz(func(t *testing.T, content []byte) {
		tensors, err := Read(content)
		if err != nil {
			return
		}
		for _, x := range tensors {
			if values, err := x.Floats(); err == nil && len(values) != x.Count() {
				t.Fatalf("%v gave %d values", x, len(values))
			}
		}
	})
}
