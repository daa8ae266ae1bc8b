// Package check runs the golden pictures of files as those read them who use them: the
// program itself, the tool that a file was exported for, or ONNX Runtime. A path enters;
// what has become of the pictures' answers leaves.
package check

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/container"
	"github.com/inception-go/inception/internal/weights/convert"
)

// Options say how files are run.
type Options struct {
	Precision model.Precision // of the program's own networks
	Python    string          // that has onnxruntime, for ONNX files
}

// Result is what has become of a file's golden pictures.
type Result struct {
	File   string `json:"file"`
	Reader string `json:"reader"` // who has read and run it
	golden.Trial
	Passed bool `json:"ok"`
}

// File runs the golden pictures that a file or a run folder holds: a weight file, a
// .pth or an .onnx of export's. It is an error if it holds none.
func File(ctx context.Context, path string, o Options) (Result, error) {
	if filepath.Ext(path) == ".onnx" {
		return onnx(ctx, path, o)
	}
	w, m, err := load(path)
	if err != nil {
		return Result{}, err
	}
	return try(path, "inception", w, m, o)
}

// Exported runs the golden pictures of m on a file of one of convert.Formats that Export
// has made of it, as the format's tools read it: what the tool does otherwise, such as
// average pools that count their padding, shows.
func Exported(ctx context.Context, path, format string, m weights.Metadata, o Options) (Result, error) {
	switch format {
	case convert.ONNX, convert.Safetensors:
		return File(ctx, path, o)
	}
	family := format
	if format == convert.Torchvision {
		family = m.Spec.Architecture().Twin.Library
	}
	w, theirs, err := convert.Import(path, convert.ImportOptions{From: family, Preprocess: "unit"})
	var structure *weights.StructureError
	switch {
	case errors.As(err, &structure):
		return Result{}, fmt.Errorf("%s: %s's network has another structure (%d of %d tensors do not fit), so it cannot "+
			"be run as %s would", path, family, len(structure.Missing)+len(structure.Misshapen)+len(structure.Unexpected),
			structure.Expected, family)
	case err != nil:
		return Result{}, fmt.Errorf("as %s reads it: %w", family, err)
	}
	m.Spec, m.NoHead = theirs.Spec, theirs.NoHead
	return try(path, family, w, m, o)
}

// load reads a file that this program has written.
func load(path string) (*model.Weights, weights.Metadata, error) {
	if kind, err := container.Of(path); err == nil && kind == container.PyTorch {
		return convert.Import(path, convert.ImportOptions{})
	}
	return weights.Load(path)
}

func try(path, reader string, w *model.Weights, m weights.Metadata, o Options) (Result, error) {
	r := Result{File: path, Reader: reader}
	if !m.Golden.Answered() {
		return r, noGolden(path)
	}
	var err error
	if r.Trial, err = golden.Try(w, m, o.Precision); err != nil {
		return r, fmt.Errorf("%s: %w", path, err)
	}
	r.Passed = r.OK()
	return r, nil
}

func noGolden(path string) error {
	remedy := "inception export --format safetensors adds them to a weight file, " +
		"inception import to the file of another tool"
	if strings.HasSuffix(path, ".onnx") {
		remedy = "export it again from its weights"
	}
	return fmt.Errorf("%s: holds no golden pictures, so there is nothing to check; %s", path, remedy)
}
