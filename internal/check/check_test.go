package check

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert"
)

// The whole way for a network that torchvision has: what import, export and check say of
// one file fits together.
func TestAFileForTorchvisionIsRunAsTorchvisionDoes(t *testing.T) {
	spec, err := model.DefaultSpec(model.GoogLeNet)
	if err != nil {
		t.Fatal(err)
	}
	spec = spec.WithoutAux()
	spec.Classes, spec.InputSize = 3, 64
	w, err := model.NewWeights(spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := weights.Metadata{Spec: spec, Labels: []string{"a", "b", "c"}, Preprocess: picture.TorchvisionPreprocess(64)}
	if warning := golden.Settle(w, &m, nil); warning != "" {
		t.Fatal(warning)
	}
	path := filepath.Join(t.TempDir(), "w.pth")
	if _, err := convert.Export(path, w, m, convert.ExportOptions{Format: convert.Torchvision}); err != nil {
		t.Fatal(err)
	}
	o := Options{Precision: model.Own}
	for _, f := range []func() (Result, error){
		func() (Result, error) { return File(t.Context(), path, o) },
		func() (Result, error) { return Exported(t.Context(), path, convert.Torchvision, m, o) },
	} {
		r, err := f()
		if err != nil || !r.Passed || r.Worst() != 0 || r.Pictures[0].Now.Label == "" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	m.Golden[0].Values[1] += 1
	if r, err := Exported(t.Context(), path, convert.Torchvision, m, o); err != nil || r.Passed || r.Reader != "torchvision" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTheScriptIsWrittenOverNoOtherFile(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second time over its own
		path, err := WriteScript(filepath.Join(dir, "w.onnx"))
		if text, _ := os.ReadFile(path); err != nil || path != filepath.Join(dir, "verify.py") || string(text) != string(script) {
			t.Fatal(path, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "verify.py"), []byte("print('mine')"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := WriteScript(filepath.Join(dir, "w.onnx")); err == nil || !strings.Contains(err.Error(), "is another script") {
		t.Error(err)
	}
}

// interpreter makes a program that stands for Python.
func interpreter(t *testing.T, shell string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	path := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(path, []byte("#!/bin/sh\ncat > \"$0.in\"\n"+shell), 0o777); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestONNXModelsAreRunByPython(t *testing.T) {
	onnx := filepath.Join(t.TempDir(), "-w.onnx")
	if err := os.WriteFile(onnx, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	const picture = `{"name":"a","width":3,"height":2,"largest":4,"difference":0.5,"then":{"index":1,"label":"x"},"now":{"index":0,"label":"y"},"ok":false}`
	for name, c := range map[string]struct{ python, want string }{
		"an answer":  {fmt.Sprintf("echo \"$*\" > \"$0.args\"; echo '{\"reader\":\"R 1\",\"precision\":\"fp32\",\"tolerance\":1e-4,\"pictures\":[%s],\"ok\":false}'; exit 1", picture), ""},
		"no golden":  {`echo '{"pictures":[],"ok":false}'; exit 1`, "holds no golden pictures, so there is nothing to check; export it again"},
		"no runtime": {`echo "Traceback" >&2; echo "No module named 'onnxruntime'" >&2; exit 1`, "No module named 'onnxruntime' (--python names another Python)"},
		"silent":     {`exit 3`, "exit status 3"},
	} {
		python := interpreter(t, c.python)
		r, err := File(t.Context(), onnx, Options{Python: python})
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			continue
		}
		if err != nil || r.Passed || r.Reader != "R 1" || r.File != onnx || r.Worst() != 0.5 || r.Pictures[0].Then.Label != "x" {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
		if text, _ := os.ReadFile(python + ".in"); string(text) != string(script) {
			t.Errorf("%s: Python was given %d bytes", name, len(text))
		}
		if args, _ := os.ReadFile(python + ".args"); string(args) != "- --json "+onnx+"\n" {
			t.Errorf("%s: called with %s", name, args)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := File(ctx, onnx, Options{Python: interpreter(t, "exec sleep 30")}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its time: %v", err)
	}
}
