package main

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/inception-go/inception/internal/bench"
	"github.com/inception-go/inception/internal/weights"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"inception": main}) }

// Each archive of testdata/script is what a user types and sees. $SERVER is a
// web server that has something else than what is asked for under /wrong, a
// picture as /picture.png, and nothing elsewhere.
func TestScripts(t *testing.T) {
	files := http.NewServeMux()
	files.HandleFunc("/picture.png", func(w http.ResponseWriter, _ *http.Request) { _ = png.Encode(w, small()) })
	files.HandleFunc("/wrong/", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Log in first</html>")) })
	server := httptest.NewServer(files)
	t.Cleanup(server.Close) // when the scripts, which run in parallel, are done
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"picture": drawn, "swatches": swatches, "nohead": nohead, "golden": goldenOf, "means": means, "folders": folders, "layers": layers, "half": half,
		},
		Setup: func(e *testscript.Env) error { e.Setenv("SERVER", server.URL); return nil },
	})
}

// nohead IN OUT drops the classifier of a weight file.
func nohead(ts *testscript.TestScript, _ bool, files []string) {
	w, m, err := weights.Load(ts.MkAbs(files[0]))
	ts.Check(err)
	m.NoHead = true
	ts.Check(weights.Save(ts.MkAbs(files[1]), w, m))
}

// goldenOf, for scripts golden IN none|changed OUT, drops a weight file's golden
// pictures or changes an answer to the first.
func goldenOf(ts *testscript.TestScript, _ bool, args []string) {
	w, m, err := weights.Load(ts.MkAbs(args[0]))
	ts.Check(err)
	if args[1] == "none" {
		m.Golden = nil
	} else {
		m.Golden[0].Values[0] += 1
	}
	ts.Check(weights.Save(ts.MkAbs(args[2]), w, m))
}

// means IN OUT keeps of the epochs' lines what follows from the seed.
func means(ts *testscript.TestScript, _ bool, files []string) {
	line := regexp.MustCompile(`(?m)^epoch .* val loss [\d.]+ top-1 [\d.]+%`)
	text := strings.Join(line.FindAllString(ts.ReadFile(files[0]), -1), "\n")
	if !strings.Contains(text, "train loss") {
		ts.Fatalf("%s has no line of an epoch", files[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(files[1]), []byte(text), 0o666))
}

// folders N fails unless runs/ has N folders, each with the weights of a run.
func folders(ts *testscript.TestScript, _ bool, args []string) {
	runs, err := filepath.Glob(ts.MkAbs("runs/*/last.safetensors"))
	ts.Check(err)
	if fmt.Sprint(len(runs)) != args[0] {
		ts.Fatalf("the runs are %q", runs)
	}
}

// layers IN N fails unless the shapes of `bench --layers --json` are each
// listed once and stand for N convolutions, every pass but the first layer's
// gradient of images with a speed.
func layers(ts *testscript.TestScript, _ bool, args []string) {
	var r bench.LayersResult
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &r))
	all, seen := 0, map[string]bool{}
	for i, l := range r.Layers {
		if seen[l.Shape] || l.GFLOP <= 0 || l.Eval <= 0 || l.Forward <= 0 || l.Weights <= 0 || (l.Data > 0) != (i > 0) {
			ts.Fatalf("layer %d is %+v", i, l)
		}
		seen[l.Shape] = true
		all += l.Repeated
	}
	if fmt.Sprint(all) != args[1] || min(r.Eval, r.Forward, r.Data, r.Weights) <= 0 {
		ts.Fatalf("%d convolutions, all together %+v", all, r)
	}
}

// half FILE ... cuts files off in the middle.
func half(ts *testscript.TestScript, _ bool, files []string) {
	for _, file := range files {
		ts.Check(os.Truncate(ts.MkAbs(file), int64(len(ts.ReadFile(file))/2)))
	}
}

// drawn, for scripts picture FILE ..., draws small PNGs.
func drawn(ts *testscript.TestScript, _ bool, files []string) {
	for _, name := range files {
		f, err := os.Create(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(png.Encode(f, small()))
		ts.Check(f.Close())
	}
}

// small is a picture of 40 by 30 pixels.
func small() image.Image {
	im := image.NewRGBA(image.Rect(0, 0, 40, 30))
	for i := range im.Pix {
		im.Pix[i] = uint8(i*7 | i%4/3*255)
	}
	return im
}

// swatches DIR draws four classes of plain pictures, a colour each, which any
// network learns in a few steps.
func swatches(ts *testscript.TestScript, _ bool, args []string) {
	for name, c := range map[string]color.RGBA{"red": {230, 20, 20, 255}, "green": {20, 200, 20, 255}, "blue": {20, 20, 230, 255}, "white": {250, 250, 250, 255}} {
		im := image.NewRGBA(image.Rect(0, 0, 32, 32))
		draw.Draw(im, im.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
		for i := range 8 {
			path := ts.MkAbs(filepath.Join(args[0], name, fmt.Sprint(i, ".png")))
			ts.Check(os.MkdirAll(filepath.Dir(path), 0o777))
			f, err := os.Create(path)
			ts.Check(err)
			ts.Check(png.Encode(f, im))
			ts.Check(f.Close())
		}
	}
}
