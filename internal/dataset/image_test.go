package dataset

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
)

// randomImage keeps away from black and white, which a cubic would pass and
// be cut off at.
func randomImage(w, h int) Image {
	r := rand.New(rand.NewPCG(uint64(w), uint64(h)))
	im := NewImage(w, h)
	for i := range im.Pix {
		im.Pix[i] = uint8(60 + r.IntN(130))
	}
	return im
}

// naive resamples in float64 with both passes in one.
func naive(im Image, from box, to window, f filter) []float64 {
	var out []float64
	weights := func(start, scale float64, at, n int) []float64 {
		stretch, w, sum := max(scale, 1), make([]float64, n), 0.0
		for i := range w {
			w[i] = f.at((float64(i) + 0.5 - (start + (float64(at)+0.5)*scale)) / stretch)
			sum += w[i]
		}
		for i := range w {
			w[i] /= sum
		}
		return w
	}
	for y := range to.size {
		rows := weights(from.y, from.h/float64(to.h), to.y+y, im.H)
		for x := range to.size {
			columns := weights(from.x, from.w/float64(to.w), to.x+x, im.W)
			for c := range 3 {
				sum := 0.0
				for j, wy := range rows {
					for i, wx := range columns {
						sum += wy * wx * float64(im.Pix[3*(j*im.W+i)+c])
					}
				}
				out = append(out, math.Max(0, math.Min(255, sum)))
			}
		}
	}
	return out
}

func TestResampleIsWithinALevelOfExactArithmetic(t *testing.T) {
	var r resampler
	for _, name := range []string{Bilinear, Bicubic} {
		f := filters[name]
		for _, c := range []struct {
			im   Image
			from box
			to   window
		}{
			{randomImage(40, 30), box{0, 0, 40, 30}, window{20, 15, 0, 0, 15}},
			{randomImage(40, 30), box{3, 7, 21, 18}, window{12, 12, 0, 0, 12}},
			{randomImage(9, 7), box{0, 0, 9, 7}, window{31, 24, 3, 0, 24}},
			{randomImage(64, 64), box{5.25, 1.5, 50, 60}, window{10, 10, 2, 3, 6}},
			{randomImage(1, 1), box{0, 0, 1, 1}, window{5, 5, 0, 0, 5}},
		} {
			got, want := r.resample(c.im, c.from, c.to, f), naive(c.im, c.from, c.to, f)
			for i, v := range got {
				if math.Abs(float64(v)-want[i]) > 1.01 {
					t.Fatalf("%s to %+v: byte %d is %d, want %.2f", name, c.to, i, v, want[i])
				}
			}
		}
	}
}

func TestSizesThatStayCopyThePixels(t *testing.T) {
	im := randomImage(16, 16)
	p := namedForTest(t, "unit", 16)
	p.CropPct = 1
	dst := make([]float32, 3*16*16)
	p.Apply(dst, im)
	for c := range 3 {
		for i := range 256 {
			if want := float32(im.Pix[3*i+c]) / 255; dst[c*256+i] != want {
				t.Fatalf("channel %d, pixel %d is %g, want %g", c, i, dst[c*256+i], want)
			}
		}
	}
}

func namedForTest(t *testing.T, name string, size int) Preprocess {
	t.Helper()
	p, err := NamedPreprocess(name, size)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestGeometryIsTorchvisionsOrTensorFlows(t *testing.T) {
	for _, c := range []struct {
		name     string
		w, h     int
		wantBox  box
		wantView window
	}{
		{"torchvision", 500, 375, box{0, 0, 500, 375}, window{456, 342, 78, 22, 299}},
		{"torchvision", 375, 500, box{0, 0, 375, 500}, window{342, 456, 22, 78, 299}},
		{"inception", 350, 176, box{0, 0, 350, 176}, window{299, 299, 0, 0, 299}},
	} {
		b, v := namedForTest(t, c.name, 299).geometry(Image{W: c.w, H: c.h})
		if b != c.wantBox || v != c.wantView {
			t.Errorf("%s of %dx%d: %+v of %+v, want %+v of %+v", c.name, c.w, c.h, v, b, c.wantView, c.wantBox)
		}
	}
}

func TestNormalisation(t *testing.T) {
	im := NewImage(4, 4)
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	for name, want := range map[string]float64{"torchvision": 1, "inception": 1, "unit": 1, "imagenet": (1 - 0.485) / 0.229} {
		dst := make([]float32, 3*2*2)
		namedForTest(t, name, 2).Apply(dst, im)
		if math.Abs(float64(dst[0])-want) > 1e-6 {
			t.Errorf("%s: white is %g, want %g", name, dst[0], want)
		}
	}
	if _, err := NamedPreprocess("caffe", 299); err == nil {
		t.Error("an unknown name is taken")
	}
}

func TestPreprocessSurvivesJSONAndSaysWhatItDoes(t *testing.T) {
	p := TorchvisionPreprocess(299)
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Preprocess
	if err := json.Unmarshal(text, &back); err != nil || back != p {
		t.Errorf("%s becomes %+v, %v", text, back, err)
	}
	if got, want := p.String(), "resize 342 bilinear, crop 299, mean 0.5, std 0.5 (torchvision)"; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	p.Std[1] = 0
	if p.Validate() == nil {
		t.Error("a deviation of 0 is valid")
	}
}

func TestCropsLieInTheImageAndKeepTheirLimits(t *testing.T) {
	a := Augment{Scale: [2]float64{0.1, 0.5}, Ratio: [2]float64{0.5, 2}}
	for i := range 500 {
		im := Image{W: 5 + i%60, H: 5 + i*7%60}
		b := a.crop(im, random(1, 2, i))
		if b.x < 0 || b.y < 0 || b.w < 1 || b.h < 1 || b.x+b.w > float64(im.W) || b.y+b.h > float64(im.H) {
			t.Fatalf("%dx%d: crop %+v", im.W, im.H, b)
		}
	}
	whole := Augment{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}}.crop(Image{W: 30, H: 20}, random(1, 1, 1))
	if whole != (box{5, 0, 20, 20}) {
		t.Errorf("without random choices the crop is %+v, want the central square", whole)
	}
}

func TestColourChangesKeepGreyGrey(t *testing.T) {
	im := NewImage(8, 8)
	for i := range im.Pix {
		im.Pix[i] = uint8(i / 3 * 3)
	}
	changed := false
	for i := range 20 {
		pixels := append([]uint8{}, im.Pix...)
		Augment{Color: 1}.recolor(pixels, random(5, 0, i))
		for j := 0; j < len(pixels); j += 3 {
			low, high := min(pixels[j], pixels[j+1], pixels[j+2]), max(pixels[j], pixels[j+1], pixels[j+2])
			if high-low > 2 {
				t.Fatalf("grey became %v", pixels[j:j+3])
			}
			changed = changed || pixels[j] != im.Pix[j]
		}
	}
	if !changed {
		t.Error("nothing changed")
	}
}

func TestIdentityResizeIsExactForBothFilters(t *testing.T) {
	im := NewImage(9, 9)
	for i := range im.Pix {
		im.Pix[i] = uint8(i * 37) // black and white, too
	}
	var r resampler
	for name, f := range filters {
		got := r.resample(im, box{0, 0, 9, 9}, window{9, 9, 0, 0, 9}, f)
		for i, v := range got {
			if v != im.Pix[i] {
				t.Fatalf("%s: byte %d is %d, want %d", name, i, v, im.Pix[i])
			}
		}
		part := r.resample(im, box{2, 3, 4, 4}, window{4, 4, 0, 0, 4}, f)
		for i, v := range part {
			if want := im.Pix[3*((3+i/12)*9+2)+i%12]; v != want {
				t.Fatalf("%s: byte %d of a crop is %d, want %d", name, i, v, want)
			}
		}
	}
}

func TestFiltersSumToOneBetweenPixels(t *testing.T) {
	for name, f := range filters {
		for at := -0.5; at <= 0.5; at += 0.125 {
			sum := 0.0
			for x := -3; x <= 3; x++ {
				sum += f.at(float64(x) + at)
			}
			if math.Abs(sum-1) > 1e-12 || f.at(f.support) != 0 || f.at(0) != 1 {
				t.Errorf("%s: weights at %g sum to %g", name, at, sum)
			}
		}
	}
}

func TestBicubicIsCutOffAtBlackAndWhite(t *testing.T) {
	im := NewImage(8, 8)
	for i := range im.Pix {
		if i/3%8 >= 4 {
			im.Pix[i] = 255
		}
	}
	var r resampler
	got := r.resample(im, box{0, 0, 8, 8}, window{32, 32, 0, 0, 32}, filters[Bicubic])
	for x := 1; x < 32; x++ { // an overshoot that wraps around would go down
		if got[3*x] < got[3*(x-1)] {
			t.Fatalf("column %d is %d behind %d", x, got[3*x], got[3*(x-1)])
		}
	}
}

func TestCropsAreNeverEmptyWhateverTheRatio(t *testing.T) {
	for _, ratio := range [][2]float64{{100, 100}, {0.01, 0.01}, {0.01, 100}} {
		a := Augment{Scale: [2]float64{1e-4, 1}, Ratio: ratio}
		if err := a.validate(); err != nil {
			t.Fatal(err)
		}
		for i := range 300 {
			im := Image{W: 1 + i%23, H: 1 + i*5%19}
			b := a.crop(im, random(1, 0, i))
			if b.x < 0 || b.y < 0 || b.w < 1 || b.h < 1 || b.x+b.w > float64(im.W) || b.y+b.h > float64(im.H) {
				t.Fatalf("ratio %v of %dx%d: crop %+v", ratio, im.W, im.H, b)
			}
		}
	}
}

func TestFlipsComeAsOftenAsAskedFor(t *testing.T) {
	im := NewImage(8, 8) // white on the left
	for i := range im.Pix {
		if i/3%8 < 4 {
			im.Pix[i] = 255
		}
	}
	p := namedForTest(t, "unit", 8)
	dst := make([]float32, 3*8*8)
	var r resampler
	for _, c := range []struct {
		hflip     float64
		low, high int
	}{{0, 0, 0}, {1, 200, 200}, {0.5, 70, 130}} {
		a := Augment{Scale: [2]float64{1, 1}, Ratio: [2]float64{1, 1}, HFlip: c.hflip}
		flips := 0
		for i := range 200 {
			if a.augment(dst, im, p, random(1, 0, i), &r); dst[0] == 0 {
				flips++
			}
		}
		if flips < c.low || flips > c.high {
			t.Errorf("hflip %g: %d of 200 are flipped", c.hflip, flips)
		}
	}
}
