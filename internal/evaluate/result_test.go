package evaluate

import (
	"math"
	"slices"
	"testing"
)

func TestTallyCountsRanksLossAndConfusion(t *testing.T) {
	cases := []struct {
		scores []float64
		label  int
		rank   int
	}{
		{[]float64{3, 0, 0, 0, 0, 0}, 0, 1},
		{[]float64{5, 4, 3, 2, 1, 0}, 4, 5},
		{[]float64{5, 4, 3, 2, 1, 0}, 5, 6},
		{[]float64{1, 1, 1, 1, 1, 1}, 5, 6}, // of equals the smaller index comes first
		{[]float64{-2, 0, 9, 0, 0, 0}, 2, 1},
	}
	tally, want := newTally(make([]string, 6)), 0.0
	for i, c := range cases {
		tally.add(i, c.label, c.scores)
		sum := 0.0
		for _, v := range c.scores {
			sum += math.Exp(v)
		}
		want -= math.Log(math.Exp(c.scores[c.label])/sum) / float64(len(cases))
	}
	r := tally.result()
	if r.Images != 5 || r.Top1 != 2.0/5 || r.Top5 != 3.0/5 {
		t.Errorf("images %d, top1 %g, top5 %g; want 5, 0.4, 0.6", r.Images, r.Top1, r.Top5)
	}
	if math.Abs(r.Loss-want) > 1e-12 {
		t.Errorf("loss %g, want %g", r.Loss, want)
	}
	if r.Confusion[5][0] != 2 || r.Confusion[4][0] != 1 || r.Confusion[2][2] != 1 {
		t.Errorf("confusion %v", r.Confusion)
	}
	for i, p := range r.Predictions {
		if p.Rank != cases[i].rank || p.Index != i || math.Abs(p.Prob-math.Exp(-p.Loss)) > 1e-12 {
			t.Errorf("image %d: %+v, want rank %d", i, p, cases[i].rank)
		}
	}
	if top := r.Predictions[4].Top; len(top) != 5 || top[0].Index != 2 || top[1].Index != 1 || top[4].Index != 5 {
		t.Errorf("most probable classes %v", top)
	}
	if wrong := r.Mistakes(); len(wrong) != 3 || wrong[0].Index != 2 {
		t.Errorf("mistakes %v", wrong)
	}
	if got := r.MostConfused(1); !slices.Equal(got, []Confused{{5, 0, 2}}) {
		t.Errorf("most confused %v", got)
	}
}

func TestOutputsThatAreNoNumbersAreWrong(t *testing.T) {
	tally := newTally(make([]string, 3))
	tally.add(0, 1, []float64{math.NaN(), math.NaN(), math.NaN()})
	if r := tally.result(); r.Top1 != 0 || !math.IsNaN(r.Loss) {
		t.Errorf("top-1 %g, loss %g", r.Top1, r.Loss)
	}
}

func TestPerClassScores(t *testing.T) {
	r := Result{Confusion: [][]int{{8, 2, 0}, {4, 6, 0}, {0, 0, 0}}}
	s := r.PerClass()
	want := []ClassScore{
		{10, 12, 8.0 / 12, 0.8, 2 * (8.0 / 12) * 0.8 / (8.0/12 + 0.8)},
		{10, 8, 6.0 / 8, 0.6, 2 * 0.75 * 0.6 / 1.35},
		{},
	}
	for class := range want {
		if !near(s[class], want[class]) {
			t.Errorf("class %d: %+v, want %+v", class, s[class], want[class])
		}
	}
	// The class without images is left out of the mean.
	mean := ClassScore{20, 20, (want[0].Precision + want[1].Precision) / 2, 0.7, (want[0].F1 + want[1].F1) / 2}
	if got := r.MacroAverage(); !near(got, mean) {
		t.Errorf("macro average %+v, want %+v", got, mean)
	}
	if got := r.BalancedAccuracy(); math.Abs(got-0.7) > 1e-12 {
		t.Errorf("balanced accuracy %g, want 0.7", got)
	}
}

func near(a, b ClassScore) bool {
	return a.Images == b.Images && a.Predicted == b.Predicted && math.Abs(a.Precision-b.Precision)+math.Abs(a.Recall-b.Recall)+math.Abs(a.F1-b.F1) < 1e-12
}

func TestCalibrationErrorIsTheGapBetweenConfidenceAndAccuracy(t *testing.T) {
	tally := newTally(make([]string, 2))
	// Probability 0.9 for class 0, right in half of the images.
	for i := range 10 {
		tally.add(i, i%2, []float64{math.Log(9), 0})
	}
	r := tally.result()
	if math.Abs(r.ECE-0.4) > 1e-6 {
		t.Errorf("calibration error %g, want 0.4", r.ECE)
	}
	if b := r.Reliability[13]; b.Images != 10 || math.Abs(b.Confidence-0.9) > 1e-9 || b.Accuracy != 0.5 {
		t.Errorf("bin of 0.87 to 0.93: %+v", b)
	}
}
