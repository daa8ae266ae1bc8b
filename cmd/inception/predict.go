package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/evaluate"
	"github.com/inception-go/inception/internal/weights"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
)

// predictCommand is `inception predict` and `inception features`.
type predictCommand struct {
	*session
	weights, labels string
	logits          string // predict: .npy to write
	features, layer string // features: .npy to write, end point
	top, batch      int
	inputSize       int
}

// addFlags adds the flags that both commands have.
func (p *predictCommand) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&p.weights, "weights", "w", "", "weight file or run folder")
	f.IntVarP(&p.batch, "batch", "b", 0, "images in one pass, also --batch-size (default: as many as are given, up to 8)")
	f.IntVar(&p.inputSize, "input-size", 0, "use this size instead of the weights' own")
	_ = c.MarkFlagRequired("weights")
}

func newPredict(s *session) *cobra.Command {
	p := &predictCommand{session: s}
	c := &cobra.Command{
		Use:     "predict --weights F IMAGE|DIR|X.npy ...",
		Aliases: []string{"infer"},
		Short:   "Name what pictures show",
		Long: `Print the most probable classes of each picture. An .npy holds inputs that are
preprocessed already, [N,3,H,W] float32. Pictures that cannot be read are named
and skipped, and the exit status is 1 then.`,
		Example: `  inception predict --weights runs/flowers5 rose.jpg photos/
  inception predict --weights v3.safetensors x.npy --logits logits.npy --json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return p.predict(c.Context(), args) },
	}
	p.addFlags(c)
	f := c.Flags()
	f.IntVarP(&p.top, "top", "k", 5, "classes to print of each picture")
	f.StringVar(&p.labels, "labels", "", "`file` with a label a line, instead of the weights' own")
	f.StringVar(&p.logits, "logits", "", "also write all logits to this .npy, [N,classes]")
	return c
}

func newFeatures(s *session) *cobra.Command {
	p := &predictCommand{session: s}
	c := &cobra.Command{
		Use:   "features --weights F IMAGE|DIR|X.npy ... -o OUT.npy",
		Short: "Write what a network sees in pictures: pooled features, or any module's output",
		Example: `  inception features --weights v3.safetensors photos/ -o features.npy
  inception features --weights v3.safetensors cat.jpg --layer Mixed_6e -o maps.npy`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return p.extract(c.Context(), args) },
	}
	p.addFlags(c)
	f := c.Flags()
	f.StringVarP(&p.features, "out", "o", "", ".npy to write: [N,features], or [N,C,H,W] with --layer")
	f.StringVar(&p.layer, "layer", "", "module whose output to write, such as Mixed_6e, instead of the pooled features")
	_ = c.MarkFlagRequired("out")
	return c
}

// prediction is what `predict --json` prints for an image.
type prediction struct {
	Image   string           `json:"image"`
	Classes []evaluate.Class `json:"classes"`
}

func (p *predictCommand) predict(ctx context.Context, args []string) error {
	if p.top < 1 {
		return usageError{fmt.Errorf("--top: must be at least 1, is %d", p.top)}
	}
	var labels []string
	var all array
	err := p.each(ctx, args, func(m weights.Metadata) error {
		if m.NoHead {
			return fmt.Errorf("%s: has no classifier; inception features gives what it sees", p.weights)
		}
		var err error
		labels, err = p.labelsOf(m)
		return err
	}, func(out evaluate.Output) error {
		if p.logits != "" {
			all.add(out.Logits, []int{len(out.Logits)})
		}
		top := evaluate.Top(out.Logits, labels, p.top)
		if p.json {
			return p.printJSON(prediction{out.Name, top})
		}
		p.print("%s\n", out.Name)
		for _, c := range top {
			p.print("  %6.2f%%  %s\n", 100*c.Prob, c.Label)
		}
		return nil
	})
	if p.logits != "" && all.rows > 0 {
		err = errors.Join(all.write(p.logits), err)
	}
	return err
}

// labelsOf returns the labels of --labels or the weights' own.
func (p *predictCommand) labelsOf(m weights.Metadata) ([]string, error) {
	if p.labels == "" {
		return m.Labels, nil
	}
	text, err := os.ReadFile(p.labels)
	if err != nil {
		return nil, usageError{fmt.Errorf("--labels: %w", err)}
	}
	labels := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r", ""), "\n"), "\n")
	if len(labels) != m.Spec.Classes {
		return nil, usageError{fmt.Errorf("--labels %s: has %d lines, the network %d classes", p.labels, len(labels), m.Spec.Classes)}
	}
	return labels, nil
}

func (p *predictCommand) extract(ctx context.Context, args []string) error {
	var all array
	err := p.each(ctx, args, func(weights.Metadata) error { return nil }, func(out evaluate.Output) error {
		all.add(out.Features, out.Shape)
		if p.json {
			return p.printJSON(map[string]any{"image": out.Name, "row": all.rows - 1})
		}
		return nil
	})
	if all.rows > 0 {
		if writeErr := all.write(p.features); writeErr != nil {
			return writeErr
		}
		p.note("wrote %s, %v", p.features, append([]int{all.rows}, all.shape...))
	}
	return err
}

// each loads the network and calls use for every picture that can be read. If
// some cannot, it fails in the end.
func (p *predictCommand) each(ctx context.Context, args []string, begin func(weights.Metadata) error, use func(evaluate.Output) error) error {
	files, err := evaluate.Files(args)
	if err != nil {
		return err
	}
	w, m, err := weights.Load(p.weights)
	if err != nil {
		return err
	}
	if err := begin(m); err != nil {
		return err
	}
	o := evaluate.PredictOptions{RunOptions: evaluate.RunOptions{Options: evaluate.DefaultOptions(), Preprocess: m.Preprocess}, Layer: p.layer}
	o.Preprocess.Size = m.InputSize
	if p.inputSize > 0 {
		o.Preprocess.Size = p.inputSize
	}
	const most = 8
	o.BatchSize = min(len(files), most)
	if p.batch > 0 {
		o.BatchSize = p.batch
	}
	predictor, err := evaluate.NewPredictor(w, o)
	if err != nil {
		return err
	}
	defer predictor.Close()
	done, unread := 0, 0
	progress := p.progress(len(files))
	err = predictor.Run(ctx, files, func(out evaluate.Output) error {
		done++
		progress(done)
		if out.Err != nil {
			unread++
			p.warn(out.Err.Error())
			return nil
		}
		return use(out)
	})
	switch {
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil && unread > 0:
		return fmt.Errorf("%d of %d pictures could not be read", unread, len(files))
	}
	return err
}

// progress returns what moves a bar, if there are many pictures and a terminal.
func (p *predictCommand) progress(total int) func(done int) {
	if !p.terminal() || p.quiet || total < 16 || p.features == "" {
		return func(int) {}
	}
	bar := progressbar.NewOptions(total, progressbar.OptionSetWriter(p.stderr), progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionShowCount())
	return func(done int) { _ = bar.Set(done) }
}

// array collects rows for an .npy.
type array struct {
	rows   int
	shape  []int // of a row
	values []float32
}

func (a *array) add(values []float32, shape []int) {
	a.rows++
	a.shape = shape
	a.values = append(a.values, values...)
}

func (a *array) write(path string) error {
	return weights.WriteFile(path, func(w io.Writer) error {
		return dataset.WriteNPY(w, append([]int{a.rows}, a.shape...), a.values)
	})
}
