package evaluate

import (
	"context"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/quantize"
)

// The last measurement stops before the broken image; it counts nevertheless.
func TestQuantisationCountsUnreadableImages(t *testing.T) {
	w := tinyWeights(t, 1)
	var said []string
	q := Quantization{Range: quantize.MinMax, Warn: func(text string) { said = append(said, text) }}
	run := RunOptions{Options: Options{BatchSize: 8}, Preprocess: picture.TorchvisionPreprocess(32), Precision: model.Own,
		SkipUnreadable: true}
	if _, _, err := q.quantise(context.Background(), w, run, drawn(t, 40, 38)); err != nil {
		t.Fatal(err)
	}
	want := []string{"1 of the images to calibrate on could not be read and count as grey ones"}
	if !slices.Equal(said, want) {
		t.Errorf("says %q", said)
	}
}
