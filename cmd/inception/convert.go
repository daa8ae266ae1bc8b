package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/fetch"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert"
	"github.com/spf13/cobra"
)

// importCommand is `inception import`.
type importCommand struct {
	*session
	convert.ImportOptions
	out, mirror string
	fetch       bool
}

func newImport(s *session) *cobra.Command {
	i := &importCommand{session: s}
	c := &cobra.Command{
		Use:   "import [--from torchvision|timm|keras|slim] FILE -o OUT.safetensors",
		Short: "Convert weights of another tool",
		Long: `Read Inception weights written by torchvision, timm, Keras or TensorFlow's slim
(.pth, .safetensors, .h5, .weights.h5, .keras, checkpoints of either version) and write
them as a weight file that can be used alone. Nothing in the file is executed.

The file determines the number of classes. A file without a classifier, or with a
custom one, becomes a feature extractor for inception features and train --init.

A checkpoint's state dict is found at any depth. If there are several, such as an
average beside the weights themselves, the one is used that the tool evaluates that
wrote the file; the choice and the others are printed, and --key selects another.

--preprocess says how the images for the training of the weights were prepared:
  torchvision   resize, crop, to [-1, 1]: ImageNet's mean and deviation, then
                torchvision's transform_input (default for torchvision's files)
  inception     central crop, resize, to [-1, 1] (Keras' and slim's default)
  imagenet      resize, crop, ImageNet's mean and deviation
  unit          resize, crop, to [0, 1]
  SCALE,OFFSET  resize, crop, pixel*SCALE + OFFSET for pixels from 0 to 255, such
                as 1/127.5,-1
timm's weights need it unless timm's config.json is in the same folder.

--fetch downloads the file first if it does not exist: torchvision's inception_v3
(when no FILE is given) or googlenet. It resumes an interrupted download and
verifies the checksum.`,
		Example: `  inception import inception_v3_google-0cc3c7bd.pth -o v3.safetensors
  inception import --fetch -o v3.safetensors
  inception import --no-head inception_v3.ckpt -o features.safetensors
  inception import --from timm model.safetensors --preprocess inception -o v3.safetensors`,
		Args: func(c *cobra.Command, args []string) error {
			if i.fetch {
				return cobra.MaximumNArgs(1)(c, args)
			}
			return oneArg("the file of another tool")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error { return i.run(c.Context(), args) },
	}
	f := c.Flags()
	f.StringVar(&i.From, "from", "", "who wrote the file: "+strings.Join(convert.Families(),
		", ")+" (default: recognised by its tensors' names)")
	f.StringVarP(&i.out, "out", "o", "", "weight file to write")
	f.StringVar(&i.Key, "key", "", "state dict to take where a checkpoint has several, such as `state_dict_ema` "+
		"(default: the one that its tool evaluates)")
	f.BoolVar(&i.NoHead, "no-head", false, "drop the classifier")
	f.StringVar(&i.Preprocess, "preprocess", "", "how the training images were prepared: torchvision, inception, "+
		"imagenet, unit or `SCALE,OFFSET` (default: as usual for the family)")
	f.BoolVar(&i.fetch, "fetch", false, "download torchvision's file first")
	f.StringVar(&i.mirror, "mirror", convert.TorchvisionServer, "`URL` to download from")
	_ = c.MarkFlagRequired("out")
	return c
}

func (i *importCommand) run(ctx context.Context, args []string) error {
	if err := i.Validate(); err != nil {
		return usageError{err}
	}
	if filepath.Ext(i.out) != ".safetensors" {
		return usageError{fmt.Errorf("--out: import writes .safetensors, not %s; export writes files for other tools",
			filepath.Base(i.out))}
	}
	path := strings.Join(args, "") // one argument, or none with --fetch
	if i.fetch {
		var err error
		if path, err = i.download(ctx, path); err != nil {
			return err
		}
	}
	if err := noClobber("out", i.out, path); err != nil {
		return err
	}
	w, m, err := convert.Import(path, i.ImportOptions)
	if err != nil {
		return err
	}
	m.Version = version()
	if err := weights.Save(i.out, w, m); err != nil {
		return err
	}
	for _, text := range m.Notes {
		i.note("%s", text)
	}
	i.note("preprocess: %s", m.Preprocess)
	if i.json {
		return i.printJSON(map[string]any{
			"out": i.out, "variant": m.Spec.Variant, "classes": m.Classes(), "preprocess": m.Preprocess, "notes": m.Notes,
		})
	}
	out := shell.Quote(i.out)
	next := "eval --weights " + out + " --data DIR"
	if m.NoHead {
		next = "features --weights " + out + " DIR -o features.npy"
	}
	i.note("wrote %s\nnext: %s %s", i.out, program(), next)
	return nil
}

// download downloads an official file and returns its path.
func (i *importCommand) download(ctx context.Context, path string) (string, error) {
	file, err := convert.Official(path, i.mirror)
	if err != nil {
		return "", usageError{fmt.Errorf("--fetch: %w", err)}
	}
	bar := i.bar("download", console.Bytes)
	fetched, err := fetch.Get(ctx, file, fetch.Options{
		Progress: bar.Set,
		Retry: func(err error, done int64) {
			bar.Clear()
			i.note("%s: %v; continuing from byte %d", file.URL, err, done)
		},
	})
	bar.Clear()
	switch {
	case err != nil:
		return "", err
	case fetched:
		i.note("downloaded %s from %s", file.Path, file.URL)
	default:
		i.note("%s has already been downloaded", file.Path)
	}
	return file.Path, nil
}

func newExport(s *session) *cobra.Command {
	var from, out string
	var o convert.ExportOptions
	c := &cobra.Command{
		Use:   "export --weights F --format " + strings.Join(convert.Formats(), "|") + " -o OUT",
		Short: "Write weights for another tool",
		Long: `Write weights as an ONNX model (opset 17, any batch size, input "input", output
"logits"), as weights that torchvision's load_state_dict or Keras' load_weights
takes, or as a weight file. One line names what the format cannot hold.`,
		Example: `  inception export --weights runs/flowers5 --format onnx -o flowers.onnx
  inception export --weights runs/flowers5 --format onnx --with-preprocess -o flowers.onnx
  inception export --weights runs/flowers5 --format torchvision -o flowers.pth
  inception export --weights v3.safetensors --format keras -o v3.h5`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := o.Validate(out); err != nil {
				return usageError{err}
			}
			if err := noClobber("out", out, from); err != nil {
				return err
			}
			w, m, err := weights.Load(from)
			if err != nil {
				return err
			}
			m.Version = version()
			exported, err := convert.Export(out, w, m, o)
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
	f.StringVar(&o.Format, "format", "", strings.Join(convert.Formats(), ", "))
	f.StringVarP(&out, "out", "o", "",
		"file to write: .onnx; torchvision's .pth or .safetensors; Keras' .h5; .safetensors")
	f.BoolVar(&o.WithPreprocess, "with-preprocess", false,
		"onnx: take uint8 pixels from 0 to 255; the model subtracts the mean and divides by the deviation")
	f.BoolVar(&o.KeepBatchNorm, "no-fold", false, "onnx: keep batch norm as separate nodes instead of folding it into "+
		"the convolutions")
	for _, name := range []string{"weights", "format", "out"} {
		_ = c.MarkFlagRequired(name)
	}
	return c
}

// exportResult is what export prints as JSON.
type exportResult struct {
	Out    string `json:"out"`
	Format string `json:"format"`
	convert.Exported
}

// noClobberAny refuses to overwrite one of the files that are read.
func noClobberAny(flag, out string, in []string) error {
	for _, path := range in {
		if err := noClobber(flag, out, path); err != nil {
			return err
		}
	}
	return nil
}

// noClobber refuses to overwrite the file that is read.
func noClobber(flag, out, in string) error {
	a, errA := os.Stat(out)
	b, errB := os.Stat(in)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return usageError{fmt.Errorf("--%s: is also the input file, %s; choose another name", flag, filepath.Base(in))}
	}
	return nil
}
