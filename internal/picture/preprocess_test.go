package picture

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

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
		wantBox  Box
		wantView window
	}{
		{"torchvision", 500, 375, Box{0, 0, 500, 375}, window{456, 342, 78, 22, 299}},
		{"torchvision", 375, 500, Box{0, 0, 375, 500}, window{342, 456, 22, 78, 299}},
		{"inception", 350, 176, Box{0, 0, 350, 176}, window{299, 299, 0, 0, 299}},
	} {
		b, v := namedForTest(t, c.name, 299).geometry(Image{W: c.w, H: c.h})
		if b != c.wantBox || v != c.wantView {
			t.Errorf("%s of %dx%d: %+v of %+v, want %+v of %+v", c.name, c.w, c.h, v, b, c.wantView, c.wantBox)
		}
	}
}

func TestNormalisation(t *testing.T) {
	im := New(4, 4)
	for i := range im.Pix {
		im.Pix[i] = 255
	}
	for name, want := range map[string]float64{"torchvision": 1, "inception": 1, "unit": 1, "imagenet": (1 - 0.485) / 0.229} {
		dst := make([]float32, 3*2*2)
		namedForTest(t, name, 2).Apply(dst, im, new(Resampler))
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

func TestPreprocessStringSaysWhatItDoes(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Preprocess)
		want   string
	}{
		"inception": {func(*Preprocess) {}, "central 87.5%, resize 299x299 bilinear-tf1, mean 0.5, std 0.5 (inception)"},
		"imagenet":  {func(p *Preprocess) { p.Interpolation = Bicubic }, "resize 342 bicubic, crop 299, mean 0.485 0.456 0.406, std 0.229 0.224 0.225 (imagenet)"},
		"unit":      {func(p *Preprocess) { p.CropPct = 1 }, "resize 299 bilinear, crop 299, mean 0, std 1 (unit)"},
	} {
		p := namedForTest(t, name, 299)
		c.change(&p)
		if got := p.String(); got != c.want {
			t.Errorf("%s: says %q, want %q", name, got, c.want)
		}
	}
	p := namedForTest(t, "inception", 299)
	for _, pct := range []float64{0.55, 0.57, 0.29} {
		p.CropPct = pct
		if got := p.String(); len(strings.TrimPrefix(got, "central ")) > 70 {
			t.Errorf("crop_pct %g: says %q", pct, got)
		}
	}
}

func TestScaleAndOffsetAreOfPixels(t *testing.T) {
	im := New(2, 1)
	copy(im.Pix, []byte{0, 51, 255, 128, 1, 254})
	for name, c := range map[string]struct{ scale, offset float64 }{
		"1/127.5,-1": {1 / 127.5, -1}, "1/255,0": {1. / 255, 0}, "1, -128": {1, -128},
		"0.017,-2.1": {0.017, -2.1}, "-1/255,1": {-1. / 255, 1}, "1e-2,0.5/2": {0.01, 0.25},
	} {
		p := namedForTest(t, name, 1)
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got [3]float32
		p.Normalise(got[:], im.Pix[:3], false)
		for i, pixel := range im.Pix[:3] {
			if want := float64(pixel)*c.scale + c.offset; math.Abs(float64(got[i])-want) > 1e-5*(1+math.Abs(want)) {
				t.Errorf("%s: pixel %d becomes %g, want %g", name, pixel, got[i], want)
			}
		}
	}
	if got := namedForTest(t, "1/127.5,-1", 299).String(); got != "resize 342 bilinear, crop 299, mean 0.5, std 0.5 (1/127.5,-1)" {
		t.Error(got)
	}
	for _, name := range []string{"", "x", "0", "1/0", "1,", ",1", "0,1", "1,2,3", "1/0,1", "NaN,0", "1,NaN", "Inf,0", "1,-Inf", "1e9,0", "1/2/3,0"} {
		if p, err := NamedPreprocess(name, 299); err == nil {
			t.Errorf("%q is read as %s", name, p)
		}
	}
}

func TestPreprocessJSONKeepsEveryFieldUnderItsName(t *testing.T) {
	p := Preprocess{"x", [3]float64{0.1, 0.2, 0.3}, [3]float64{0.4, 0.5, 0.6}, Central, 0.7, Bicubic, 8}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"name":"x","mean":[0.1,0.2,0.3],"std":[0.4,0.5,0.6],"geometry":"central","crop_pct":0.7,"interpolation":"bicubic","size":8,"color_order":"RGB"}`; string(text) != want {
		t.Errorf("JSON is %s, want %s", text, want)
	}
	var back Preprocess
	if err := json.Unmarshal(text, &back); err != nil || back != p {
		t.Errorf("comes back as %+v, %v", back, err)
	}
	if text, err := json.Marshal(TorchvisionPreprocess(299)); err != nil || !strings.HasSuffix(string(text), `,"size":299,"resize":342,"color_order":"RGB"}`) {
		t.Errorf("JSON of the usual geometry is %s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"color_order":"BGR"}`), &back); err == nil || !strings.Contains(err.Error(), `color_order must be RGB, is "BGR"`) {
		t.Errorf("planes in another order: %v", err)
	}
}

func TestSettingNamesWhatMakesTheSameValues(t *testing.T) {
	for name, want := range map[string]string{"torchvision": "torchvision", "inception": "inception", "imagenet": "imagenet", "unit": "unit", "1/64,-2": ""} {
		p := namedForTest(t, name, 299)
		p.Name = "timm"
		if got, geometry := p.Setting(); got != want || geometry != "" {
			t.Errorf("values of %s: %q and %q, want %q", name, got, geometry, want)
		}
	}
	for name, geometry := range map[string]string{"1/64,-2": "", "unit": AsIs, "torchvision": AsIs, "imagenet": Central} {
		p := namedForTest(t, name, 299).WithGeometry(geometry)
		if got, beside := p.Setting(); got != name || beside != geometry {
			t.Errorf("%s, %q: %q and %q", name, geometry, got, beside)
		}
	}
}

func TestAPictureOfTheRightSizeIsTakenAsItIs(t *testing.T) {
	p := namedForTest(t, "1/255", 6).WithGeometry(AsIs)
	if err := p.Validate(); err != nil || p.Framing() != "pictures of 6x6 as they are" {
		t.Errorf("%v, %s", err, p)
	}
	im := randomImage(6, 6)
	got := make([]float32, 3*6*6)
	p.Apply(got, im, new(Resampler))
	for i, v := range im.Pix {
		if want := float32(float64(v) / 255); got[i%3*36+i/3] != want {
			t.Fatalf("pixel value %d is %g, want %g", i, got[i%3*36+i/3], want)
		}
	}
	if err := p.Takes(im); err != nil {
		t.Error(err)
	}
	if err := p.Takes(randomImage(6, 7)); err == nil || !strings.Contains(err.Error(), "has 6x7 pixels, but the network takes pictures of 6x6 as they are") {
		t.Errorf("another size: %v", err)
	}
	if box := p.Shown(im); box != (Box{0, 0, 6, 6}) {
		t.Errorf("shows %+v", box)
	}
	// Who asks for a crop gets one.
	if crop := p.WithCrop(0.5); crop.Geometry != Shorter || crop.CropPct != 0.5 || crop.Takes(randomImage(6, 7)) != nil || p.WithCrop(0) != p {
		t.Errorf("with a crop: %s", crop)
	}
}

func TestPreprocessValidateNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Preprocess)
		want   string
	}{
		"no size":           {func(p *Preprocess) { p.Size = 0 }, "size"},
		"a huge size":       {func(p *Preprocess) { p.Size = 8193 }, "size"},
		"no crop":           {func(p *Preprocess) { p.CropPct = 0 }, "crop_pct"},
		"a crop beyond":     {func(p *Preprocess) { p.CropPct = 1.01 }, "crop_pct"},
		"a crop of NaN":     {func(p *Preprocess) { p.CropPct = math.NaN() }, "crop_pct"},
		"geometry":          {func(p *Preprocess) { p.Geometry = "" }, "geometry"},
		"a crop as it is":   {func(p *Preprocess) { p.Geometry = AsIs }, "crop_pct must be 1"},
		"interpolation":     {func(p *Preprocess) { p.Interpolation = "nearest" }, "interpolation"},
		"deviation of zero": {func(p *Preprocess) { p.Std[2] = 0 }, "std"},
		"deviation of NaN":  {func(p *Preprocess) { p.Std[0] = math.NaN() }, "std"},
	} {
		p := namedForTest(t, "imagenet", 299)
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		c.change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one of %s", name, err, c.want)
		}
	}
}

func TestGeometryHoldsAtTheEdges(t *testing.T) {
	for _, c := range []struct {
		name     string
		size     int
		crop     float64
		w, h     int
		wantBox  Box
		wantView window
	}{
		{"torchvision", 299, 0.875, 299, 299, Box{0, 0, 299, 299}, window{342, 342, 22, 22, 299}}, // 21.5 goes to the even 22
		{"torchvision", 224, 0.875, 256, 257, Box{0, 0, 256, 257}, window{256, 257, 16, 16, 224}}, // 16.5 as well
		{"torchvision", 8, 1, 8, 8, Box{0, 0, 8, 8}, window{8, 8, 0, 0, 8}},
		{"torchvision", 8, 0.99, 1, 1000, Box{0, 0, 1, 1000}, window{8, 8000, 0, 3996, 8}},
		{"inception", 8, 1, 3, 5, Box{0, 0, 3, 5}, window{8, 8, 0, 0, 8}},
		{"inception", 8, 0.5, 1, 1, Box{0, 0, 1, 1}, window{8, 8, 0, 0, 8}},
	} {
		p := namedForTest(t, c.name, c.size)
		p.CropPct = c.crop
		b, v := p.geometry(New(c.w, c.h))
		if b != c.wantBox || v != c.wantView {
			t.Errorf("%s %d of %dx%d: %+v of %+v, want %+v of %+v", c.name, c.size, c.w, c.h, v, b, c.wantView, c.wantBox)
		}
		// Whatever the shape, one colour stays that colour.
		im := New(c.w, c.h)
		for i := range im.Pix {
			im.Pix[i] = 51
		}
		for _, p.Interpolation = range []string{Bilinear, Bicubic} {
			dst := make([]float32, 3*c.size*c.size)
			p.Apply(dst, im, new(Resampler))
			for i, want := 0, float32((51./255-p.Mean[0])/p.Std[0]); i < len(dst); i++ {
				if dst[i] != want {
					t.Errorf("%s %d of %dx%d, %s: value %d is %g, want %g", c.name, c.size, c.w, c.h, p.Interpolation, i, dst[i], want)
					break
				}
			}
		}
	}
}

func TestAResamplersMemoryLeavesNoTrace(t *testing.T) {
	var used Resampler
	for _, name := range []string{"torchvision", "inception"} {
		p := namedForTest(t, name, 12)
		for _, size := range [][2]int{{90, 40}, {7, 5}, {30, 64}, {1, 1}, {200, 3}} {
			im := randomImage(size[0], size[1])
			got, want := make([]float32, 3*12*12), make([]float32, 3*12*12)
			p.Apply(got, im, &used)
			p.Apply(want, im, new(Resampler))
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v differs with a Resampler that was used before", name, size)
			}
		}
	}
}

func TestNormaliseMakesPlanesAndMirrorsRows(t *testing.T) {
	p := namedForTest(t, "unit", 2)
	pixels := []uint8{0, 51, 102, 153, 204, 255, 51, 0, 0, 102, 0, 255}
	dst := make([]float32, 12)
	for flip, want := range map[bool][]float32{
		false: {0, 0.6, 0.2, 0.4, 0.2, 0.8, 0, 0, 0.4, 1, 0, 1},
		true:  {0.6, 0, 0.4, 0.2, 0.8, 0.2, 0, 0, 1, 0.4, 1, 0},
	} {
		if p.Normalise(dst, pixels, flip); !slices.Equal(dst, want) {
			t.Errorf("flip %t: %v, want %v", flip, dst, want)
		}
	}
}
