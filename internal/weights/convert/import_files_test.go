package convert

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
)

// unpacked puts a file of testdata, gzipped twice, into a folder.
func unpacked(t *testing.T, dir, name string) string {
	t.Helper()
	in, err := os.Open(filepath.Join("testdata", name+".gz.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var once, twice *gzip.Reader
	if once, err = gzip.NewReader(in); err == nil {
		twice, err = gzip.NewReader(once)
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, filepath.Base(name))
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, twice); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func copied(t *testing.T, dir, from, to string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", from))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, to), text, 0o666); err != nil {
		t.Fatal(err)
	}
}

// holds checks that a parameter is filled as make.py fills the n-th tensor
// whose axes, in the file, are those that order names of the parameter's. The
// first skip columns of the file's last axis are not in the parameter.
func holds(t *testing.T, w *model.Weights, name string, n int, order []int, skip int) {
	t.Helper()
	p := w.ByName(name)
	if p == nil {
		t.Fatalf("no %s", name)
	}
	// The steps, in the file, of the parameter's axes.
	steps := make([]int, len(p.Shape))
	step := 1
	for i := len(order) - 1; i >= 0; i-- {
		steps[order[i]] = step
		step *= p.Shape[order[i]]
		if i == len(order)-1 {
			step += skip
		}
	}
	index := make([]int, len(p.Shape))
	for i, v := range p.Values() {
		at := skip
		rest := i
		for axis := len(index) - 1; axis >= 0; axis-- {
			at += rest % p.Shape[axis] * steps[axis]
			rest /= p.Shape[axis]
		}
		if want := float32(n) + float32(at%61)/64; v != want {
			t.Errorf("%s%v: value %d is %g, want %g", name, p.Shape, i, v, want)
			return
		}
	}
}

// The axes of the families' kernels and matrices, in our order's numbers.
var (
	hwioOrder   = []int{2, 3, 1, 0}
	inOutOrder  = []int{1, 0}
	vectorOrder = []int{0}
)

func TestKerasFiles(t *testing.T) {
	for _, c := range []struct {
		file    string
		classes int
	}{{"keras3.weights.h5", 3}, {"keras2-notop.h5", 0}} {
		t.Run(c.file, func(t *testing.T) {
			w, m, err := Import(unpacked(t, t.TempDir(), c.file), ImportOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Classes() != c.classes || m.NoHead != (c.classes == 0) || m.Spec.AvgPoolCountIncludePad ||
				m.Preprocess.Name != "inception" || m.Extra["imported_from"] != Keras {
				t.Errorf("metadata %+v", m)
			}
			convs, err := plainConvs()
			if err != nil {
				t.Fatal(err)
			}
			for i, layer := range convs {
				holds(t, w, layer+".conv.weight", 4*i, hwioOrder, 0)
				for place, name := range []string{".bn.bias", ".bn.running_mean", ".bn.running_var"} {
					holds(t, w, layer+name, 4*i+1+place, vectorOrder, 0)
				}
				if gamma := w.ByName(layer + ".bn.weight").Values(); slices.Min(gamma) != 1 || slices.Max(gamma) != 1 {
					t.Errorf("%s has a gamma of %g", layer, gamma[0])
				}
			}
			if c.classes > 0 {
				holds(t, w, "fc.weight", 4*len(convs), inOutOrder, 0)
				holds(t, w, "fc.bias", 4*len(convs)+1, vectorOrder, 0)
			}
		})
	}
}

// sortedNames returns the names of a file's tensors as make.py numbers them.
func sortedNames(t *testing.T, path string) []string {
	t.Helper()
	f, err := openForeign(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	var names []string
	for name := range f.dicts[0].tensors {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestSlimCheckpoint(t *testing.T) {
	dir := t.TempDir()
	data := unpacked(t, dir, "slim.ckpt.data-00000-of-00001")
	copied(t, dir, "slim.ckpt.index", "slim.ckpt.index")
	names := sortedNames(t, data)
	w, m, err := Import(filepath.Join(dir, "slim.ckpt"), ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Classes() != 1000 || m.Spec.Aux != model.AuxBatchNorm || m.Spec.AvgPoolCountIncludePad ||
		m.Extra["imported_from"] != Slim {
		t.Errorf("metadata %+v", m)
	}
	if notes := strings.Join(m.Notes, "; "); !strings.Contains(notes, "background, is dropped") ||
		!strings.Contains(notes, "96 batch norms have no gamma") {
		t.Error(notes)
	}
	found := 0
	for _, p := range w.Params {
		n, ok := slices.BinarySearch(names, slimV3.param(p.Name))
		switch {
		case !ok:
			if !strings.HasSuffix(p.Name, ".bn.weight") {
				t.Errorf("%s is not in the file as %s", p.Name, slimV3.param(p.Name))
			}
			continue
		case strings.HasSuffix(p.Name, "fc.weight"):
			holds(t, w, p.Name, n, inOutOrder, 1)
		case strings.HasSuffix(p.Name, "fc.bias"):
			holds(t, w, p.Name, n, vectorOrder, 1)
		case len(p.Shape) == 4:
			holds(t, w, p.Name, n, hwioOrder, 0)
		default:
			holds(t, w, p.Name, n, vectorOrder, 0)
		}
		found++
	}
	if found != len(names) {
		t.Errorf("%d of %d tensors are in the network", found, len(names))
	}
}

// What is no weight file at all is called by its name once.
func TestErrorsNameTheFileOnce(t *testing.T) {
	for text, want := range map[string]string{"": "is empty", "nothing of the kind": "nor is it a .pth"} {
		path := filepath.Join(t.TempDir(), "net.pth")
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		_, _, err := Import(path, ImportOptions{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%q: error is %v, want %q and the path once", text, err, want)
		}
	}
}

func TestTimmFile(t *testing.T) {
	dir := t.TempDir()
	path := unpacked(t, dir, "timm.safetensors")
	if _, _, err := Import(path, ImportOptions{From: Timm}); err == nil ||
		!strings.Contains(err.Error(), "config.json") || !strings.Contains(err.Error(), "--preprocess") {
		t.Errorf("without configuration: %v", err)
	}
	_, m, err := Import(path, ImportOptions{From: Timm, Preprocess: "imagenet", NoHead: true})
	if err != nil || m.Preprocess.Name != "imagenet" || !m.NoHead || m.Classes() != 0 {
		t.Errorf("with --preprocess and --no-head: %+v, %v", m, err)
	}
	copied(t, dir, "timm-config.json", "config.json")
	names := sortedNames(t, path)
	w, m, err := Import(path, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if want := "resize 341 bicubic, crop 299, mean 0.5, std 0.5 (timm)"; m.Preprocess.String() != want {
		t.Errorf("preprocess is %s, want %s", m.Preprocess, want)
	}
	if !slices.Equal(m.Labels, []string{"daisy", "rose", "tulip"}) || m.Classes() != 3 ||
		!m.Spec.AvgPoolCountIncludePad || m.Extra["imported_from"] != Timm {
		t.Errorf("metadata %+v", m)
	}
	for _, p := range w.Params {
		n, ok := slices.BinarySearch(names, p.Name)
		if !ok {
			t.Fatalf("%s is not in the file", p.Name)
		}
		order := []int{0, 1, 2, 3}[:len(p.Shape)]
		holds(t, w, p.Name, n, order, 0)
	}
}
