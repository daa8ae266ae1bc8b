package convert

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/quantize"
	"github.com/inception-go/inception/internal/weights"
)

// narrowInt8 quantises narrow weights on the images that are compared.
func narrowInt8(t *testing.T, w *model.Weights, m weights.Metadata, pixels array, keep ...string) *model.Weights {
	t.Helper()
	var how kernel.ByteImage
	for c := range how.Scale {
		how.Scale[c], how.Offset[c] = float32(255*m.Preprocess.Std[c]), float32(255*m.Preprocess.Mean[c])
	}
	images := floats32(preprocessed(m, pixels))
	q, _, err := quantize.Run(w, func(each func([]float32, int) error) error { return each(images, pixels.shape[0]) },
		quantize.Options{Range: quantize.MinMax, Keep: keep, Batch: pixels.shape[0], Image: how})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestONNXOfQuantisedWeightsComputesOurLogits, up to bytes that lie between two
// values and are rounded after other float32 operations.
func TestONNXOfQuantisedWeightsComputesOurLogits(t *testing.T) {
	for _, test := range []struct {
		name, variant string
		change        func(*model.Spec)
		keep          []string
	}{
		{"v3", "v3", func(*model.Spec) {}, nil},
		{"v3, pool first", "v3", func(s *model.Spec) { s.GridReduction, s.AvgPoolCountIncludePad = "pool_first", true }, nil},
		{"v3, layers kept", "v3", func(*model.Spec) {},
			[]string{"Conv2d_1a", "Conv2d_2a", "Mixed_5b", "Mixed_5c.branch1x1", "Mixed_6b.branch7x7_2"}},
		{"v4", "inception-v4", func(*model.Spec) {}, nil},
		{"googlenet, whose image is padded", "googlenet", func(*model.Spec) {}, nil},
		{"bn-inception, whose first layer is kept", "bn-inception", func(*model.Spec) {}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w, m := narrow(t, test.variant, test.change)
			pixels := randomPixels(m.Preprocess.Size)
			q := narrowInt8(t, w, m, pixels, test.keep...)
			got := exportNarrow(t, q, m, ExportOptions{WithPreprocess: true})
			checkGraph(t, got.GetGraph())
			want, _ := outputs(t, q, m, pixels)
			logits, err := runONNX(got, pixels)
			if err != nil {
				t.Fatal(err)
			}
			worst, largest := 0.0, 0.0
			for i, v := range want {
				worst = math.Max(worst, math.Abs(logits.data[i]-float64(v)))
				largest = math.Max(largest, math.Abs(float64(v)))
			}
			t.Logf("%.1e of the largest logit", worst/largest)
			if !(worst <= 0.03*largest) {
				t.Errorf("differs by %g, the largest logit is %g", worst, largest)
			}
		})
	}
}

func TestQuantisedWeightsGoOnlyIntoONNX(t *testing.T) {
	w, m := narrow(t, "v3", func(*model.Spec) {})
	q := narrowInt8(t, w, m, randomPixels(m.Preprocess.Size))
	for format, file := range map[string]string{Torchvision: "w.pth", Keras: "w.h5"} {
		_, err := Export(filepath.Join(t.TempDir(), file), q, m, ExportOptions{Format: format})
		if err == nil || !strings.Contains(err.Error(), "quantised to int8") {
			t.Errorf("%s: %v", format, err)
		}
	}
	_, err := Export(filepath.Join(t.TempDir(), "w.onnx"), q, m, ExportOptions{Format: ONNX, KeepBatchNorm: true})
	if err == nil || !strings.Contains(err.Error(), "batch norm folded in already") {
		t.Errorf("with batch norm: %v", err)
	}
}
