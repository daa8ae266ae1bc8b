package picture

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// The pictures in testdata were written by internal/interop/preprocess.py
// --fixture: a JPEG with chroma at half the size, and what torchvision's Resize
// and CenterCrop on Pillow's pictures make of it.
func TestInputsAreTorchvisionsPixels(t *testing.T) {
	picture := open(t, "scene.jpg")
	for _, size := range []int{160, 48} { // larger and smaller than the picture
		want := open(t, fmt.Sprintf("scene-%d.png", size))
		if want.W != size || want.H != size {
			t.Fatalf("%dx%d pixels are expected", want.W, want.H)
		}
		got := make([]float32, 3*size*size)
		TorchvisionPreprocess(size).Apply(got, picture, new(Resampler))
		sum, most := 0.0, 0.0
		for i, v := range got {
			level := (float64(v)*0.5 + 0.5) * 255
			off := math.Abs(level - float64(want.Pix[i%(size*size)*3+i/(size*size)]))
			sum, most = sum+off, math.Max(most, off)
		}
		// The requirement is 1; what is left is the rounding of the JPEG decoders.
		if mean := sum / float64(len(got)); mean > 0.1 || most > 4 {
			t.Errorf("size %d: off by %.3f levels on average, %.1f at most", size, mean, most)
		}
	}
}

func open(t *testing.T, name string) Image {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	im, err := decode(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return im
}
