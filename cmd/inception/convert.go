package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/fetch"
	"github.com/inception-go/inception/internal/golden"
	"github.com/inception-go/inception/internal/labels"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/textfile"
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
	labels      string
	golden      goldenPictures
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
                as 1/127.5,-1, or 1/255 (an OFFSET of 0)
timm's weights need it unless timm's config.json is in the same folder.
--crop-pct, --geometry, --interpolation and --input-size change what it implies.
A warning says where that contradicts what the file, timm's config.json or the
family's published weights say.

The weight file gets golden pictures, drawn ones or those of --golden, with the
network's answers to them, which inception check computes again at any time. Those of a
file that export wrote are kept and tried; flags that change its preprocessing, and
--no-head, make new answers, which a line says.

--fetch downloads the file first if it does not exist: torchvision's inception_v3
(when no FILE is given) or googlenet. It resumes an interrupted download and
verifies the checksum.`,
		Example: `  inception import inception_v3_google-0cc3c7bd.pth -o v3.safetensors
  inception import --fetch -o v3.safetensors
  inception import --no-head inception_v3.ckpt -o features.safetensors
  inception import --from timm model.safetensors --preprocess inception -o v3.safetensors`,
		Args: func(c *cobra.Command, args []string) error {
			if i.fetch {
				return oneArgAtMost("the file to download")(c, args)
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
	f.Float64Var(&i.CropPct, "crop-pct", 0, "share of the picture's side that the crop shows; 1 for all of it")
	f.StringVar(&i.Geometry, "geometry", "", "how pictures are framed: shorter, central, or as-is: pictures of the "+
		"input's size are taken pixel for pixel, others refused")
	f.StringVar(&i.Interpolation, "interpolation", "", "bilinear, bicubic or bilinear-tf1")
	f.IntVar(&i.InputSize, "input-size", 0, "height and width of the pictures that the weights have learned from")
	f.StringVar(&i.labels, "labels", "", "`file` with the name of a class a line, in the classifier's order")
	i.golden.addFlag(f)
	f.BoolVar(&i.fetch, "fetch", false, "download torchvision's file first")
	f.StringVar(&i.mirror, "mirror", convert.TorchvisionServer, "`URL` to download from")
	_ = c.MarkFlagRequired("out")
	reads(c, pictureKeys...)
	return c
}

func (i *importCommand) run(ctx context.Context, args []string) error {
	if err := i.Validate(); err != nil {
		return usageError{err}
	}
	if err := saysWeights("import", i.out); err != nil {
		return usageError{fmt.Errorf("%w; export writes files for other tools", err)}
	}
	if i.labels != "" {
		text, err := textfile.Read(i.labels, 64<<20, "a list of labels")
		if err != nil {
			return usageError{fmt.Errorf("--labels: %w", err)}
		}
		i.Labels = labels.Lines(text)
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
	own, err := i.golden.read(i.session, m.Preprocess)
	if err != nil {
		return err
	}
	if warning := golden.Settle(w, &m, own); warning != "" {
		m.Notes = append(m.Notes, "warning: "+warning)
	}
	if err := weights.Save(i.out, w, m); err != nil {
		return err
	}
	for _, text := range m.Notes {
		if warning, ok := strings.CutPrefix(text, "warning: "); ok {
			i.warn(warning)
			continue
		}
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
	i.note("wrote %s\nnext: %s %s", out, program(), next)
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
