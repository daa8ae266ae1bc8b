package pytorch

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/weights/container"
	"github.com/inception-go/inception/internal/weights/element"
)

func read(t testing.TB, name string) []byte {
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ramp is what testdata/make.py fills its tensors with.
func ramp(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(i) - 3
	}
	return v
}

// only returns the tensors of a file's one state dict.
func only(file []byte) ([]element.Tensor, error) {
	c, err := Read(file)
	if err != nil {
		return nil, err
	}
	return c.Dicts[0].Tensors, nil
}

func TestReadWhatTorchWrote(t *testing.T) {
	for _, file := range []string{"plain.pth", "legacy.pth", "checkpoint.pth"} {
		c, err := Read(read(t, file))
		if err != nil {
			t.Fatal(file, err)
		}
		tensors := c.Dicts[0].Tensors
		if path := strings.Join(c.Dicts[0].Path, "/"); file == "checkpoint.pth" && path != "state_dict" {
			t.Errorf("%s: path %q", file, path)
		}
		want := map[string]struct {
			shape  []int
			values []float32
		}{
			"conv": {[]int{2, 3, 1, 2}, ramp(12)}, "half": {[]int{4}, ramp(4)}, "bf": {[]int{4}, ramp(4)},
			"double": {[]int{3}, ramp(3)}, "count": {nil, []float32{7}}, "empty": {[]int{0, 3}, nil},
			"transposed": {[]int{3, 2}, []float32{-3, 0, -2, 1, -1, 2}},
			"last":       {[]int{1, 2, 2, 3}, ramp(12)}, "part": {[]int{3}, ramp(6)[2:5]},
		}
		if len(tensors) != len(want) {
			t.Errorf("%s: %d tensors", file, len(tensors))
		}
		for _, got := range tensors {
			values, err := got.Floats()
			w := want[strings.TrimPrefix(got.Name, "module.")]
			if err != nil || !slices.Equal(got.Shape, w.shape) || !slices.Equal(values, w.values) {
				t.Errorf("%s: %s: %v %v %v", file, got.Name, got.Shape, values, err)
			}
		}
	}
}

func TestRoundTrip(t *testing.T) {
	in := []Tensor{
		{Name: "a.weight", Shape: []int{2, 3}, Values: ramp(6)},
		{Name: "a.num_batches_tracked", Ints: []int64{5}},
		{Name: "b", Shape: []int{1}, Values: []float32{8}},
	}
	var b bytes.Buffer
	if err := Write(&b, in, []byte(`{"a":"b"}`)); err != nil {
		t.Fatal(err)
	}
	got, err := only(b.Bytes())
	if err != nil || len(got) != 3 {
		t.Fatal(got, err)
	}
	if c, err := Read(b.Bytes()); err != nil || string(c.About) != `{"a":"b"}` {
		t.Errorf("beside the state dict: %q, %v", c.About, err)
	}
	for i, want := range in {
		values, err := got[i].Floats()
		if want.Ints != nil {
			want.Values = []float32{float32(want.Ints[0])}
			if got[i].Type != element.I64 {
				t.Errorf("%s is %s", want.Name, got[i].Type)
			}
		}
		if err != nil || got[i].Name != want.Name || !slices.Equal(values, want.Values) {
			t.Errorf("%v: %v %v", got[i], values, err)
		}
	}
}

func TestNothingIsExecuted(t *testing.T) {
	c, err := Read(read(t, "evil.pth"))
	if err != nil || len(c.Dicts) != 1 || len(c.Notes) != 1 || !strings.Contains(c.Notes[0], "names posix.system") {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := Read(read(t, "model.pth")); err == nil || !strings.Contains(err.Error(), "state_dict()") {
		t.Errorf("a whole model: %v", err)
	}
	if _, err := os.Stat("/tmp/executed"); err == nil {
		t.Error("a pickle was executed")
	}
}

// view is a legacy file with one tensor of a storage of 4 floats.
func view(tensorArgs string) []byte {
	magic := "\x80\x02\x8a\x0a" + container.PickleMagic + "."
	return []byte(magic + "\x80\x02M\xe9\x03." + "\x80\x02}." +
		"\x80\x02}U\x01actorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04NtQ" +
		tensorArgs + "\x89NtRs." + "\x80\x02]U\x010a." + "\x04\x00\x00\x00\x00\x00\x00\x00" + strings.Repeat("\x00", 16))
}

func TestViewsStayInside(t *testing.T) {
	for args, want := range map[string]string{
		"K\x00K\x04\x85K\x01\x85":                                    "",
		"K\x01K\x04\x85K\x01\x85":                                    "outside",
		"K\x00K\x05\x85K\x01\x85":                                    "outside",
		"K\x00K\x05\x85K\x00\x85":                                    "",       // expanded
		"K\x00J\xff\xff\xff\x7f\x85K\x00\x85":                        "beyond", // to gigabytes
		"K\x00K\x04\x85K\x02\x85":                                    "outside",
		"K\x04K\x01\x85K\x01\x85":                                    "offset 4",
		"K\x00K\x02\x85K\x01K\x01\x86":                               "strides",
		"J\xff\xff\xff\xffK\x01\x85K\x01\x85":                        "offset",
		"K\x00J\xff\xff\xff\xff\x85K\x01\x85":                        "dimension",
		"K\x00\x8a\x05\x04\x00\x00\x00\x01\x85K\x01\x85":             "has ", // 2^32 + 4: an int of 32 bits would be 4
		"K\x00K\x02\x85\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x7f\x85": "dimension",
	} {
		_, err := Read(view(args))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", args, err, want)
		}
	}
}

// TestBombs are small pickles that would become large: each is refused, or
// read in an instant.
func TestBombs(t *testing.T) {
	doubled := strings.Repeat("2\x86", 60) // a tuple of itself twice, sixty times
	for name, c := range map[string]struct {
		pickle, want string
	}{
		"a key": {"}(N" + doubled + "K\x01u.", "a tuple"},
		"a dimension": {"ctorch._utils\n_rebuild_tensor_v2\n" +
			"((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04NtQK\x00N" +
			doubled + "\x85)tR.", "the dimension a tuple"},
		"opcodes":       {strings.Repeat("\x94", maxSteps) + ".", "from its stack"},
		"many opcodes":  {"N" + strings.Repeat("\x94", maxSteps) + ".", "more than"},
		"a long string": {"X\xff\xff\xff\xff.", "wants 4294967295 bytes"},
		"a long number": {"\x8b\xff\xff\xff\x7f.", "wants 2147483647 bytes"},
	} {
		u := &unpickler{in: bytes.NewReader([]byte(c.pickle)), call: (&caller{pairs: len(c.pickle)}).call}
		u.persistent = func(id any) (any, error) {
			return newStorage(map[string]*storage{}, id, func(*storage) error { return nil })
		}
		root, err := u.load()
		if err == nil {
			_, err = contents(root)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 500 {
			t.Errorf("%s: %.600v, want %q", name, err, c.want)
		}
	}
}

// TestTruncated cuts real files everywhere: an error each time, unless only
// a trailing part that nothing needs is missing.
func TestTruncated(t *testing.T) {
	for _, file := range []string{"plain.pth", "legacy.pth", "checkpoint.pth"} {
		whole := read(t, file)
		for n := range len(whole) {
			if tensors, err := only(whole[:n]); err == nil {
				for _, x := range tensors {
					if _, err = x.Floats(); err != nil {
						break
					}
				}
				if err == nil {
					t.Errorf("%s cut to %d of %d bytes was read", file, n, len(whole))
				}
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []string{"plain.pth", "legacy.pth", "checkpoint.pth", "evil.pth"} {
		f.Add(read(f, file))
	}
	f.Add(view("K\x00K\x04\x85K\x01\x85"))
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := Read(content)
		if err != nil {
			return
		}
		for _, x := range slices.Concat(tensorsOf(c)...) {
			if values, err := x.Floats(); err == nil && len(values) != x.Count() {
				t.Fatalf("%v gave %d values", x, len(values))
			}
		}
	})
}

func tensorsOf(c *Contents) (all [][]element.Tensor) {
	for _, d := range c.Dicts {
		all = append(all, d.Tensors)
	}
	return all
}

// FuzzPickle goes past the archive, whose checksums a fuzzer cannot guess.
func FuzzPickle(f *testing.F) {
	f.Add(pickleStateDict([]Tensor{{Name: "a", Shape: []int{2}, Values: ramp(2)}}))
	f.Add([]byte("\x80\x02}(U\x01aI01\nU\x01bF1.5\nS'x'\nL3L\nd]K\x01a\x8c\x01zee."))
	f.Fuzz(func(_ *testing.T, program []byte) {
		u := &unpickler{in: bytes.NewReader(program), call: (&caller{pairs: len(program)}).call}
		storages := map[string]*storage{}
		u.persistent = func(id any) (any, error) {
			return newStorage(storages, id, func(*storage) error { return nil })
		}
		if root, err := u.load(); err == nil {
			_, _ = contents(root)
		}
	})
}
