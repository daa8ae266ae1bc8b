package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
)

func newImport(s *session) *cobra.Command {
	var o weights.ImportOptions
	var out string
	c := &cobra.Command{
		Use:   "import [--from torchvision|timm|keras|slim] FILE -o OUT.safetensors",
		Short: "Take in weights of another tool",
		Long: `Read Inception V3 weights that torchvision, timm, Keras or TensorFlow's slim has
written (.pth, .safetensors, .h5, .weights.h5, checkpoints of either version) and
write them as a weight file with all that makes it usable alone. Nothing in the
file is executed.`,
		Example: `  inception import inception_v3_google-0cc3c7bd.pth -o v3.safetensors
  inception import --no-head inception_v3.ckpt -o features.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := noClobber(out, args[0]); err != nil {
				return err
			}
			w, m, err := weights.Import(args[0], o)
			if err != nil {
				return err
			}
			m.Version = version()
			if err := weights.Save(out, w, m); err != nil {
				return err
			}
			for _, text := range m.Notes {
				s.note("%s", text)
			}
			s.note("preprocess: %s", m.Preprocess)
			if s.json {
				return s.printJSON(map[string]any{"out": out, "variant": m.Spec.Variant, "classes": m.Spec.Classes, "preprocess": m.Preprocess, "notes": m.Notes})
			}
			s.note("wrote %s\nnext: %s eval --weights %s --data DIR", out, program(), out)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&o.From, "from", "", "who wrote the file: "+strings.Join(weights.Families(), ", ")+" (default: told by its names)")
	f.StringVarP(&out, "out", "o", "", "weight file to write")
	f.BoolVar(&o.NoHead, "no-head", false, "drop the classifier")
	f.StringVar(&o.Preprocess, "preprocess", "", "how the weights' images were preprocessed: torchvision, inception, imagenet or unit (default: the family's own)")
	_ = c.MarkFlagRequired("out")
	return c
}

func newExport(s *session) *cobra.Command {
	var from, out string
	var o weights.ExportOptions
	c := &cobra.Command{
		Use:   "export --weights F --format " + strings.Join(weights.Formats(), "|") + " -o OUT",
		Short: "Write weights for another tool",
		Long: `Write weights as an ONNX model (opset 17, any batch size, input "input", output
"logits"), as weights that torchvision's load_state_dict or Keras' load_weights
takes, or as a weight file. What the format cannot carry is said in one line.`,
		Example: `  inception export --weights runs/flowers5 --format onnx -o flowers.onnx
  inception export --weights runs/flowers5 --format onnx --with-preprocess -o flowers.onnx
  inception export --weights runs/flowers5 --format torchvision -o flowers.pth
  inception export --weights v3.safetensors --format keras -o v3.h5`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.Validate(out); err != nil {
				return usageError{err}
			}
			if err := noClobber(out, from); err != nil {
				return err
			}
			w, m, err := weights.Load(from)
			if err != nil {
				return err
			}
			m.Version = version()
			exported, err := weights.Export(out, w, m, o)
			if err != nil {
				return err
			}
			if len(exported.LeftOut) > 0 {
				s.note("not in %s: %s", filepath.Base(out), strings.Join(exported.LeftOut, "; "))
			}
			if s.json {
				return s.printJSON(exportResult{out, o.Format, exported})
			}
			s.note("wrote %s", out)
			for _, p := range append(exported.Inputs, exported.Outputs...) {
				s.note("  %s", p)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&from, "weights", "w", "", "weight file or run folder")
	f.StringVar(&o.Format, "format", "", strings.Join(weights.Formats(), ", "))
	f.StringVarP(&out, "out", "o", "", "file to write: .onnx; torchvision's .pth or .safetensors; Keras' .h5; .safetensors")
	f.BoolVar(&o.WithPreprocess, "with-preprocess", false, "onnx: take uint8 pixels from 0 to 255 and subtract the mean and divide by the deviation inside")
	f.BoolVar(&o.KeepBatchNorm, "no-fold", false, "onnx: keep batch norm as nodes of its own instead of folding it into the convolutions")
	for _, name := range []string{"weights", "format", "out"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
}

// exportResult is what export prints as JSON.
type exportResult struct {
	Out    string `json:"out"`
	Format string `json:"format"`
	weights.Exported
}

// noClobber refuses to write over what is read.
func noClobber(out, in string) error {
	a, errA := os.Stat(out)
	b, errB := os.Stat(in)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return usageError{fmt.Errorf("--out: is the file that is read, %s; choose another name", filepath.Base(in))}
	}
	return nil
}
