package train

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/optimize"
)

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*math.Max(1, math.Abs(want)) {
		t.Errorf("%s is %.12g, not %.12g", what, got, want)
	}
}

// curveOf is a search over 121 rates from 1e-6 to 1 with the given loss.
func curveOf(loss func(lr float64) float64) (s RateSearch) {
	s.Before, s.Probe = loss(1e-9), 64
	for i := range 121 {
		lr := math.Pow(10, -6+float64(i)/20)
		s.Curve = append(s.Curve, RatePoint{LR: lr, Loss: loss(lr)})
		if s.Diverged = s.lost(); s.Diverged {
			break
		}
	}
	return s
}

func TestTheSuggestionIsTheSteepestFall(t *testing.T) {
	// Flat, a fall that is steepest at 1e-3, lowest at some 3e-2, a rise; with
	// noise and without.
	random := rand.New(rand.NewPCG(1, 2))
	for _, noise := range []float64{0, 0.01} {
		s := curveOf(func(lr float64) float64 {
			x := math.Log10(lr)
			return 2.3 - 1/(1+math.Exp(-4*(x+3))) + math.Exp(6*(x+0.5)) + noise*random.NormFloat64()
		})
		if err := s.suggest(); err != nil {
			t.Fatal(err)
		}
		if s.Suggestion < 7e-4 || s.Suggestion > 1.5e-3 {
			t.Errorf("noise %g: suggests %g", noise, s.Suggestion)
		}
		if s.Lowest < 1e-2 || s.Lowest > 2e-1 {
			t.Errorf("noise %g: lowest at %g", noise, s.Lowest)
		}
		if last := s.Curve[len(s.Curve)-1].LR; !s.Diverged || last > 0.9 {
			t.Errorf("noise %g: ended at %g", noise, last)
		}
	}
}

func TestNoRateIsSuggestedWhereNothingFalls(t *testing.T) {
	for name, loss := range map[string]func(float64) float64{
		"flat":   func(float64) float64 { return 2.3 },
		"rising": func(lr float64) float64 { return 2.3 + lr },
		"noise":  func(lr float64) float64 { return 2.3 + 0.02*math.Sin(1e5*lr+1e3*math.Log(lr)) },
	} {
		s := curveOf(loss)
		if err := s.suggest(); err == nil || !strings.Contains(err.Error(), "nothing to suggest") {
			t.Errorf("%s: suggests %g, error %v", name, s.Suggestion, err)
		}
	}
	if err := (&RateSearch{}).suggest(); !errors.Is(err, ErrDiverged) {
		t.Errorf("without any step the error is %v", err)
	}
}

// TestNoiseHardlyEverSuggestsARate draws losses that do not depend on the rate.
func TestNoiseHardlyEverSuggestsARate(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	suggested := 0
	const searches = 500
	for range searches {
		noise := math.Pow(10, -3+2*random.Float64())
		s := curveOf(func(float64) float64 { return 2.3 + noise*random.NormFloat64() })
		if s.suggest() == nil {
			suggested++
		}
	}
	if suggested > searches/100 {
		t.Errorf("%d of %d searches in noise suggest a rate", suggested, searches)
	}
}

// swatches is a folder of plain pictures, a colour a class: the loss falls in
// a few steps.
func swatches(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, c := range map[string]color.RGBA{"red": {230, 20, 20, 255}, "green": {20, 200, 20, 255},
		"blue": {20, 20, 230, 255}, "white": {250, 250, 250, 255}} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			im := image.NewRGBA(image.Rect(0, 0, 32, 32))
			draw.Draw(im, im.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
			f, err := os.Create(filepath.Join(dir, name, fmt.Sprint(i, ".png")))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, im); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
	return dir
}

func TestARangeTestOfAWholeNetwork(t *testing.T) {
	job := tinyJob(t)
	job.Data.Train = swatches(t)
	job.Optimizer.Name = optimize.SGD
	s, err := FindLR(context.Background(), job, FindOptions{From: 1e-4, To: 10, Steps: 100})
	if err != nil {
		t.Fatal(err)
	}
	if s.Batch != 8 || s.Suggestion < 1e-4 || s.Suggestion > s.Lowest || s.Lowest > 10 {
		t.Errorf("found %g and %g for batches of %d", s.Suggestion, s.Lowest, s.Batch)
	}
	for i, p := range s.Curve {
		near(t, "rate", p.LR, 1e-4*math.Pow(1e5, float64(i)/99))
	}
	if _, err := os.Stat(job.Dir); err == nil {
		t.Error("the run folder was made")
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errStop)
	if _, err := FindLR(ctx, job, DefaultFindOptions()); !errors.Is(err, errStop) {
		t.Errorf("stopped, the error is %v", err)
	}
	for _, o := range []FindOptions{
		{0, 1, 100}, {1, 1, 100}, {1e-6, 1e6, 100}, {1e-6, 1, 9}, {math.NaN(), 1, 100},
	} {
		if _, err := FindLR(context.Background(), job, o); err == nil || !strings.Contains(err.Error(), "lr-find: needs") {
			t.Errorf("%+v: error is %v", o, err)
		}
	}
	o := FindOptions{From: 1e-6, To: 10, Steps: 20}
	if _, err := FindLR(context.Background(), job, o); err == nil || !strings.Contains(err.Error(), "needs at least 56 steps") {
		t.Errorf("of 20 steps over seven decades the error is %v", err)
	}
}

// watching prepares a search as FindLR does, and what it watches.
func watching(t *testing.T, job Job) (*run, *watched) {
	t.Helper()
	r, err := prepare(job)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.net.Close() })
	w, err := r.watch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.net.Close() })
	return r, w
}

func TestTheWatchedLossIsOfTheNetworkThatIsTrained(t *testing.T) {
	job := tinyJob(t)
	job.Data.Train, job.Train.BatchSize = swatches(t), 1000 // more than there are images
	job.Model.Dropout, job.Train.BatchNorm = 0.5, BatchNormFrozen
	r, w := watching(t, job)
	if images := r.data.train.Len(); w.images != images || len(w.batches) != 1 || len(w.batches[0].Labels) != images {
		t.Errorf("of %d images, %d are watched in %d batches, the first of %d rows", images, w.images, len(w.batches),
			len(w.batches[0].Labels))
	}
	got, err := w.loss()
	if err != nil {
		t.Fatal(err)
	}
	// With frozen batch norm and no dropout it computes what evaluation does.
	e, err := evaluate.NewEvaluator(r.weights, evaluate.RunOptions{Options: job.Eval, Preprocess: r.data.preprocess, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	result, err := e.Evaluate(context.Background(), r.data.train, nil)
	if err != nil || math.Abs(got-result.Loss) > 1e-4*result.Loss {
		t.Errorf("the watched loss is %g, in evaluation it is %g (%v)", got, result.Loss, err)
	}
}

// More batches than the loader holds at a time.
func TestEachWatchedImageIsWatchedOnce(t *testing.T) {
	job := tinyJob(t)
	job.Data.Train = swatches(t)
	job.Train.BatchSize = 4
	_, w := watching(t, job)
	colours := map[[2]float32]int{} // by the first pixel's red and green
	for _, b := range w.batches {
		per := len(b.Images) / len(b.Labels)
		for i := range b.Labels {
			im := b.Images[i*per:][:per]
			colours[[2]float32{im[0], im[per/3]}]++
		}
	}
	for colour, images := range colours {
		if len(colours) != 4 || 4*images != w.images {
			t.Errorf("%d of %d images begin with %v, want as many of each of 4 colours", images, w.images, colour)
		}
	}
}
