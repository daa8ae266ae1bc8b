package inception_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/inception-go/inception"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
)

// tiny writes weights of the smallest network.
func tiny() (path string, remove func(), err error) {
	spec, err := model.DefaultSpec("v3")
	if err != nil {
		return "", nil, err
	}
	spec.InputSize, spec.Width, spec.Aux, spec.Classes, spec.Init = 32, 0.05, model.AuxNone, 3, "he"
	spec.Stem.Stride, spec.Stem.Pool = 1, false
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "inception")
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "w.safetensors")
	err = weights.Save(path, w, weights.Metadata{Spec: spec, Labels: []string{"rose", "tulip", "daisy"}, InputSize: 32, Preprocess: dataset.TorchvisionPreprocess(32)})
	return path, func() { os.RemoveAll(dir) }, err
}

// picture is of one color.
func picture(c color.Color) image.Image {
	im := image.NewRGBA(image.Rect(0, 0, 50, 40))
	for y := range 40 {
		for x := range 50 {
			im.Set(x, y, c)
		}
	}
	return im
}

func Example() {
	path, remove, err := tiny() // inception import and inception train write such files
	if err != nil {
		log.Fatal(err)
	}
	defer remove()
	m, err := inception.Load(path, inception.WithTop(2))
	if err != nil {
		log.Fatal(err)
	}
	classes, err := m.Predict(context.Background(), picture(color.White), picture(color.Black))
	if err != nil {
		log.Fatal(err)
	}
	features, err := m.Features(context.Background(), picture(color.White))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Labels())
	fmt.Println(len(classes), "pictures,", len(classes[0]), "classes of each")
	fmt.Println(len(features[0]), "features")
	// Output:
	// [rose tulip daisy]
	// 2 pictures, 2 classes of each
	// 96 features
}

func TestCallsAtOnceGiveWhatTheyGiveAlone(t *testing.T) {
	path, remove, err := tiny()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	m, err := inception.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var pictures []image.Image
	var want [][]inception.Class
	for i := range 6 {
		pictures = append(pictures, picture(color.RGBA{uint8(40 * i), uint8(255 - 40*i), 99, 255}))
		one, err := m.Predict(context.Background(), pictures[i])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, one[0])
	}
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			for range 3 {
				got, err := m.Predict(context.Background(), pictures[i])
				if err != nil || !reflect.DeepEqual(got[0], want[i]) {
					t.Errorf("picture %d: %v, %v, want %v", i, got, err, want[i])
				}
			}
		})
	}
	wait.Wait()
	together, err := m.Predict(context.Background(), pictures...)
	if err != nil || len(together) != 6 {
		t.Fatalf("%d results, %v", len(together), err)
	}
	for i := range together {
		if together[i][0].Index != want[i][0].Index {
			t.Errorf("picture %d is class %d in a batch, %d alone", i, together[i][0].Index, want[i][0].Index)
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	path, remove, err := tiny()
	if err != nil {
		t.Fatal(err)
	}
	defer remove()
	if _, err := inception.Load(path+".none", inception.WithTop(1)); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := inception.Load(path, inception.WithInputSize(5)); err == nil || !strings.Contains(err.Error(), "smallest size that works") {
		t.Errorf("a tiny input: %v", err)
	}
	if _, err := inception.Load(path, inception.WithTop(0)); err == nil {
		t.Error("top 0 is taken")
	}
	m, err := inception.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Predict(context.Background(), nil, nil); err == nil || !strings.Contains(err.Error(), "picture 0 is empty") {
		t.Errorf("no picture: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := m.Predict(ctx, picture(color.White)); err == nil {
		t.Error("a cancelled call succeeds")
	}
}

func BenchmarkPredict(b *testing.B) {
	path, remove, err := tiny()
	if err != nil {
		b.Fatal(err)
	}
	defer remove()
	m, err := inception.Load(path)
	if err != nil {
		b.Fatal(err)
	}
	im := picture(color.White)
	for b.Loop() {
		if _, err := m.Predict(context.Background(), im); err != nil {
			b.Fatal(err)
		}
	}
}
