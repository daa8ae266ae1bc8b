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
	var from, format, out string
	c := &cobra.Command{
		Use:   "export --weights F --format " + strings.Join(weights.Formats(), "|") + " -o OUT",
		Short: "Write weights for another tool",
		Example: `  inception export --weights runs/flowers5 --format torchvision -o flowers.pth
  inception export --weights v3.safetensors --format keras -o v3.h5`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := noClobber(out, from); err != nil {
				return err
			}
			w, m, err := weights.Load(from)
			if err != nil {
				return err
			}
			notes, err := weights.Export(out, format, w, m)
			if err != nil {
				return err
			}
			for _, text := range notes {
				s.note("%s", text)
			}
			if s.json {
				return s.printJSON(map[string]any{"out": out, "format": format, "notes": notes})
			}
			s.note("wrote %s", out)
			return nil
		},
	}
	f := c.Flags()
	f.StringVarP(&from, "weights", "w", "", "weight file or run folder")
	f.StringVar(&format, "format", "", strings.Join(weights.Formats(), ", "))
	f.StringVarP(&out, "out", "o", "", "file to write; torchvision's is a .pth or a .safetensors")
	for _, name := range []string{"weights", "format", "out"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
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
