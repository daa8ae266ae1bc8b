package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// tinySpec is the smallest network there is.
func tinySpec(t *testing.T) model.Spec {
	t.Helper()
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Classes, spec.Width, spec.Aux, spec.Init = 32, 10, 0.05, model.AuxNone, "he"
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	return spec
}

func tinyWeights(t *testing.T, seed uint64) *model.Weights {
	t.Helper()
	w, err := model.NewWeights(tinySpec(t), seed)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func evaluator(t *testing.T, w *model.Weights, batch int, crops picture.Crops, size int) *Evaluator {
	t.Helper()
	e, err := NewEvaluator(w, RunOptions{Options: Options{BatchSize: batch}, Preprocess: picture.TorchvisionPreprocess(size), Crops: crops, SkipUnreadable: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// drawn returns n images of several shapes, of which some may be broken.
func drawn(t *testing.T, n int, broken ...int) dataset.Set {
	t.Helper()
	src, err := dataset.Open("shapes:?train=40&size=48")
	if err != nil {
		t.Fatal(err)
	}
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return partlyBroken{dataset.Subset(src.Train, indices), broken}
}

type partlyBroken struct {
	dataset.Set
	broken []int
}

func (p partlyBroken) Image(i int) (picture.Image, error) {
	if slices.Contains(p.broken, i) {
		return picture.Image{}, errors.New("is broken")
	}
	im, err := p.Set.Image(i)
	if err == nil && i%3 > 0 { // some portrait, some landscape
		im = picture.Image{W: im.W, H: im.H - 7*(i%3), Pix: im.Pix[:3*im.W*(im.H-7*(i%3))]}
	}
	return im, err
}

func evaluated(t *testing.T, e Ensemble, set dataset.Set) Result {
	t.Helper()
	r, err := e.Evaluate(context.Background(), set, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryImageCountsOnce(t *testing.T) {
	w := tinyWeights(t, 1)
	for _, batch := range []int{1, 4, 7} {
		for _, crops := range []picture.Crops{1, 10} {
			e := Ensemble{evaluator(t, w, batch, crops, 32)}
			for _, n := range []int{1, 3, 4, 9} {
				broken := []int{2, 8}
				r := evaluated(t, e, drawn(t, n, broken...))
				skipped := 0
				for _, b := range broken {
					if b < n {
						skipped++
					}
				}
				total := 0
				for _, row := range r.Confusion {
					for _, images := range row {
						total += images
					}
				}
				if r.Images != n-skipped || len(r.Skipped) != skipped || total != r.Images || len(r.Predictions) != r.Images {
					t.Errorf("batch %d, %d crops, %d images: counted %d, skipped %d, in the confusion %d, predictions %d", batch, crops, n, r.Images, len(r.Skipped), total, len(r.Predictions))
				}
				right := 0
				for _, p := range r.Predictions {
					if slices.Contains(broken, p.Index) {
						t.Errorf("image %d cannot be read, but was counted", p.Index)
					}
					if p.Right() {
						right++
					}
				}
				if math.Abs(r.Top1-float64(right)/float64(r.Images)) > 1e-12 {
					t.Errorf("top-1 is %g, the predictions say %d of %d", r.Top1, right, r.Images)
				}
			}
		}
	}
}

// naive returns the mean softmax over all views of each image, one view at a
// time through the network.
func naive(t *testing.T, w *model.Weights, set dataset.Set, crops picture.Crops, size int) [][]float64 {
	t.Helper()
	spec := w.Spec
	spec.InputSize = size
	net, err := model.Build(spec, w, 1, model.Eval, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer net.Close()
	net.Refresh()
	batches := dataset.NewLoader(set, dataset.LoaderOptions{Batch: 1, Preprocess: picture.TorchvisionPreprocess(size), Crops: crops}).Epoch(context.Background(), 0, 0)
	defer batches.Close()
	all := make([][]float64, set.Len())
	for i := range all {
		all[i] = make([]float64, spec.Classes)
	}
	for {
		b, err := batches.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := net.Forward(b.Images); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, v := range net.Logits() {
			sum += math.Exp(float64(v))
		}
		for class, v := range net.Logits() {
			all[b.Indices[0]][class] += math.Exp(float64(v)) / sum / float64(crops)
		}
	}
}

func TestCropsAndMembersAverageTheSoftmax(t *testing.T) {
	set := drawn(t, 5)
	a, b := tinyWeights(t, 1), tinyWeights(t, 2)
	for _, crops := range []picture.Crops{1, 10, 12, 144} {
		r := evaluated(t, Ensemble{evaluator(t, a, 16, crops, 32), evaluator(t, b, 5, crops, 40)}, set)
		first, second := naive(t, a, set, crops, 32), naive(t, b, set, crops, 40)
		loss := 0.0
		for i, p := range r.Predictions {
			want := make([]float64, len(first[i]))
			for class := range want {
				want[class] = (first[i][class] + second[i][class]) / 2
			}
			loss -= math.Log(want[set.Label(i)]) / float64(set.Len())
			for _, c := range p.Top {
				if math.Abs(c.Prob-want[c.Index]) > 1e-6 {
					t.Errorf("%d crops, image %d: class %d has probability %g, want %g", crops, i, c.Index, c.Prob, want[c.Index])
				}
			}
			if best := slices.Index(want, slices.Max(want)); p.Top[0].Index != best {
				t.Errorf("%d crops, image %d: taken for %d, want %d", crops, i, p.Top[0].Index, best)
			}
		}
		if math.Abs(r.Loss-loss) > 1e-5 {
			t.Errorf("%d crops: loss %g, want %g", crops, r.Loss, loss)
		}
	}
}

func TestAnEnsembleOfAFileWithItselfIsTheFile(t *testing.T) {
	w, set := tinyWeights(t, 3), drawn(t, 9, 4)
	one := evaluated(t, Ensemble{evaluator(t, w, 4, 1, 32)}, set)
	two := evaluated(t, Ensemble{evaluator(t, w, 4, 1, 32), evaluator(t, w, 7, 1, 32)}, set)
	if one.Top1 != two.Top1 || one.Top5 != two.Top5 || one.Images != two.Images || len(one.Skipped) != 1 || len(two.Skipped) != 1 {
		t.Errorf("one: %+v\ntwo: %+v", one, two)
	}
	if math.Abs(one.Loss-two.Loss) > 1e-9 || math.Abs(one.ECE-two.ECE) > 1e-9 {
		t.Errorf("loss %g and %g, calibration error %g and %g", one.Loss, two.Loss, one.ECE, two.ECE)
	}
	for i := range one.Confusion {
		if !slices.Equal(one.Confusion[i], two.Confusion[i]) {
			t.Errorf("class %d: %v and %v", i, one.Confusion[i], two.Confusion[i])
		}
	}
}

func TestMembersMustHaveTheSameClasses(t *testing.T) {
	member := func(path string, classes int, labels ...string) Member {
		m := Member{Path: path, Metadata: weights.Metadata{Labels: labels}}
		m.Metadata.Spec.Classes = classes
		return m
	}
	for name, c := range map[string]struct {
		members []Member
		want    string
	}{
		"the same":             {[]Member{member("a", 2, "cat", "dog"), member("b", 2, "cat", "dog")}, ""},
		"one without labels":   {[]Member{member("a", 2), member("b", 2, "cat", "dog")}, ""},
		"another number":       {[]Member{member("a", 2), member("b", 3)}, "a has 2 classes, b has 3"},
		"another name":         {[]Member{member("a", 2, "cat", "dog"), member("b", 2, "cat", "cow")}, `class 1 is "dog" in a and "cow" in b`},
		"unlabelled between":   {[]Member{member("a", 2), member("b", 2, "x", "y"), member("c", 2, "y", "x")}, `class 0 is "x" in b and "y" in c`},
		"another order of two": {[]Member{member("a", 2, "cat", "dog"), member("b", 2, "dog", "cat")}, `class 0 is "cat" in a and "dog" in b`},
	} {
		named, err := sameClasses(c.members)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if err == nil && !slices.Equal(named.Labels, []string{"cat", "dog"}) {
			t.Errorf("%s: the classes are called %q", name, named.Labels)
		}
	}
	e := evaluator(t, tinyWeights(t, 1), 4, 1, 32)
	spec := tinySpec(t)
	spec.Classes = 12
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Ensemble{e, evaluator(t, w, 4, 1, 32)}).Evaluate(context.Background(), drawn(t, 1), nil); err == nil {
		t.Error("networks of 10 and 12 classes answer together")
	}
}

func TestWhereNothingCanBeReadThereIsNoAccuracy(t *testing.T) {
	w := tinyWeights(t, 1)
	e := evaluator(t, w, 4, 1, 32)
	if r, err := e.Evaluate(context.Background(), drawn(t, 3, 0, 1, 2), nil); err == nil ||
		!strings.Contains(err.Error(), "none of the 3 images could be read; inception dataset verify names all; the first: image ") {
		t.Errorf("three broken images: %+v, %v", r, err)
	}
	if r, err := e.Evaluate(context.Background(), drawn(t, 0), nil); err == nil {
		t.Errorf("no images: %+v", r)
	}
	two := Ensemble{e, evaluator(t, w, 3, 1, 32)}
	if r, err := two.Evaluate(context.Background(), drawn(t, 2, 0, 1), nil); err == nil {
		t.Errorf("an ensemble, two broken images: %+v", r)
	}
}

// cutShort fails as an image whose reader met the end of a file.
type cutShort struct{ dataset.Set }

func (cutShort) Image(int) (picture.Image, error) {
	return picture.Image{}, fmt.Errorf("cut short: %w", io.EOF)
}

func TestAnImageCutShortDoesNotEndTheEvaluationQuietly(t *testing.T) {
	e, err := NewEvaluator(tinyWeights(t, 1), RunOptions{Options: Options{BatchSize: 4}, Preprocess: picture.TorchvisionPreprocess(32)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if r, err := e.Evaluate(context.Background(), cutShort{drawn(t, 10)}, nil); err == nil {
		t.Errorf("no error, and %+v", r)
	}
}

// mirrored shows a set's pictures the other way round.
type mirrored struct{ dataset.Set }

func (m mirrored) Image(i int) (picture.Image, error) {
	im, err := m.Set.Image(i)
	turned := picture.New(im.W, im.H)
	for y := range im.H {
		for x := range im.W {
			copy(turned.Pix[3*(y*im.W+x):][:3], im.Pix[3*(y*im.W+im.W-1-x):])
		}
	}
	return turned, err
}

func TestMirroredViewsAreAveragedWithTheOthers(t *testing.T) {
	w, set := tinyWeights(t, 1), drawn(t, 5)
	measure := func(tta string, set dataset.Set) Result {
		e, err := NewEvaluator(w, RunOptions{Options: Options{BatchSize: 3, CropPct: 1, TTA: tta}, Preprocess: picture.TorchvisionPreprocess(48)})
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		r, err := e.Evaluate(context.Background(), set, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	both, one, other := measure(TTAFlip, set), measure(TTANone, set), measure(TTANone, mirrored{set})
	different := false
	for i, p := range both.Predictions {
		a, b := one.Predictions[i].Prob, other.Predictions[i].Prob
		if math.Abs(p.Prob-(a+b)/2) > 1e-6 {
			t.Errorf("image %d: probability %.7f, want the mean of %.7f and %.7f", i, p.Prob, a, b)
		}
		different = different || a != b
	}
	if !different {
		t.Error("no picture differs from its mirror image")
	}
	if got := (Options{TTA: TTAFlip}).views(picture.TenCrops); got != picture.TenCrops {
		t.Errorf("ten crops become %d", got)
	}
	if err := (Options{BatchSize: 1, TTA: "twice"}).Validate(); err == nil || !strings.Contains(err.Error(), "eval.tta") {
		t.Errorf("an unknown setting: %v", err)
	}
}
