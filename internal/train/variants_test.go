package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
)

// Every variant learns a batch by heart; all that is trained takes part; and
// what memory holds beyond the parameters (classes and channels that are no
// multiple of 16) stays zero under every optimizer, momentum and weight decay.
func TestEveryVariantLearns(t *testing.T) {
	for _, c := range []struct {
		variant, optimizer string
		lr                 float64
		change             func(*model.Spec)
		precision          model.Precision
	}{
		{model.V2Table1, optimize.Adam, 0.003, func(s *model.Spec) {
			s.Width, s.InputSize, s.Aux = 0.25, 107,
				model.AuxBatchNorm
		}, model.FP32},
		{model.BNInception, optimize.SGD, 0.1, func(s *model.Spec) { s.Width = 0.05 }, model.FP32},
		{model.BNInception, optimize.Adam, 0.003, func(s *model.Spec) { s.Width, s.Stem.Conv = 0.25, "7x7" }, model.FP32},
		{model.BNInception, optimize.AdamW, 0.003, func(s *model.Spec) { s.Width, s.Init = 0.25, "he" }, model.FP32},
		{model.GoogLeNet, optimize.SGD, 0.1, func(*model.Spec) {}, model.FP32},
		{model.GoogLeNet, optimize.RMSProp, 0.1, func(*model.Spec) {}, model.FP32},
		{model.GoogLeNet, optimize.AdamW, 0.001, func(s *model.Spec) { s.Aux, s.AuxEarly = model.AuxNone, false }, model.FP32},
		{model.BNInception, optimize.SGD, 0.1, func(s *model.Spec) { s.Width = 0.05 }, model.BF16},
		{model.GoogLeNet, optimize.AdamW, 0.002, func(s *model.Spec) { s.Width, s.Aux, s.AuxEarly = 0.25, model.AuxNone, false }, model.BF16},
	} {
		t.Run(c.variant+" "+c.optimizer, func(t *testing.T) {
			spec, err := model.DefaultSpec(c.variant)
			if err != nil {
				t.Fatal(err)
			}
			spec.Classes, spec.InputSize, spec.Dropout, spec.AuxDropout, spec.BNDecay = 5, 48, 0, 0, 0.9
			c.change(&spec)
			if err := spec.Validate(); err != nil {
				t.Fatal(err)
			}
			w, err := model.NewWeights(spec, 3)
			if err != nil {
				t.Fatal(err)
			}
			before := w.Clone()
			o := DefaultRecipe()
			o.Train.BatchSize, o.Optimizer.Name, o.Optimizer.LR, o.Optimizer.WeightDecay = 5, c.optimizer, c.lr, 0.01
			o.Train.Precision = c.precision.String()
			s, err := NewStepper(o, w, true, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			r := rand.New(rand.NewPCG(1, 2))
			images := make([]float32, 5*3*spec.InputSize*spec.InputSize)
			for i := range images {
				images[i] = float32(r.NormFloat64())
			}
			var losses, auxes []float64
			for range 12 {
				if err := s.Step(images, []int{0, 1, 2, 3, 4}); err != nil {
					t.Fatal(err)
				}
				losses = append(losses, s.at.Window.Loss/5)
				auxes = append(auxes, s.at.Window.Aux/5)
			}
			if last := slices.Min(losses[8:]); !(last < 0.8*losses[0]) {
				t.Errorf("losses are %.3f", losses)
			}
			if last := slices.Min(auxes[8:]); spec.Aux != model.AuxNone && !(last < 0.95*auxes[0]) {
				t.Errorf("auxiliary losses are %.3f", auxes)
			}
			for _, p := range w.Params {
				if q := before.ByName(p.Name); slices.Equal(p.Data, q.Data) {
					t.Errorf("%s has not changed", p.Name)
				}
				values := p.Values()
				if slices.ContainsFunc(values, func(v float32) bool { return math.IsNaN(float64(v)) }) {
					t.Errorf("%s holds NaN", p.Name)
				}
				packed := make([]float32, len(p.Data))
				p.Pack(packed, values)
				if !slices.Equal(packed, p.Data) {
					t.Errorf("%s: what pads its blocks is not zero", p.Name)
				}
			}
		})
	}
}
