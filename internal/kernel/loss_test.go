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
		{Smoothing{0.1, Uniform}, 0.925, 0.025},
		{Smoothing{0.1, WrongOnly}, 0.9, 0.1 / 3},
		{Smoothing{0, WrongOnly}, 1, 0},
	} {
		right, wrong := c.s.targets(4)
		if math.Abs(right-c.right) > 1e-8 || math.Abs(wrong-c.wrong) > 1e-8 {
			t.Errorf("%+v gives %g and %g, want %g and %g", c.s, right, wrong, c.right, c.wrong)
		}
	}
}

func TestLossIsTheMeanCrossEntropyOfLabelledImages(t *testing.T) {
	const n, classes = 5, 19
	classesOf, others, shares := []int{3, -1, 18, 0, 3}, []int{5, -1, 3, 0, 18}, []float32{0.75, 1, 0.5, 0.625, 1}
	for _, c := range []struct {
		s      Smoothing
		labels Labels
	}{
		{Smoothing{}, Labels{Class: classesOf}},
		{Smoothing{0.1, Uniform}, Labels{Class: classesOf}},
		{Smoothing{0.1, WrongOnly}, Labels{Class: classesOf}},
		{Smoothing{}, Labels{classesOf, others, shares}},
		{Smoothing{0.1, WrongOnly}, Labels{classesOf, others, shares}},
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
			sum := 0.0
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
					sum -= target * (float64(*logits.at(i, k, 0, 0)) - largest - math.Log(z))
				}
			}
			return sum / 4
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
