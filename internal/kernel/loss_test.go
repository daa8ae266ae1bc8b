package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestSmoothingOfFourClasses(t *testing.T) {
	for _, c := range []struct {
		s            Smoothing
		right, wrong float64
	}{
		{Smoothing{Epsilon: 0.1, Spread: Uniform}, 0.925, 0.025},
		{Smoothing{Epsilon: 0.1, Spread: WrongOnly}, 0.9, 0.1 / 3},
		{Smoothing{Epsilon: 0, Spread: WrongOnly}, 1, 0},
	} {
		right, wrong := c.s.targets(4)
		if math.Abs(right-c.right) > 1e-8 || math.Abs(wrong-c.wrong) > 1e-8 {
			t.Errorf("%+v gives %g and %g, want %g and %g", c.s, right, wrong, c.right, c.wrong)
		}
	}
}

func TestLossIsTheMeanCrossEntropyOfLabelledImages(t *testing.T) {
	const n, classes = 5, 19
	weights := make([]float32, classes)
	for c := range weights {
		weights[c] = float32(c%5) / 2
	}
	classesOf, others, shares := []int{3, -1, 18, 0, 3}, []int{5, -1, 3, 0, 18}, []float32{0.75, 1, 0.5, 0.625, 1}
	for _, c := range []struct {
		s      Smoothing
		labels Labels
	}{
		{Smoothing{}, Labels{Class: classesOf}},
		{Smoothing{Epsilon: 0.1, Spread: Uniform}, Labels{Class: classesOf}},
		{Smoothing{Epsilon: 0.1, Spread: WrongOnly}, Labels{Class: classesOf}},
		{Smoothing{}, Labels{classesOf, others, shares}},
		{Smoothing{Epsilon: 0.1, Spread: WrongOnly}, Labels{classesOf, others, shares}},
		{Smoothing{Weights: weights}, Labels{Class: classesOf}},
		{Smoothing{0.1, Uniform, weights}, Labels{Class: classesOf}},
		{Smoothing{0.1, WrongOnly, weights}, Labels{classesOf, others, shares}},
	} {
		s, labels := c.s, c.labels
		r := rand.New(rand.NewPCG(8, 8))
		logits := newViewMap(r, n, 32, 1, 1, true, true)
		for i := range classes {
			*logits.at(4, i, 0, 0) *= 200 // where exp overflows in float32
		}
		probs, d := make([]float32, n*32), newViewMap(r, n, 32, 1, 1, true, false)
		got := s.LossForward(logits.Map, classes, labels, probs)
		s.LossBackward(d.Map, classes, probs, labels, 0.5)
		d.check(t, "gradient")

		loss := func() float64 {
			sum, images := 0.0, 0.0
			for i, label := range labels.Class {
				if label < 0 {
					continue
				}
				largest, z := math.Inf(-1), 0.0
				for k := range classes {
					largest = max(largest, float64(*logits.at(i, k, 0, 0)))
				}
				for k := range classes {
					z += math.Exp(float64(*logits.at(i, k, 0, 0)) - largest)
				}
				if labels.Other == nil {
					images += s.weight(label)
				} else {
					share := float64(labels.Share[i])
					images += share*s.weight(label) + (1-share)*s.weight(labels.Other[i])
				}
				right, wrong := s.targets(classes)
				of := func(k, class int) float64 {
					if k == class {
						return right
					}
					return wrong
				}
				for k := range classes {
					target := of(k, label)
					if labels.Other != nil {
						share := float64(labels.Share[i])
						target = share*target + (1-share)*of(k, labels.Other[i])
					}
					sum -= s.weight(k) * target * (float64(*logits.at(i, k, 0, 0)) - largest - math.Log(z))
				}
			}
			return sum / images
		}
		if want := loss(); math.Abs(float64(got)-want) > 1e-6*want {
			t.Errorf("%+v: loss %g, want %g", s, got, want)
		}
		for i := range n {
			for k := range 32 {
				g := float64(*d.at(i, k, 0, 0))
				if k >= classes || labels.Class[i] < 0 {
					if g != 0 {
						t.Errorf("%+v: image %d, channel %d has gradient %g", s, i, k, g)
					}
					continue
				}
				at, step := logits.at(i, k, 0, 0), float32(1)/64
				before := *at
				*at = before + step
				up := loss()
				*at = before - step
				down := loss()
				*at = before
				if want := 0.5 * (up - down) / (2 * float64(step)); math.Abs(g-want) > 1e-4 {
					t.Errorf("%+v: image %d, class %d has gradient %g, finite differences give %g", s, i, k, g, want)
				}
			}
		}
	}
}

// The values are those of testdata/weighted_loss.py.
func TestWeightedLossIsPyTorchs(t *testing.T) {
	values := [4][3]float32{{0.5, -1.25, 2}, {1.5, 0.25, -0.75}, {-0.5, 0.75, 0}, {3, -2, 1}}
	labels := Labels{Class: []int{2, 0, 1, -1}}
	for _, c := range []struct {
		epsilon float32
		loss    float64
		grad    [4][3]float64
	}{
		{0, 0.4721396665061405, [4][3]float64{{0.03843917, 0.006679726, -0.045118896},
			{-0.024483449, 0.017898835, 0.006584613}, {0.11331567, -0.300141624, 0.186825955}}},
		{0.1, 0.5965825681105708, [4][3]float64{{0.037590708, -0.016152428, -0.021438281},
			{-0.000985643, -0.000218234, 0.001203877}, {0.104515261, -0.274364321, 0.16984906}}},
	} {
		s := Smoothing{Epsilon: c.epsilon, Weights: []float32{0.5, 4, 1.25}}
		logits, grad, probs := newMap(4, 16, 1, 1), newMap(4, 16, 1, 1), make([]float32, 4*16)
		for n, row := range values {
			copy(logits.Data[n*logits.Stride:], row[:])
		}
		if got := s.LossForward(logits, 3, labels, probs); math.Abs(float64(got)-c.loss) > 1e-6 {
			t.Errorf("epsilon %g: loss %g, want %g", c.epsilon, got, c.loss)
		}
		s.LossBackward(grad, 3, probs, labels, 1)
		for n, row := range c.grad {
			for k, want := range row {
				if got := float64(grad.Data[n*grad.Stride+k]); math.Abs(got-want) > 1e-6 {
					t.Errorf("epsilon %g: image %d, class %d has gradient %g, want %g", c.epsilon, n, k, got, want)
				}
			}
		}
	}
}

func TestDropoutKeepsAShareAndItsGradientTheSame(t *testing.T) {
	const keep = 0.8
	x := newMap(4, 64, 5, 5)
	for i := range x.Data {
		x.Data[i] = 1
	}
	y, again, dx := newMap(4, 64, 5, 5), newMap(4, 64, 5, 5), newMap(4, 64, 5, 5)
	Dropout(y, x, keep, 7, 0)
	Dropout(again, x, keep, 8, 0)
	DropoutBackward(dx, x, keep, 7, 0)
	kept, differ := 0, 0
	for i, v := range y.Data {
		switch v {
		case 1 / float32(keep):
			kept++
		case 0:
		default:
			t.Fatalf("value %d is %g", i, v)
		}
		if v != dx.Data[i] {
			t.Fatalf("value %d is %g, its gradient %g", i, v, dx.Data[i])
		}
		if v != again.Data[i] {
			differ++
		}
	}
	n := float64(len(y.Data))
	if share := float64(kept) / n; math.Abs(share-keep) > 4*math.Sqrt(keep*(1-keep)/n) {
		t.Errorf("kept %g of the values, want %g", share, keep)
	}
	if differ == 0 {
		t.Error("another seed drops the same values")
	}
}

func TestDropoutOfOneStepTellsNothingOfTheNext(t *testing.T) {
	const n, keep = 1 << 14, 0.5
	x := newMap(1, 16, n/16, 1)
	for i := range x.Data {
		x.Data[i] = 1
	}
	drawn := func(seed, step uint64) []float32 {
		y := newMap(1, 16, n/16, 1)
		Dropout(y, x, keep, seed, step)
		return y.Data
	}
	const seed, step = 7, 3
	first := drawn(seed, step)
	for name, second := range map[string][]float32{
		"the next step": drawn(seed, step+1), "the step after it": drawn(seed, step+2), "the next seed": drawn(seed+1, step),
	} {
		for shift := range 40 {
			same := 0
			for i := shift; i < n; i++ {
				if second[i-shift] == first[i] {
					same++
				}
			}
			if share := float64(same) / float64(n-shift); math.Abs(share-0.5) > 5*0.5/math.Sqrt(n) {
				t.Errorf("%s, moved by %d places, chooses as step %d does for %.3f of the values, want about a half",
					name, shift, step, share)
			}
		}
	}
}
