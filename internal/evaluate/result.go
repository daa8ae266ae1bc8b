package evaluate

import (
	"cmp"
	"math"
	"slices"
)

// Result is what an evaluation found. Fractions are of 1.
type Result struct {
	Images      int     // that were read
	Skipped     []error // why others could not be: dataset.ImageErrors
	Damaged     []error // what is wrong with those that were used as far as they go: dataset.ImageErrors
	Top1, Top5  float64
	Loss        float64 // mean cross-entropy with the hard labels, in nats
	ImagesPerS  float64
	Labels      []string     // of the classes
	Confusion   [][]int      // [true class][predicted class] images
	Predictions []Prediction // of each image that was read, in the set's order

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

// Prediction is what was found for one image.
type Prediction struct {
	Index int     // in the set
	Label int     // the true class
	Rank  int     // of the true class, from 1
	Prob  float64 // of the true class
	Loss  float64
	Top   []Class // the most probable classes, at most 5
}

// Better reports whether a top-1 accuracy with its loss is better than another: higher,
// at a tie of lower loss.
func Better(top1, loss, thanTop1, thanLoss float64) bool {
	return top1 > thanTop1 || top1 == thanTop1 && loss < thanLoss
}

// Right reports whether the most probable class is the true one.
func (p Prediction) Right() bool { return p.Rank == 1 }

// ClassScore tells how well one class is told from the others.
type ClassScore struct {
	Images, Predicted     int // that are of the class, that were taken for it
	Precision, Recall, F1 float64
}

// PerClass returns the scores of each class; a class that was never predicted
// has precision 0.
func (r Result) PerClass() []ClassScore {
	scores := make([]ClassScore, len(r.Confusion))
	for class, row := range r.Confusion {
		for to, n := range row {
			scores[class].Images += n
			scores[to].Predicted += n
		}
	}
	for class := range scores {
		s, right := &scores[class], float64(r.Confusion[class][class])
		s.Precision = right / math.Max(1, float64(s.Predicted))
		s.Recall = right / math.Max(1, float64(s.Images))
		if right > 0 {
			s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
		}
	}
	return scores
}

// MacroAverage returns the mean scores of the classes that have images; its
// Images and Predicted are the sums.
func (r Result) MacroAverage() (mean ClassScore) {
	classes := 0.0
	for _, s := range r.PerClass() {
		mean.Images += s.Images
		mean.Predicted += s.Predicted
		if s.Images > 0 {
			classes++
			mean.Precision += s.Precision
			mean.Recall += s.Recall
			mean.F1 += s.F1
		}
	}
	classes = math.Max(1, classes)
	mean.Precision, mean.Recall, mean.F1 = mean.Precision/classes, mean.Recall/classes, mean.F1/classes
	return mean
}

// BalancedAccuracy returns the mean over the classes that have images of the
// share of their images that are right: what top-1 would be if all classes had
// equally many.
func (r Result) BalancedAccuracy() float64 { return r.MacroAverage().Recall }

// Mistakes returns the images that were taken for another class, the one first
// whose wrong class was the most probable, of equal ones that with the higher loss.
func (r Result) Mistakes() []Prediction {
	var wrong []Prediction
	for _, p := range r.Predictions {
		if !p.Right() {
			wrong = append(wrong, p)
		}
	}
	slices.SortStableFunc(wrong, func(a, b Prediction) int {
		return cmp.Or(cmp.Compare(b.Top[0].Prob, a.Top[0].Prob), cmp.Compare(b.Loss, a.Loss))
	})
	return wrong
}

// Confused is a pair of classes with the images of one taken for the other.
type Confused struct{ Class, For, Images int }

// MostConfused returns the n pairs of classes with the most mistakes.
func (r Result) MostConfused(n int) []Confused {
	var all []Confused
	for class, row := range r.Confusion {
		for to, images := range row {
			if to != class && images > 0 {
				all = append(all, Confused{class, to, images})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Confused) int { return b.Images - a.Images })
	return all[:min(n, len(all))]
}

const reliabilityBins = 15

// tally counts the predictions of an evaluation.
type tally struct {
	labels             []string // of the classes
	images, top1, top5 int
	loss               float64
	confusion          [][]int
	bins               [reliabilityBins]struct {
		images, right int
		confidence    float64
	}
	predictions []Prediction
}

func newTally(labels []string) *tally {
	classes := len(labels)
	t := &tally{labels: labels, confusion: make([][]int, classes)}
	cells := make([]int, classes*classes)
	for i := range t.confusion {
		t.confusion[i] = cells[i*classes : (i+1)*classes]
	}
	return t
}

// add takes in the logits of one image, or the logarithms of its mean
// probabilities.
func (t *tally) add(index, label int, scores []float64) {
	rank, top := Rank(scores, label), Top(scores, t.labels, 5)
	best := top[0]
	t.images++
	if rank <= 1 {
		t.top1++
	}
	if rank <= 5 {
		t.top5++
	}
	loss := logSumExp(scores) - scores[label]
	t.loss += loss
	t.confusion[label][best.Index]++
	t.predictions = append(t.predictions, Prediction{
		Index: index, Label: label, Rank: rank, Prob: math.Exp(-loss), Loss: loss, Top: top,
	})

	bin := &t.bins[max(0, min(reliabilityBins-1, int(best.Prob*reliabilityBins)))]
	bin.images++
	bin.confidence += best.Prob
	if best.Index == label {
		bin.right++
	}
}

// result returns what was counted; skipped and speed are for others to fill in.
func (t *tally) result() Result {
	n := math.Max(1, float64(t.images))
	r := Result{
		Images: t.images, Top1: float64(t.top1) / n, Top5: float64(t.top5) / n,
		Loss: t.loss / n, Labels: t.labels, Confusion: t.confusion, Predictions: t.predictions,
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

// Score returns how well logits, or logarithms of probabilities, of images in
// order tell their labels. Nothing is known of skipped images and speed.
func Score(classes []string, labels []int, logits [][]float64) Result {
	t := newTally(classes)
	for i, label := range labels {
		t.add(i, label, logits[i])
	}
	return t.result()
}
