package inception_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"log"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/inception-go/inception"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// scratch is a folder that goes away after the tests.
var scratch string

func TestMain(m *testing.M) {
	var err error
	if scratch, err = os.MkdirTemp("", "inception"); err != nil {
		log.Fatal(err)
	}
	status := m.Run()
	os.RemoveAll(scratch)
	os.Exit(status)
}

// tiny writes weights of the smallest network, once: random ones that know
// three kinds of flowers by name only.
var tiny = sync.OnceValue(func() string {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		log.Fatal(err)
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes, spec.Init = 32, 0.05, model.AuxNone, 3, "he"
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		log.Fatal(err)
	}
	fc := w.ByName("fc.weight")
	strong := fc.Values()
	for i := range strong {
		strong[i] *= 300000 // else all classes are as probable
	}
	if err := fc.SetValues(strong); err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(scratch, "flowers.safetensors")
	err = weights.Save(path, w, weights.Metadata{Spec: spec, Labels: []string{"rose", "tulip", "daisy"}, Preprocess: picture.TorchvisionPreprocess(32)})
	if err != nil {
		log.Fatal(err)
	}
	return path
})

// plain is a picture of one color.
func plain(c color.Color) image.Image {
	im := image.NewRGBA(image.Rect(0, 0, 50, 40))
	for y := range 40 {
		for x := range 50 {
			im.Set(x, y, c)
		}
	}
	return im
}

func ExampleLoad() {
	weightFile := tiny() // or a run folder

	m, err := inception.Load(weightFile)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Labels())

	_, err = inception.Load(weightFile, inception.WithInputSize(8))
	fmt.Println(err != nil)
	// Output:
	// [rose tulip daisy]
	// true
}

func ExampleModel_Predict() {
	m, err := inception.Load(tiny(), inception.WithTop(2))
	if err != nil {
		log.Fatal(err)
	}
	pictures := []image.Image{plain(color.White), plain(color.Black)} // as image.Decode returns them
	answers, err := m.Predict(context.Background(), pictures...)
	if err != nil {
		log.Fatal(err)
	}
	for i, classes := range answers {
		for _, c := range classes {
			fmt.Printf("picture %d: %s, %.0f%%\n", i, c.Label, 100*c.Prob)
		}
	}
	// Output:
	// picture 0: daisy, 73%
	// picture 0: tulip, 14%
	// picture 1: daisy, 60%
	// picture 1: rose, 26%
}

func ExampleModel_Features() {
	m, err := inception.Load(tiny())
	if err != nil {
		log.Fatal(err)
	}
	features, err := m.Features(context.Background(), plain(color.White), plain(color.White), plain(color.Black))
	if err != nil {
		log.Fatal(err)
	}
	similarity := func(a, b []float32) float64 { // the cosine of the angle between them
		var ab, aa, bb float64
		for i := range a {
			ab += float64(a[i]) * float64(b[i])
			aa += float64(a[i]) * float64(a[i])
			bb += float64(b[i]) * float64(b[i])
		}
		return ab / math.Sqrt(aa*bb)
	}
	fmt.Println(len(features[0]), "features of each picture") // 2048 of V3 as published
	fmt.Printf("white and white: %.3f\n", similarity(features[0], features[1]))
	fmt.Println("white and black are less alike:", similarity(features[0], features[2]) < 0.999)
	// Output:
	// 96 features of each picture
	// white and white: 1.000
	// white and black are less alike: true
}

func ExampleModel_Explain() {
	m, err := inception.Load(tiny())
	if err != nil {
		log.Fatal(err)
	}
	how := inception.ExplainOptions{Method: "layercam", Class: "rose", At: []string{"Mixed_5d", "Mixed_6e"}}
	explained, err := m.Explain(context.Background(), how, plain(color.White))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(explained[0].Class.Label)
	for _, heat := range explained[0].Maps { // heat.Overlay is the map over the picture, for png.Encode
		fmt.Printf("%s: %dx%d\n", heat.At, heat.H, heat.W)
	}
	// Output:
	// rose
	// Mixed_5d: 12x12
	// Mixed_6e: 5x5
}
