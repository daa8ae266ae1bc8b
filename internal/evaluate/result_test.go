package evaluate

import (
	"math"
	"testing"
	"time"
)

func TestTallyCountsRanksLossAndConfusion(t *testing.T) {
	tally := newTally(6)
	tally.add([]float32{3, 0, 0, 0, 0, 0}, 0)  // first
	tally.add([]float32{5, 4, 3, 2, 1, 0}, 4)  // fifth
	tally.add([]float32{5, 4, 3, 2, 1, 0}, 5)  // last
	tally.add([]float32{1, 1, 1, 1, 1, 1}, 5)  // of equals the smaller index comes first
	tally.add([]float32{-2, 0, 9, 0, 0, 0}, 2) // first
	r := tally.result(time.Second)
	if r.Images != 5 || r.Top1 != 2.0/5 || r.Top5 != 3.0/5 {
		t.Errorf("images %d, top1 %g, top5 %g; want 5, 0.4, 0.6", r.Images, r.Top1, r.Top5)
	}
	want := 0.0
	for _, c := range []struct {
		logits []float64
		label  int
	}{{[]float64{3, 0, 0, 0, 0, 0}, 0}, {[]float64{5, 4, 3, 2, 1, 0}, 4}, {[]float64{5, 4, 3, 2, 1, 0}, 5}, {[]float64{1, 1, 1, 1, 1, 1}, 5}, {[]float64{-2, 0, 9, 0, 0, 0}, 2}} {
		sum := 0.0
		for _, v := range c.logits {
			sum += math.Exp(v)
		}
		want -= math.Log(math.Exp(c.logits[c.label])/sum) / 5
	}
	if math.Abs(r.Loss-want) > 1e-12 {
		t.Errorf("loss %g, want %g", r.Loss, want)
	}
	if r.Confusion[5][0] != 2 || r.Confusion[4][0] != 1 || r.Confusion[2][2] != 1 {
		t.Errorf("confusion %v", r.Confusion)
	}
	if r.ImagesPerS != 5 {
		t.Errorf("images/s %g, want 5", r.ImagesPerS)
	}
}

func TestPerClassScores(t *testing.T) {
	r := Result{Confusion: [][]int{{8, 2, 0}, {4, 6, 0}, {0, 0, 0}}}
	s := r.PerClass()
	for class, want := range []ClassScore{
		{10, 8.0 / 12, 0.8, 2 * (8.0 / 12) * 0.8 / (8.0/12 + 0.8)},
		{10, 6.0 / 8, 0.6, 2 * 0.75 * 0.6 / 1.35},
		{0, 0, 0, 0},
	} {
		if got := s[class]; got.Images != want.Images || math.Abs(got.Precision-want.Precision)+math.Abs(got.Recall-want.Recall)+math.Abs(got.F1-want.F1) > 1e-12 {
			t.Errorf("class %d: %+v, want %+v", class, got, want)
		}
	}
}

func TestCalibrationErrorIsTheGapBetweenConfidenceAndAccuracy(t *testing.T) {
	tally := newTally(2)
	// Probability 0.9 for class 0, right in half of the images.
	logit := float32(math.Log(9))
	for i := range 10 {
		tally.add([]float32{logit, 0}, i%2)
	}
	if r := tally.result(time.Second); math.Abs(r.ECE-0.4) > 1e-6 {
		t.Errorf("calibration error %g, want 0.4", r.ECE)
	}
}
