package main

import (
	"image"
	"image/png"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"inception": main}) }

// Each archive of testdata/script is what a user types and sees.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){"picture": picture}})
}

// picture FILE ... draws small PNGs.
func picture(ts *testscript.TestScript, _ bool, files []string) {
	for _, name := range files {
		im := image.NewRGBA(image.Rect(0, 0, 40, 30))
		for i := range im.Pix {
			im.Pix[i] = uint8(i*7 | i%4/3*255)
		}
		f, err := os.Create(ts.MkAbs(name))
		ts.Check(err)
		ts.Check(png.Encode(f, im))
		ts.Check(f.Close())
	}
}
