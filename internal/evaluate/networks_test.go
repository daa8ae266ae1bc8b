package evaluate

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
)

// TestAPartOfABatchHasTheBitsOfAWholeOne runs the beginnings of a batch. At 75
// the last grid has one pixel, and whether Winograd pays depends on the batch.
func TestAPartOfABatchHasTheBitsOfAWholeOne(t *testing.T) {
	const batch, size = 8, 75
	spec := tinySpec(t)
	spec.InputSize, spec.Width, spec.Stem.Stride, spec.Stem.Pool = size, 0.25, 2, true
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPredictor(w, PredictOptions{RunOptions: RunOptions{
		Options: Options{BatchSize: batch}, Preprocess: picture.TorchvisionPreprocess(size),
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	images := make([]float32, batch*3*size*size)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range images {
		images[i] = float32(r.NormFloat64())
	}
	whole, err := p.pass(images, batch)
	if err != nil {
		t.Fatal(err)
	}
	for rows := 1; rows < batch; rows++ {
		part, err := p.pass(images[:rows*3*size*size], rows)
		if err != nil {
			t.Fatal(err)
		}
		for row := range rows {
			if !slices.Equal(part.of(part.logits, row), whole.of(whole.logits, row)) ||
				!slices.Equal(part.of(part.features, row), whole.of(whole.features, row)) {
				t.Errorf("image %d of %d has other bits than in a batch of %d", row, rows, batch)
			}
		}
	}
}
