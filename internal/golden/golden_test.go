package golden

import (
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// tiny returns a small network whose logits depend on everything.
func tiny(t *testing.T) (*model.Weights, weights.Metadata) {
	t.Helper()
	spec, err := model.DefaultSpec(model.V3)
	if err != nil {
		t.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes = 32, 0.05, model.AuxNone, 5
	spec.Stem.Stride, spec.Stem.Pool, spec.Init = 1, false, "he"
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	return w, weights.Metadata{Spec: spec, Preprocess: picture.TorchvisionPreprocess(32)}
}

func filled(t *testing.T) (*model.Weights, weights.Metadata) {
	t.Helper()
	w, m := tiny(t)
	if err := Fill(w, &m, nil); err != nil {
		t.Fatal(err)
	}
	return w, m
}

func TestTheSameWeightsGiveTheSameAnswers(t *testing.T) {
	w, m := filled(t)
	found, err := Try(w, m, model.Own)
	if err != nil || !found.OK() || len(found.Pictures) != 2 || found.Worst() != 0 || found.Precision != "fp32" {
		t.Errorf("%+v, %v", found, err)
	}
	for _, r := range found.Pictures {
		if r.Then == nil || r.Now == nil || *r.Then != *r.Now || r.Largest == 0 {
			t.Errorf("%+v", r)
		}
	}
}

// What has changed since shows, wherever on the way from pixels to logits it is.
func TestWhatHasChangedShows(t *testing.T) {
	for name, change := range map[string]func(w *model.Weights, m *weights.Metadata){
		"filter":    func(_ *model.Weights, m *weights.Metadata) { m.Preprocess.Interpolation = picture.Bicubic },
		"crop":      func(_ *model.Weights, m *weights.Metadata) { m.Preprocess.CropPct = 0.95 },
		"geometry":  func(_ *model.Weights, m *weights.Metadata) { m.Preprocess.Geometry = picture.Central },
		"mean":      func(_ *model.Weights, m *weights.Metadata) { m.Preprocess.Mean[1] = 0.456 },
		"deviation": func(_ *model.Weights, m *weights.Metadata) { m.Preprocess.Std[2] = 0.45 },
		"size":      func(_ *model.Weights, m *weights.Metadata) { m.Preprocess.Size = 40 },
		"pixel":     func(_ *model.Weights, m *weights.Metadata) { clear(m.Golden[0].Picture.Pix[3*(51*20+20):][:15]) },
		"colours": func(_ *model.Weights, m *weights.Metadata) {
			for pix := range slices.Chunk(m.Golden[0].Picture.Pix, 3) {
				pix[0], pix[2] = pix[2], pix[0]
			}
		},
		"weight": func(w *model.Weights, _ *weights.Metadata) {
			p := w.ByName("Conv2d_1a_3x3.conv.weight")
			values := p.Values()
			values[4] += 0.05
			if err := p.SetValues(values); err != nil {
				t.Fatal(err)
			}
		},
	} {
		w, m := filled(t)
		change(w, &m)
		found, err := Try(w, m, model.Own)
		if err != nil || found.OK() {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
		if warning := Settle(w, &m, nil); !strings.Contains(warning, "get other answers now") {
			t.Errorf("%s: settled with %q", name, warning)
		}
	}
}

func TestAnswersThatDoNotFitTheNetwork(t *testing.T) {
	w, m := filled(t)
	m.Golden[1].Values = m.Golden[1].Values[:4]
	if _, err := Try(w, m, model.Own); err == nil || !strings.Contains(err.Error(), `golden picture "made-up 2": the file holds 4 values, the network gives 5`) {
		t.Error(err)
	}
	if _, err := Try(w, m, model.INT8); err == nil {
		t.Error("int8 of float32 weights")
	}
}

func TestWeightsWithoutAClassifierAnswerWithFeatures(t *testing.T) {
	w, m := tiny(t)
	m.NoHead = true
	if err := Fill(w, &m, nil); err != nil || len(m.Golden[0].Values) != w.Classifier().Shape[1] {
		t.Fatalf("%d values, %v", len(m.Golden[0].Values), err)
	}
	found, err := Try(w, m, model.Own)
	if err != nil || !found.OK() || found.Pictures[0].Then != nil {
		t.Errorf("%+v, %v", found, err)
	}
}

func TestSettleKeepsAnswersAndFillMakesThemAnew(t *testing.T) {
	w, m := filled(t)
	before := m.Golden
	before[0].Values[0] = before[0].Values[0]*(1+1e-6) + 1e-12 // as another processor might have it
	if warning := Settle(w, &m, nil); warning != "" || m.Golden[0].Values[0] != before[0].Values[0] {
		t.Errorf("%q; the first value is %g, was %g", warning, m.Golden[0].Values[0], before[0].Values[0])
	}
	m.Golden[1].Values = nil
	if warning := Settle(w, &m, nil); warning != "" || !m.Golden.Answered() || m.Golden[0].Values[0] == before[0].Values[0] {
		t.Errorf("%q; %v", warning, m.Golden.Answered())
	}
	own := weights.Golden{{Name: "mine", Picture: picture.New(9, 9)}}
	if warning := Settle(w, &m, own); warning != "" || len(m.Golden) != 1 || m.Golden[0].Name != "mine" || !m.Golden.Answered() {
		t.Errorf("%q; %d", warning, len(m.Golden))
	}
	if own[0].Values != nil {
		t.Error("the caller's pictures were changed")
	}
}

func TestNothingIsGoldenOfAWreck(t *testing.T) {
	w, m := filled(t)
	p := w.Classifier()
	values := p.Values()
	values[0] = float32(math.Inf(1))
	if err := p.SetValues(values); err != nil {
		t.Fatal(err)
	}
	m.Golden = nil
	if warning := Settle(w, &m, nil); !strings.Contains(warning, "no golden pictures: golden picture made-up 1: the network's outputs are NaN or infinite") || m.Golden != nil {
		t.Errorf("%q, %d pictures", warning, len(m.Golden))
	}
}

func TestMadeUpPicturesFitWhatTheNetworkTakes(t *testing.T) {
	for _, size := range []int{1, 8, 32, 299, 4096} {
		for _, geometry := range picture.Geometries() {
			p := picture.TorchvisionPreprocess(size).WithGeometry(geometry)
			all, pixels := madeUp(p), 0
			for _, g := range all {
				pixels += g.Picture.W * g.Picture.H
				if err := p.Takes(g.Picture); err != nil {
					t.Error(err)
				}
				if err := g.Picture.Validate(); err != nil {
					t.Errorf("%d, %s: %v", size, geometry, err)
				}
			}
			if none := geometry == picture.AsIs && size == 4096; pixels > weights.MostGoldenPixels || (len(all) == 0) != none {
				t.Errorf("%d, %s: %d pictures of %d pixels", size, geometry, len(all), pixels)
			}
		}
	}
	w, m := filled(t) // with pictures of other sizes, which give way
	m.Golden[0].Values, m.Preprocess = nil, m.Preprocess.WithGeometry(picture.AsIs)
	if warning := Settle(w, &m, nil); warning != "" || len(m.Golden) != 2 {
		t.Errorf("as it is: %q, %d", warning, len(m.Golden))
	}
}

func TestOwnPicturesAreReducedUnlessTheyAreTakenAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, w, h int) string {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := png.Encode(f, draw(w, h, 3).Picture()); err != nil {
			t.Fatal(err)
		}
		return path
	}
	small, large, right := file("small.png", 20, 30), file("large.png", 1000, 600), file("right.png", 600, 600)
	d := dataset.DefaultOptions().Decoder()
	got, err := Files([]string{small, large}, picture.TorchvisionPreprocess(32), d)
	if err != nil || got[0].Name != "small.png" || !slices.Equal(got[0].Picture.Pix, draw(20, 30, 3).Pix) ||
		got[1].Picture.W != 512 || got[1].Picture.H != 307 {
		t.Errorf("%d pictures, %v", len(got), err)
	}
	asIs := picture.TorchvisionPreprocess(600).WithGeometry(picture.AsIs)
	if got, err := Files([]string{right}, asIs, d); err != nil || got[0].Picture.W != 600 {
		t.Errorf("as it is: %v", err)
	}
	for _, path := range []string{large, filepath.Join(dir, "none.png")} {
		if _, err := Files([]string{path}, asIs, d); err == nil || !strings.Contains(err.Error(), "golden picture "+path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if _, err := Files(make([]string, 17), asIs, d); err == nil || !strings.Contains(err.Error(), "17 golden pictures, a file can have 16") {
		t.Error(err)
	}
}
