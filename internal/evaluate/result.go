package evaluate

import (
	"math"
	"time"
)

// Result is what an evaluation found. Fractions are of 1.
type Result struct {
	Images     int // that were read
	Skipped    []error
	Top1, Top5 float64
	Loss       float64 // mean cross-entropy with the hard labels, in nats
	ImagesPerS float64
	Confusion  [][]int // [true class][predicted class] images

	// Calibration: images in bins of equal width by the probability of the
	// predicted class, and the mean distance between that probability and the
	// accuracy over all images, the expected calibration error (Guo et al.,
	// "On Calibration of Modern Neural Networks", arXiv 1706.04599).
	Reliability []Bin
	ECE         float64
}

// Bin holds the images whose predicted class has a probability of From to To.
type Bin struct {
	From, To   float64
	Images     int
	Confidence float64 // mean probability of the predicted class
	Accuracy   float64
}

// ClassScore tells how well one class is told from the others.
type ClassScore struct {
	Images                int
	Precision, Recall, F1 float64
}

// PerClass returns the scores of each class; a class that was never predicted
// has precision 0.
func (r Result) PerClass() []ClassScore {
	scores := make([]ClassScore, len(r.Confusion))
	predicted := make([]int, len(r.Confusion))
	for class, row := range r.Confusion {
		for to, n := range row {
			scores[class].Images += n
			predicted[to] += n
		}
	}
	for class := range scores {
		s, right := &scores[class], float64(r.Confusion[class][class])
		s.Precision = right / math.Max(1, float64(predicted[class]))
		s.Recall = right / math.Max(1, float64(s.Images))
		if right > 0 {
			s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
		}
	}
	return scores
}

const reliabilityBins = 15

// tally counts the predictions of an evaluation.
type tally struct {
	classes            int
	images, top1, top5 int
	loss               float64
	confusion          [][]int
	bins               [reliabilityBins]struct {
		images, right int
		confidence    float64
	}
	skipped []error
}

func newTally(classes int) *tally {
	t := &tally{classes: classes, confusion: make([][]int, classes)}
	cells := make([]int, classes*classes)
	for i := range t.confusion {
		t.confusion[i] = cells[i*classes : (i+1)*classes]
	}
	return t
}

// add takes in the logits of one image.
func (t *tally) add(logits []float32, label int) {
	above, best := 0, 0
	for class, v := range logits {
		if v > logits[best] {
			best = class
		}
		// Of equal logits the smaller index comes first, as in sorting.
		if v > logits[label] || v == logits[label] && class < label {
			above++
		}
	}
	t.images++
	if above < 1 {
		t.top1++
	}
	if above < 5 {
		t.top5++
	}
	norm := logSumExp(logits)
	t.loss += norm - float64(logits[label])
	t.confusion[label][best]++

	confidence := math.Exp(float64(logits[best]) - norm)
	bin := &t.bins[max(0, min(reliabilityBins-1, int(confidence*reliabilityBins)))]
	bin.images++
	bin.confidence += confidence
	if best == label {
		bin.right++
	}
}

// logSumExp returns the logarithm of the softmax's divisor.
func logSumExp(logits []float32) float64 {
	largest := math.Inf(-1)
	for _, v := range logits {
		largest = math.Max(largest, float64(v))
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v) - largest)
	}
	return largest + math.Log(sum)
}

func (t *tally) result(took time.Duration) Result {
	n := math.Max(1, float64(t.images))
	r := Result{
		Images: t.images, Skipped: t.skipped, Top1: float64(t.top1) / n, Top5: float64(t.top5) / n,
		Loss: t.loss / n, ImagesPerS: float64(t.images) / max(took.Seconds(), 1e-9), Confusion: t.confusion,
	}
	for i, b := range t.bins {
		bin := Bin{From: float64(i) / reliabilityBins, To: float64(i+1) / reliabilityBins, Images: b.images}
		if b.images > 0 {
			bin.Confidence = b.confidence / float64(b.images)
			bin.Accuracy = float64(b.right) / float64(b.images)
		}
		r.ECE += math.Abs(bin.Confidence-bin.Accuracy) * float64(b.images) / n
		r.Reliability = append(r.Reliability, bin)
	}
	return r
}
