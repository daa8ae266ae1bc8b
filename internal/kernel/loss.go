package kernel

import (
	"math"

	"github.com/inception-go/inception/internal/parallel"
)

// Spread says which classes share the probability that smoothing takes.
type Spread int

// The values of Smoothing.Spread.
const (
	Uniform   Spread = iota // all classes, the true one too (Szegedy et al. 2015, section 7)
	WrongOnly               // all but the true one
)

// Smoothing is how labels become targets: 1-Epsilon for the true class, and
// Epsilon spread over classes.
//
// With Weights, a class' part of the cross-entropy counts as often as its
// weight says, and the mean is over the weights of the images' labels, as in
// PyTorch's CrossEntropyLoss(weight, label_smoothing). The weight of a mixed
// image is that of its classes by their shares.
type Smoothing struct {
	Epsilon float32
	Spread  Spread
	Weights []float32 // of the classes; nil for 1 each
}

// weight returns the weight of class c.
func (s Smoothing) weight(c int) float64 {
	if s.Weights == nil {
		return 1
	}
	return float64(s.Weights[c])
}

// Labels are the classes of the images of a batch. A class of -1 leaves an image
// out. A mixed image shows two classes: Share of its target is for Class, the
// rest for Other; without mixed images Other and Share are nil.
type Labels struct {
	Class []int
	Other []int
	Share []float32
}

// target returns the probability that image n should give class c, from the
// probabilities of a true class and of another class.
func (l Labels) target(n, c int, right, wrong float64) float64 {
	of := func(class int) float64 {
		if c == class {
			return right
		}
		return wrong
	}
	return l.shared(n, of)
}

// shared returns a value of the class of image n, or of both of its classes by
// their shares.
func (l Labels) shared(n int, of func(class int) float64) float64 {
	if l.Other == nil {
		return of(l.Class[n])
	}
	share := float64(l.Share[n])
	return share*of(l.Class[n]) + (1-share)*of(l.Other[n])
}

// targets returns the probabilities of the true class and of each other one.
func (s Smoothing) targets(classes int) (right, wrong float64) {
	e, k := float64(s.Epsilon), float64(classes)
	if s.Spread == WrongOnly {
		if classes < 2 {
			return 1, 0
		}
		return 1 - e, e / (k - 1)
	}
	return 1 - e + e/k, e / k
}

// LossForward returns the mean over images of the cross-entropy between
// smoothed labels and the softmax of logits, [N][C/16][1][1][16], of which only
// the first classes channels are used; it writes that softmax to probs, [N][C].
func (s Smoothing) LossForward(logits Map, classes int, labels Labels, probs []float32) float32 {
	right, wrong := s.targets(classes)
	losses := make([]float64, logits.N)
	parallel.For(logits.N, func(n int) {
		row := logits.Data[n*logits.Stride:][:logits.C]
		largest := math.Inf(-1)
		for _, v := range row[:classes] {
			largest = math.Max(largest, float64(v))
		}
		sum := 0.0
		for _, v := range row[:classes] {
			sum += math.Exp(float64(v) - largest)
		}
		norm := largest + math.Log(sum)
		for c, v := range row {
			p := 0.0
			if c < classes {
				logProb := float64(v) - norm
				p = math.Exp(logProb)
				losses[n] -= labels.target(n, c, right, wrong) * s.weight(c) * logProb
			}
			probs[n*logits.C+c] = float32(p)
		}
	})
	total := 0.0
	for n, loss := range losses {
		if labels.Class[n] >= 0 {
			total += loss
		}
	}
	return float32(total / s.counted(labels))
}

// LossBackward overwrites dlogits with scale times the gradient of
// LossForward: (softmax - target)/images without weights, zero for images left out and beyond
// the classes.
func (s Smoothing) LossBackward(dlogits Map, classes int, probs []float32, labels Labels, scale float32) {
	right, wrong := s.targets(classes)
	factor := float64(scale) / s.counted(labels)
	parallel.For(dlogits.N, func(n int) {
		row := dlogits.Data[n*dlogits.Stride:][:dlogits.C]
		clear(row)
		if labels.Class[n] < 0 {
			return
		}
		all := 1.0 // of the targets, weighted
		if s.Weights != nil {
			all = 0
			for c := range classes {
				all += labels.target(n, c, right, wrong) * s.weight(c)
			}
		}
		for c := range classes {
			target := labels.target(n, c, right, wrong) * s.weight(c)
			row[c] = float32(factor * (all*float64(probs[n*dlogits.C+c]) - target))
		}
	})
}

// counted returns the weights of the images with a label together, 1 each
// without weights. Where there is none, it returns 1.
func (s Smoothing) counted(labels Labels) float64 {
	sum := 0.0
	for n, class := range labels.Class {
		if class >= 0 {
			sum += labels.shared(n, s.weight)
		}
	}
	if sum == 0 {
		return 1
	}
	return sum
}
