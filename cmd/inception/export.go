package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/check"
	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert"
	"github.com/spf13/cobra"
)

// exportCommand is `inception export`.
type exportCommand struct {
	*session
	convert.ExportOptions
	weights, out string
	verify       bool
	python       string
	golden       goldenPictures
}

func newExport(s *session) *cobra.Command {
	e := &exportCommand{session: s}
	c := &cobra.Command{
		Use:   "export --weights F --format " + strings.Join(convert.Formats(), "|") + " -o OUT",
		Short: "Write weights for another tool",
		Long: `Write weights as an ONNX model (opset 17, any batch size, input "input", output
"logits"), as weights that torchvision's load_state_dict or Keras' load_weights
takes, or as a weight file. One line names what the format cannot hold.

ONNX models, weight files and torchvision's files also hold the preprocessing, the labels
and golden pictures with the logits that the network has given them: drawn pictures, or
those of --golden. --verify runs them on the written file as its readers do, ONNX models
with ONNX Runtime, by verify.py, which it writes beside the model.`,
		Example: `  inception export --weights runs/flowers5 --format onnx -o flowers.onnx
  inception export --weights runs/flowers5 --format onnx --with-preprocess --verify -o flowers.onnx
  inception export --weights runs/flowers5 --format torchvision -o flowers.pth
  inception export --weights v3.safetensors --format keras -o v3.h5`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return e.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVarP(&e.weights, "weights", "w", "", "weight file or run folder")
	f.StringVar(&e.Format, "format", "", strings.Join(convert.Formats(), ", "))
	f.StringVarP(&e.out, "out", "o", "",
		"file to write: .onnx; torchvision's .pth or .safetensors; Keras' .h5; .safetensors")
	f.BoolVar(&e.WithPreprocess, "with-preprocess", false,
		"onnx: take uint8 pixels from 0 to 255; the model subtracts the mean and divides by the deviation")
	f.BoolVar(&e.KeepBatchNorm, "no-fold", false, "onnx: keep batch norm as separate nodes instead of folding it into "+
		"the convolutions")
	f.BoolVar(&e.verify, "verify", false, "run the golden pictures on the written file; with onnx also write verify.py")
	addPython(f, &e.python)
	e.golden.addFlag(f)
	for _, name := range []string{"weights", "format", "out"} {
		_ = c.MarkFlagRequired(name)
	}
	reads(c, pictureKeys...)
	return c
}

// exportResult is what export prints as JSON.
type exportResult struct {
	Out    string `json:"out"`
	Format string `json:"format"`
	convert.Exported
	Check *check.Result `json:"check,omitempty"` // with --verify
}

func (e *exportCommand) run(ctx context.Context) error {
	if err := e.Validate(e.out); err != nil {
		return usageError{err}
	}
	if err := noClobber("out", e.out, e.weights); err != nil {
		return err
	}
	w, m, err := weights.Load(e.weights)
	if err != nil {
		return err
	}
	own, err := e.golden.read(e.session, m.Preprocess)
	if err != nil {
		return err
	}
	if warning := golden.Settle(w, &m, own); warning != "" {
		e.warn(warning)
	}
	m.Version = version()
	result := exportResult{Out: e.out, Format: e.Format}
	if result.Exported, err = convert.Export(e.out, w, m, e.ExportOptions); err != nil {
		return err
	}
	if len(result.LeftOut) > 0 {
		e.note("not in %s: %s", filepath.Base(e.out), strings.Join(result.LeftOut, "; "))
	}
	if !e.json {
		e.note("wrote %s", shell.Quote(e.out))
		for _, p := range append(result.Inputs, result.Outputs...) {
			e.note("  %s", p)
		}
	}
	if !e.verify {
		if e.json {
			return e.printJSON(result)
		}
		return nil
	}
	return e.verified(ctx, m, result)
}

// verified runs the golden pictures on the written file.
func (e *exportCommand) verified(ctx context.Context, m weights.Metadata, result exportResult) error {
	if e.Format == convert.ONNX {
		script, err := check.WriteScript(e.out)
		if err != nil {
			return err
		}
		e.note("wrote %s; on any machine with onnxruntime: %s", shell.Quote(script),
			check.ScriptCall("python3", script, e.out))
	}
	found, err := check.Exported(ctx, e.out, e.Format, m, check.Options{Precision: model.Own, Python: e.python})
	if err != nil {
		return fmt.Errorf("--verify: %w", err)
	}
	result.Check = &found
	if e.json {
		if err := e.printJSON(result); err != nil {
			return err
		}
	} else {
		e.showCheck(found)
	}
	return passed(found)
}
