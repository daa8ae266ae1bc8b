package inception_test

import (
	"context"
	"errors"
	"image"
	"image/color"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/inception-go/inception"
	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/quantize"
	"github.com/inception-go/inception/internal/weights"
)

func TestCallsAtOnceGiveWhatTheyGiveAlone(t *testing.T) {
	path := tiny()
	m, err := inception.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var pictures []image.Image
	var want [][]inception.Class
	for i := range 6 {
		pictures = append(pictures, plain(color.RGBA{uint8(40 * i), uint8(255 - 40*i), 99, 255}))
		one, err := m.Predict(context.Background(), pictures[i])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, one[0])
	}
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			for range 3 {
				got, err := m.Predict(context.Background(), pictures[i])
				if err != nil || !reflect.DeepEqual(got[0], want[i]) {
					t.Errorf("picture %d: %v, %v, want %v", i, got, err, want[i])
				}
			}
		})
	}
	wait.Wait()
	together, err := m.Predict(context.Background(), pictures...)
	if err != nil || len(together) != 6 {
		t.Fatalf("%d results, %v", len(together), err)
	}
	for i := range together {
		if together[i][0].Index != want[i][0].Index {
			t.Errorf("picture %d is class %d in a batch, %d alone", i, together[i][0].Index, want[i][0].Index)
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	path := tiny()
	if _, err := inception.Load(path+".none", inception.WithTop(1)); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := inception.Load(path, inception.WithInputSize(5)); err == nil || !strings.Contains(err.Error(), "smallest size that works") {
		t.Errorf("a tiny input: %v", err)
	}
	if _, err := inception.Load(path, inception.WithTop(0)); err == nil {
		t.Error("top 0 is taken")
	}
	m, err := inception.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Predict(context.Background(), nil, nil); err == nil || !strings.Contains(err.Error(), "picture 0 is empty") {
		t.Errorf("no picture: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Predict(ctx, plain(color.White)); err == nil {
		t.Error("a cancelled call succeeds")
	}
}

func TestABatchAnswersAsSinglePicturesDo(t *testing.T) {
	m, err := inception.Load(tiny(), inception.WithTop(3))
	if err != nil {
		t.Fatal(err)
	}
	var pictures []image.Image
	for i := range 19 { // two batches and three alone
		pictures = append(pictures, plain(color.RGBA{uint8(13 * i), uint8(255 - 13*i), uint8(i), 255}))
	}
	together, err := m.Predict(context.Background(), pictures...)
	if err != nil || len(together) != len(pictures) {
		t.Fatalf("%d results, %v", len(together), err)
	}
	features, err := m.Features(context.Background(), pictures...)
	if err != nil || len(features) != len(pictures) {
		t.Fatalf("%d features, %v", len(features), err)
	}
	for i, p := range pictures {
		alone, err := m.Predict(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		for j, c := range alone[0] {
			if got := together[i][j]; got.Index != c.Index || math.Abs(got.Prob-c.Prob) > 1e-5 {
				t.Errorf("picture %d: %+v together, %+v alone", i, got, c)
			}
		}
	}
}

func TestACallThatWaitsEndsWithItsContext(t *testing.T) {
	m, err := inception.Load(tiny())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, err := m.Predict(ctx, plain(color.White)); err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			cancel()
		})
	}
	wait.Wait()
}

func TestWeightsWithoutAClassifierGiveFeaturesOnly(t *testing.T) {
	w, metadata, err := weights.Load(tiny())
	if err != nil {
		t.Fatal(err)
	}
	metadata.NoHead, metadata.Labels = true, nil
	path := filepath.Join(t.TempDir(), "features.safetensors")
	if err := weights.Save(path, w, metadata); err != nil {
		t.Fatal(err)
	}
	m, err := inception.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Predict(context.Background(), plain(color.White)); err == nil || !strings.Contains(err.Error(), "no classifier") {
		t.Errorf("Predict: %v", err)
	}
	if f, err := m.Features(context.Background(), plain(color.White)); err != nil || len(f) != 1 || len(f[0]) != 96 || m.Labels() != nil {
		t.Errorf("%d features, %v, labels %v", len(f), err, m.Labels())
	}
}

func BenchmarkPredict(b *testing.B) {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		b.Fatal(err)
	}
	spec.Classes, spec.Aux, spec.Init = 1000, model.AuxNone, "he"
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		b.Fatal(err)
	}
	v3 := filepath.Join(b.TempDir(), "v3.safetensors")
	if err := weights.Save(v3, w, weights.Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(299)}); err != nil {
		b.Fatal(err)
	}
	photo := image.NewYCbCr(image.Rect(0, 0, 500, 375), image.YCbCrSubsampleRatio420)
	for name, path := range map[string]string{"tiny": tiny(), "v3": v3} {
		b.Run(name, func(b *testing.B) {
			m, err := inception.Load(path)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Predict(context.Background(), photo); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAModelKeepsNetworksForSoManyCallsAsRunAtOnce(t *testing.T) {
	m, err := inception.Load(tiny(), inception.WithConcurrency(2))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			pictures := make([]image.Image, 1+i) // of one, part of a batch, and more
			for j := range pictures {
				pictures[j] = plain(color.White)
			}
			if _, err := m.Predict(context.Background(), pictures...); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := m.Kept(); n < 1 || n > 2 {
		t.Errorf("keeps networks for %d calls, want at most 2", n)
	}
	if _, err := inception.Load(tiny(), inception.WithConcurrency(0)); err == nil {
		t.Error("a concurrency of 0 is taken")
	}
}

func TestCloseFreesTheNetworksAndEndsCalls(t *testing.T) {
	m, err := inception.Load(tiny(), inception.WithConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Predict(context.Background(), plain(color.White)); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 { // some run before, some are refused
		wait.Go(func() {
			if _, err := m.Predict(context.Background(), plain(color.White)); err != nil &&
				!strings.Contains(err.Error(), "the model is closed") {
				t.Error(err)
			}
		})
	}
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if n := m.Kept(); n != 0 {
			t.Errorf("keeps networks for %d calls after Close", n)
		}
	}
	wait.Wait()
	if _, err := m.Features(context.Background(), plain(color.White)); err == nil ||
		err.Error() != "inception: the model is closed" {
		t.Errorf("after Close: %v", err)
	}
	if len(m.Labels()) != 3 {
		t.Error("the labels are gone")
	}
}

// Where the processor has bf16 it answers nearly alike; elsewhere it is refused
// with what it would cost.
func TestPrecision(t *testing.T) {
	if _, err := inception.Load(tiny(), inception.WithPrecision("half")); err == nil || !strings.Contains(err.Error(), "must be fp32, bf16 or int8") {
		t.Errorf("an unknown precision: %v", err)
	}
	half, err := inception.Load(tiny(), inception.WithPrecision("bf16"))
	if err != nil {
		if !strings.Contains(err.Error(), "times as long") {
			t.Error(err)
		}
		return
	}
	defer half.Close()
	exact, err := inception.Load(tiny(), inception.WithPrecision("fp32"))
	if err != nil {
		t.Fatal(err)
	}
	defer exact.Close()
	want, err := exact.Features(context.Background(), plain(color.RGBA{40, 200, 90, 255}))
	if err != nil {
		t.Fatal(err)
	}
	got, err := half.Features(context.Background(), plain(color.RGBA{40, 200, 90, 255}))
	if err != nil {
		t.Fatal(err)
	}
	largest := float64(slices.Max(want[0]))
	for i, v := range got[0] {
		if math.Abs(float64(v-want[0][i])) > 0.05*largest {
			t.Errorf("feature %d is %g in bf16, %g in float32", i, v, want[0][i])
		}
	}
	if slices.Equal(got[0], want[0]) {
		t.Error("bf16 gives float32's bits")
	}
}

// Quantised weights answer in int8, and in nothing else.
func TestQuantisedWeights(t *testing.T) {
	path := tiny()
	w, m, err := weights.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	w.Spec.InputSize = m.Preprocess.Size
	var how kernel.ByteImage
	for c := range how.Scale {
		how.Scale[c], how.Offset[c] = float32(255*m.Preprocess.Std[c]), float32(255*m.Preprocess.Mean[c])
	}
	images := make([]float32, 3*m.Preprocess.Size*m.Preprocess.Size)
	for i := range images {
		images[i] = float32(i*97%255)/127.5 - 1
	}
	q, _, err := quantize.Run(w, func(each func([]float32, int) error) error { return each(images, 1) },
		quantize.Options{Range: quantize.MinMax, Batch: 1, Image: how})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "int8.safetensors")
	if err := weights.Save(file, q, m); err != nil {
		t.Fatal(err)
	}
	features := func(path string) []float32 {
		model, err := inception.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		defer model.Close()
		f, err := model.Features(context.Background(), plain(color.RGBA{40, 200, 90, 255}))
		if err != nil {
			t.Fatal(err)
		}
		return f[0]
	}
	got, want := features(file), features(path)
	signal, noise := 0.0, 0.0
	for i, v := range want {
		signal += float64(v * v)
		noise += float64((got[i] - v) * (got[i] - v))
	}
	if noise == 0 || noise > signal/100 {
		t.Errorf("features have %g of the signal as noise", noise/signal)
	}
	for file, precision := range map[string]string{file: "fp32", path: "int8"} {
		if _, err := inception.Load(file, inception.WithPrecision(precision)); err == nil || !strings.Contains(err.Error(), "quantised") {
			t.Errorf("%s of %s: %v", precision, file, err)
		}
	}
}

func TestExplainShowsWhatItNames(t *testing.T) {
	m, err := inception.Load(tiny())
	if err != nil {
		t.Fatal(err)
	}
	pictures := []image.Image{plain(color.White), plain(color.RGBA{9, 200, 30, 255}), plain(color.Black)}
	named, err := m.Predict(context.Background(), pictures...)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{"", "layercam", "occlusion"} {
		explained, err := m.Explain(context.Background(), inception.ExplainOptions{Method: method}, pictures...)
		if err != nil || len(explained) != 3 {
			t.Fatalf("%s: %d explanations, %v", method, len(explained), err)
		}
		for i, e := range explained {
			if want := named[i][0]; e.Class.Label != want.Label || math.Abs(e.Class.Prob-want.Prob) > 1e-4 {
				t.Errorf("%s: picture %d is explained as %v, named %v", method, i, e.Class, want)
			}
			heat := e.Maps[0]
			// The network sees the middle of 50x40, a square but for the rounding of the resized width.
			if size := heat.Overlay.Bounds().Size(); len(heat.Values) != heat.H*heat.W || size.X != 320 || size.Y != 318 {
				t.Errorf("%s: %d values of %dx%d over %v", method, len(heat.Values), heat.H, heat.W, size)
			}
		}
	}
	for want, o := range map[string]inception.ExplainOptions{
		`no class is called "rise"; the nearest are "rose"`: {Class: "rise"}, "no layer is called": {At: []string{"Mixed_9z"}},
		"must be one of gradcam": {Method: "cam"}, "has no auxiliary head": {Head: "aux"},
	} {
		if _, err := m.Explain(context.Background(), o, pictures...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := m.Explain(context.Background(), inception.ExplainOptions{}, nil); err == nil || !strings.Contains(err.Error(), "picture 0 is empty") {
		t.Errorf("no picture: %v", err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
	if _, err := m.Explain(context.Background(), inception.ExplainOptions{}, pictures...); err == nil {
		t.Error("a closed model explains")
	}
}
