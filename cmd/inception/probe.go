package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/console"
	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/probe"
	"github.com/inception-go/inception/internal/shell"
	"github.com/inception-go/inception/internal/weights"
	"github.com/spf13/cobra"
)

// probeCommand is `inception probe`.
type probeCommand struct {
	*session
	weights, data, val, out string
	inputSize, batch        int
	perClass                bool
}

func newProbe(s *session) *cobra.Command {
	p := &probeCommand{session: s}
	c := &cobra.Command{
		Use:   "probe --weights F --data SPEC [-o OUT.safetensors]",
		Short: "Fit a classifier to a frozen network's features, in seconds",
		Long: `Compute the pooled features of all images once, fit a logistic regression to those of
the training images, and measure it on those of the validation images. The strength of
its penalty is the one that does best in a cross-validation of the training images. The
answer is always the same, and says what fine-tuning has to beat.

The file that --out names holds the network with the new classifier, for eval, predict,
export and train --init.`,
		Example: `  inception probe --weights v3.safetensors --data photos
  inception probe --weights v3.safetensors --data photos -o photos.safetensors --per-class
  inception train --config finetune --data photos --init photos.safetensors`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.run(c) },
	}
	f := c.Flags()
	f.StringVarP(&p.weights, "weights", "w", "", "weight `file` or run folder")
	f.StringVar(&p.data, "data", "", "images: a folder, or one of "+dataset.Specs())
	f.StringVar(&p.val, "val", "", "validation images; default: those of --data")
	f.StringVarP(&p.out, "out", "o", "", "weight `file` to write")
	f.IntVar(&p.inputSize, "input-size", 0, "use this size instead of the weights' own")
	f.IntVarP(&p.batch, "batch", "b", 0, "images in one pass, also --batch-size")
	f.BoolVar(&p.perClass, "per-class", false, "print precision, recall and F1 of each class, and the calibration")
	_ = c.MarkFlagRequired("weights")
	reads(c, append([]string{
		"model.", "data.train", "data.val", "data.val_fraction", "data.val_seed", "data.workers", "data.on_error",
		"data.max_errors", "eval.batch_size", "eval.crop_pct", "eval.tta", // the last one is refused
	}, pictureKeys...)...)
	return c
}

func (p *probeCommand) run(c *cobra.Command) error {
	if p.out != "" {
		if err := cmp.Or(saysWeights("probe", p.out), noClobber("out", p.out, p.weights)); err != nil {
			return err
		}
	}
	if err := atLeast1("input-size", p.inputSize); err != nil {
		return err
	}
	values := p.dataFlags(c, p.data, p.val)
	if c.Flags().Changed("batch") {
		values["eval.batch_size"] = p.batch
	}
	resolved, err := p.load("", values)
	if err != nil {
		return err
	}
	if resolved.Eval.TTA == evaluate.TTAFlip && resolved.Origin["eval.tta"].Kind == config.FromSet {
		return usageError{errors.New("eval.tta: a classifier is fitted to one view of each image; leave it out")}
	}
	m, err := weights.LoadMetadata(p.weights)
	if err != nil {
		return err
	}
	if err := resolved.AgreesWith(m.Spec); err != nil {
		return usageError{fmt.Errorf("%s: %w", p.weights, err)}
	}
	if err := p.writable(p.out); err != nil {
		return err
	}
	bar := p.bar("features", console.Images)
	made, err := probe.Job{
		Weights: p.weights, Options: resolved.Eval, InputSize: p.inputSize, Data: resolved.Data,
		Note: func(text string) { p.note("%s", text) }, Warn: p.warn,
		Progress: func(done, total int) { bar.Set(int64(done), int64(total)) },
	}.Run(c.Context())
	bar.Clear()
	if err != nil {
		return err
	}
	if p.out != "" {
		made.Metadata.Version = version()
		if err := weights.Save(p.out, made.Weights, made.Metadata); err != nil {
			return err
		}
	}
	p.data = resolved.Data.Train // of the configuration, where no flag says it
	return p.show(made)
}

// probeReport is what `probe --json` prints.
type probeReport struct {
	Out       string        `json:"out,omitempty"`
	Features  int           `json:"features"` // of each image
	Strength  float64       `json:"strength"`
	Tried     []probe.Trial `json:"tried"`
	Train     probeScores   `json:"train"`
	Val       *probeScores  `json:"val,omitempty"`
	FeaturesS float64       `json:"features_s"`
	FittingS  float64       `json:"fitting_s"`
}

type probeScores struct {
	Images  int           `json:"images"`
	Top1    float64       `json:"top1"`
	Top5    float64       `json:"top5"`
	Loss    float64       `json:"loss"`
	Classes []classReport `json:"classes,omitempty"`
}

func (p *probeCommand) scores(r evaluate.Result) probeScores {
	s := probeScores{Images: r.Images, Top1: r.Top1, Top5: r.Top5, Loss: r.Loss}
	if p.perClass {
		s.Classes = classReports(r)
	}
	return s
}

func (p *probeCommand) show(o *probe.Outcome) error {
	if p.json {
		r := probeReport{Out: p.out, Features: o.Width, Strength: o.Fit.Strength, Tried: o.Fit.Tried,
			Train: p.scores(o.Train), FeaturesS: o.Features.Seconds(), FittingS: o.Fitting.Seconds()}
		if o.Val != nil {
			val := p.scores(*o.Val)
			r.Val = &val
		}
		return p.printJSON(r)
	}
	p.print("%d features, strength %.3g, the best of %d by cross-validation (features %.1f s, fitting %.1f s)\n",
		o.Width, o.Fit.Strength, len(o.Fit.Tried), o.Features.Seconds(), o.Fitting.Seconds())
	p.print("%-6s %s\n", "train", accuracy(o.Train))
	last := o.Train
	if o.Val != nil {
		p.print("%-6s %s\n", "val", accuracy(*o.Val))
		last = *o.Val
	}
	if p.perClass {
		p.printClasses(last)
	}
	if p.out != "" {
		p.note("wrote %s\nnext: %s train --config finetune --init %s --data %s", shell.Quote(p.out), program(),
			shell.Quote(p.out), shell.Quote(p.data))
	}
	return nil
}
