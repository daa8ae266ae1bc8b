package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/parallel"
)

// trainingSpecs are small networks of every kind, with all their heads.
func trainingSpecs(t *testing.T) map[string]Spec {
	specs := map[string]Spec{}
	for name, change := range map[string]func(*Spec){
		V3:          func(s *Spec) { s.InputSize, s.AuxEarly = smallSize, true },
		V2:          func(s *Spec) { s.InputSize, s.Aux = smallSize, AuxPlain },
		V2Table1:    func(s *Spec) { s.InputSize, s.Aux = smallSize, AuxNone },
		InceptionV4: func(s *Spec) { s.InputSize = 80 },
		BNInception: func(s *Spec) { s.InputSize = 64 },
		GoogLeNet:   func(s *Spec) { s.InputSize = 64 },
	} {
		spec, err := DefaultSpec(name)
		if err != nil {
			t.Fatal(err)
		}
		spec.Width, spec.Classes, spec.Init = 0.05, 10, "he"
		change(&spec)
		if err := spec.Validate(); err != nil {
			t.Fatal(err)
		}
		specs[name] = spec
	}
	return specs
}

// TestTrainingInBF16: the losses and gradients of every kind of network are those
// of float32 up to bf16's rounding, and one thread and several give the same bits.
//
// A network with random weights magnifies any rounding with its depth: a value
// that passes zero changes a ReLU's gradient wholly. So batch norm shifts by 3
// deviations here, and nearly nothing is cut. Then each rounding of a value around
// 3 is off by 0.3*2^-7 of a deviation on average, its neighbours' independently,
// and a gradient has passed some 4*50 of them: sqrt(200)*0.3*2^-7 = 3%. What batch
// norm and maxima that change places add is allowed for by a factor of 4. A single
// weight's is told from a wrong one, which is off by 1 if it is zero, by 1.4 if it
// has nothing to do with it; those of scales and shifts are nearly zero where
// nothing is cut.
func TestTrainingInBF16(t *testing.T) {
	defer parallel.SetThreads(parallel.Threads())
	for name, spec := range trainingSpecs(t) {
		t.Run(name, func(t *testing.T) {
			const batch = 6
			labels := kernel.Labels{Class: []int{1, 7, 3, 2, 9, 0}}
			images := waves(batch, spec.InputSize)
			step := func(p Precision) (losses []float32, grads []Gradient) {
				w, err := NewWeights(spec, 1)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range w.Params {
					if p.Kind == ops.Beta {
						p.Pack(p.Data, slices.Repeat([]float32{3}, p.Count()))
					}
				}
				net, err := Build(spec, w, batch, Train, Options{
					AuxWeight: 0.4, Smoothing: kernel.Smoothing{Epsilon: 0.1}, Precision: p,
				})
				if err != nil {
					t.Fatal(err)
				}
				defer net.Close()
				loss, err := net.Step(images, labels, 1)
				if err != nil {
					t.Fatal(err)
				}
				return []float32{loss.Main, loss.Aux, loss.AuxEarly}, net.Gradients()
			}
			exact, want := step(FP32)
			half, got := step(BF16)
			for i, loss := range exact {
				if d := math.Abs(float64(half[i] - loss)); !(d <= 0.01*float64(loss)) {
					t.Errorf("loss %d is %v, %v in float32", i, half[i], loss)
				}
			}
			difference, size := 0.0, 0.0
			for i, grad := range want {
				d, s := 0.0, 0.0
				for j, g := range grad.Data {
					d += float64(got[i].Data[j]-g) * float64(got[i].Data[j]-g)
					s += float64(g) * float64(g)
				}
				weight := grad.Param.Kind <= ops.SeparableWeight
				if off := math.Sqrt(d / s); weight && !(off <= 0.8) {
					t.Errorf("the gradient of %s is off by %.3f of its norm", grad.Param.Name, off)
				}
				difference, size = difference+d, size+s
			}
			if off := math.Sqrt(difference / size); !(off <= 0.12) {
				t.Errorf("gradients are off by %.3f of their norm", off)
			}
			for threads := 1; threads <= 3; threads += 2 {
				parallel.SetThreads(threads)
				losses, again := step(BF16)
				same := func(a, b Gradient) bool { return slices.Equal(a.Data, b.Data) }
				if !slices.Equal(losses, half) || !slices.EqualFunc(again, got, same) {
					t.Errorf("%d threads give other bits", threads)
				}
			}
		})
	}
}

// waves returns images that differ as pictures do, in large.
func waves(n, size int) (images []float32) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3 * n {
		across, down, phase, mean := 12*r.Float64(), 12*r.Float64(), 6*r.Float64(), 2*r.Float64()-1
		for y := range size {
			for x := range size {
				wave := math.Sin((across*float64(x)+down*float64(y))/float64(size) + phase)
				images = append(images, float32(mean+wave+0.3*r.Float64()))
			}
		}
	}
	return images
}
