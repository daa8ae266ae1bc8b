package evaluate

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/npy"
	"github.com/inception-go/inception/internal/picture"
)

// tiny returns the smallest network and how it is run.
func tiny(t *testing.T) (*model.Weights, PredictOptions) {
	t.Helper()
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes, spec.Init = 32, 0.05, model.AuxNone, 3, "he"
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	return w, PredictOptions{RunOptions: RunOptions{Options: Options{BatchSize: 2}, Preprocess: picture.TorchvisionPreprocess(32)}}
}

// pictures writes small pictures and returns their paths.
func pictures(t *testing.T, n int) []string {
	t.Helper()
	dir := t.TempDir()
	var files []string
	for i := range n {
		im := image.NewRGBA(image.Rect(0, 0, 40, 30+i))
		for y := range 30 + i {
			for x := range 40 {
				im.Set(x, y, color.RGBA{uint8(6 * x), uint8(50 * i), uint8(5 * y), 255})
			}
		}
		path := filepath.Join(dir, fmt.Sprintf("%d.png", i))
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(png.Encode(f, im), f.Close()); err != nil {
			t.Fatal(err)
		}
		files = append(files, path)
	}
	return files
}

// outputs runs files through a network.
func outputs(t *testing.T, w *model.Weights, o PredictOptions, files []string) (all []Output) {
	t.Helper()
	p, err := NewPredictor(w, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	err = p.Run(context.Background(), files, func(out Output) error {
		all = append(all, out)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// save writes rows to an .npy.
func save(t *testing.T, outs []Output) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows.npy")
	rows, err := npy.NewRows(path)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for _, out := range outs {
		if err := rows.Add(out.Features, out.Shape...); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Write(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestInputsWrittenAndReadAgainGiveTheSameLogits(t *testing.T) {
	w, o := tiny(t)
	files := pictures(t, 5)
	direct := outputs(t, w, o, files)
	o.Layer = InputLayer
	path := save(t, outputs(t, w, o, files))
	if n, err := Count(append(files, path), 32); n != 10 || err != nil {
		t.Errorf("there are %d inputs, %v, want 10", n, err)
	}
	o.Layer = ""
	again := outputs(t, w, o, []string{files[0], path, files[1]})
	if len(again) != 7 || again[1].Name != path+"[0]" || again[6].Name != files[1] {
		t.Fatalf("%d outputs", len(again))
	}
	for i, out := range again[1:6] {
		if !slices.Equal(out.Logits, direct[i].Logits) || !slices.Equal(out.Features, direct[i].Features) {
			t.Errorf("input %d: logits %v, want %v", i, out.Logits, direct[i].Logits)
		}
	}
}

func TestRowsOfALayerAreChannelsFirst(t *testing.T) {
	w, o := tiny(t)
	o.Layer = "Mixed_6e"
	outs := outputs(t, w, o, pictures(t, 3))
	f, err := os.Open(save(t, outs))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := npy.NewReader(f)
	if err != nil || !slices.Equal(rows.Shape, []int{3, 64, 5, 5}) {
		t.Fatalf("%+v, %v", rows, err)
	}
	values := make([]float32, 3*64*25)
	if err := rows.Read(values); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(values[2*64*25:], outs[2].Features) {
		t.Error("the last row is not the last picture's")
	}
	// The global average of the last module is the pooled features.
	o.Layer = "Mixed_7c"
	module := outputs(t, w, o, pictures(t, 1))[0]
	o.Layer = ""
	pooled := outputs(t, w, o, pictures(t, 1))[0].Features
	for c, want := range pooled {
		per := module.Shape[1] * module.Shape[2]
		sum := 0.0
		for _, v := range module.Features[c*per : (c+1)*per] {
			sum += float64(v)
		}
		if got := sum / float64(per); math.Abs(got-float64(want)) > 1e-5*(1+math.Abs(got)) {
			t.Fatalf("channel %d: mean %g, pooled %g", c, got, want)
		}
	}
}

func TestUnreadablePicturesAreReportedInTheirPlace(t *testing.T) {
	w, o := tiny(t)
	files := pictures(t, 4)
	for _, i := range []int{0, 2} {
		if err := os.WriteFile(files[i], []byte("no picture"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for i, out := range outputs(t, w, o, files) {
		if broken := i%2 == 0; (out.Err != nil) != broken || out.Name != files[i] || (out.Logits == nil) != broken {
			t.Errorf("picture %d: %s, %v, %d logits", i, out.Name, out.Err, len(out.Logits))
		}
	}
}

func TestArraysThatDoNotFitAreRefusedWithTheCure(t *testing.T) {
	w, o := tiny(t)
	for _, c := range []struct {
		shape []int
		want  string
	}{
		{[]int{3, 32, 32}, "save x[None]"},
		{[]int{1, 32, 32, 3}, "transpose(0, 3, 1, 2)"},
		{[]int{1, 3, 48, 48}, "--input-size 48"},
		{[]int{1, 1, 32, 32}, "has shape [1 1 32 32], the network takes [N 3 32 32] float32, preprocessed"},
		{[]int{}, "has shape []"},
		{[]int{0, 3, 32, 32}, "holds no inputs"},
	} {
		path := filepath.Join(t.TempDir(), "x.npy")
		n := 1
		for _, d := range c.shape {
			n *= d
		}
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(npy.WriteHeader(f, c.shape), npy.WriteValues(f, make([]float32, n)), f.Close()); err != nil {
			t.Fatal(err)
		}
		p, err := NewPredictor(w, o)
		if err != nil {
			t.Fatal(err)
		}
		_, counted := Count([]string{path}, 32)
		ran := p.Run(context.Background(), []string{path}, func(Output) error { return nil })
		p.Close()
		for _, err := range []error{counted, ran} {
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
				t.Errorf("shape %v: error is %v, want %q", c.shape, err, c.want)
			}
		}
	}
}

func TestInputsThatAreNoNumbersAreAnErrorNamingThem(t *testing.T) {
	w, o := tiny(t)
	p, err := NewPredictor(w, o)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	values := make([]float32, 2*3*32*32)
	for i := range 3 * 32 * 32 {
		values[3*32*32+i] = float32(math.NaN())
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(npy.WriteHeader(f, []int{2, 3, 32, 32}), npy.WriteValues(f, values), f.Close()); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = p.Run(t.Context(), []string{path}, func(Output) error { seen++; return nil })
	if err == nil || !strings.HasPrefix(err.Error(), path+"[1]: the input holds values that are NaN or infinite") || seen != 1 {
		t.Errorf("after %d outputs: %v", seen, err)
	}
}

func TestANetworkTooLargeToBuildIsAnErrorBeforeMemoryIsTaken(t *testing.T) {
	w, o := tiny(t)
	large := o
	large.Preprocess.Size = math.MaxInt
	if _, err := NewPredictor(w, large); err == nil || !strings.Contains(err.Error(), "model.input_size: must be at most 4096") {
		t.Errorf("input size: %v", err)
	}
	o.BatchSize = math.MaxInt
	if _, err := NewPredictor(w, o); err == nil || !strings.Contains(err.Error(), "are too many at once") {
		t.Errorf("batch: %v", err)
	}
}

func TestTopBreaksTiesByIndex(t *testing.T) {
	top := Top([]float32{1, 3, 3, 2}, []string{"a", "b"}, 3)
	if len(top) != 3 || top[0].Index != 1 || top[1].Index != 2 || top[2].Index != 3 || top[0].Label != "b" || top[1].Label != "2" {
		t.Errorf("top is %+v", top)
	}
	if len(Top([]float32{1}, nil, 5)) != 1 {
		t.Error("more classes than there are")
	}
}

func TestClassOfIsOneOfTop(t *testing.T) {
	logits := []float32{1, 3, 3, 2}
	all := Top(logits, []string{"a", "b"}, len(logits))
	for class := range logits {
		if got, want := ClassOf(logits, []string{"a", "b"}, class), all[Rank(logits, class)-1]; got != want {
			t.Errorf("class %d is %+v, want %+v", class, got, want)
		}
	}
}
