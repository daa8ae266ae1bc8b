package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/fetch"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert"
	"github.com/schollz/progressbar/v3"
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
		Short: "Take in weights of another tool",
		Long: `Read Inception weights that torchvision, timm, Keras or TensorFlow's slim has
written (.pth, .safetensors, .h5, .weights.h5, checkpoints of either version) and
write them as a weight file with all that makes it usable alone. Nothing in the
file is executed.

The number of classes is the file's. A file without a classifier, or with one of
somebody's own, becomes a feature extractor, for inception features and for
train --init.

--preprocess says how the images were made that the weights have learned from:
  torchvision   resize, crop, to [-1, 1]: ImageNet's mean and deviation, then
                torchvision's transform_input (its own files' default)
  inception     central crop, resize, to [-1, 1] (Keras' and slim's default)
  imagenet      resize, crop, ImageNet's mean and deviation
  unit          resize, crop, to [0, 1]
  SCALE,OFFSET  resize, crop, pixel*SCALE + OFFSET of pixels from 0 to 255, such
                as 1/127.5,-1
timm's weights need it unless timm's config.json lies beside the file.

--fetch downloads the file first, if it is not here: torchvision's inception_v3
(when no FILE is given) or googlenet. What was broken off goes on where it
stopped, and the checksum must be right.`,
		Example: `  inception import inception_v3_google-0cc3c7bd.pth -o v3.safetensors
  inception import --fetch -o v3.safetensors
  inception import --no-head inception_v3.ckpt -o features.safetensors
  inception import --from timm model.safetensors --preprocess inception -o v3.safetensors`,
		Args: func(c *cobra.Command, args []string) error {
			if i.fetch {
				return cobra.MaximumNArgs(1)(c, args)
			}
			return cobra.ExactArgs(1)(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error { return i.run(c.Context(), args) },
	}
	f := c.Flags()
	f.StringVar(&i.From, "from", "", "who wrote the file: "+strings.Join(convert.Families(), ", ")+" (default: told by its names)")
	f.StringVarP(&i.out, "out", "o", "", "weight file to write")
	f.BoolVar(&i.NoHead, "no-head", false, "drop the classifier")
	f.StringVar(&i.Preprocess, "preprocess", "", "how the weights' images were made: torchvision, inception, imagenet, unit or `SCALE,OFFSET` (default: the family's own)")
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
		return usageError{fmt.Errorf("--out: import writes .safetensors, not %s; export makes files of other tools", filepath.Base(i.out))}
	}
	path := strings.Join(args, "") // one, or none with --fetch
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
		return i.printJSON(map[string]any{"out": i.out, "variant": m.Spec.Variant, "classes": m.Classes(), "preprocess": m.Preprocess, "notes": m.Notes})
	}
	next := "eval --weights " + i.out + " --data DIR"
	if m.NoHead {
		next = "features --weights " + i.out + " DIR -o features.npy"
	}
	i.note("wrote %s\nnext: %s %s", i.out, program(), next)
	return nil
}

// download brings an official file here and returns its path.
func (i *importCommand) download(ctx context.Context, path string) (string, error) {
	file, err := convert.Official(path, i.mirror)
	if err != nil {
		return "", usageError{fmt.Errorf("--fetch: %w", err)}
	}
	progress, end := i.transferBar()
	fetched, err := fetch.Get(ctx, file, fetch.Options{
		Progress: progress,
		Retry:    func(err error, done int64) { i.note("%s: %v; going on from byte %d", file.URL, err, done) },
	})
	end()
	switch {
	case err != nil:
		return "", err
	case fetched:
		i.note("downloaded %s from %s", file.Path, file.URL)
	default:
		i.note("%s is here already", file.Path)
	}
	return file.Path, nil
}

// transferBar returns what moves a bar of bytes and what ends it, where
// messages go to a terminal.
func (i *importCommand) transferBar() (progress func(done, total int64), end func()) {
	if !i.terminal() || i.quiet {
		return nil, func() {}
	}
	bar := progressbar.NewOptions64(-1, progressbar.OptionSetWriter(bars(i.stderr)), progressbar.OptionSetWidth(20), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(true))
	return func(done, total int64) {
		bar.ChangeMax64(total)
		_ = bar.Set64(done)
	}, func() { _ = bar.Clear() }
}

func newExport(s *session) *cobra.Command {
	var from, out string
	var o convert.ExportOptions
	c := &cobra.Command{
		Use:   "export --weights F --format " + strings.Join(convert.Formats(), "|") + " -o OUT",
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
	convert.Exported
}

// noClobber refuses to write over what is read.
func noClobber(flag, out, in string) error {
	a, errA := os.Stat(out)
	b, errB := os.Stat(in)
	if errA == nil && errB == nil && os.SameFile(a, b) {
		return usageError{fmt.Errorf("--%s: is the file that is read, %s; choose another name", flag, filepath.Base(in))}
	}
	return nil
}
