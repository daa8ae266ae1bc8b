package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/bench"
	"github.com/inception-go/inception/internal/config"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/spf13/cobra"
)

// benchCommand is `inception bench`.
type benchCommand struct {
	*session
	mode, variant string
	arithmetic    precisionFlags
	batch         int
	layers        bool
	span          time.Duration
}

func newBench(s *session) *cobra.Command {
	b := &benchCommand{session: s}
	c := &cobra.Command{
		Use:     "bench [--mode eval|train] [--variant V] [--batch N]",
		Aliases: []string{"benchmark"},
		Short:   "Time a network on this machine and compare it with the processor's peak",
		Example: `  inception bench --batch 8
  inception bench --mode train --config flowers5 --batch 32 --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return b.run(c) },
	}
	f := c.Flags()
	f.StringVar(&b.mode, "mode", bench.Eval, "eval or train")
	f.StringVar(&b.variant, "variant", "",
		"network, instead of the configuration's: "+strings.Join(model.Variants(), ", "))
	f.IntVarP(&b.batch, "batch", "b", 8, "images of one step, also --batch-size")
	b.arithmetic.addFlags(f, true)
	f.DurationVar(&b.span, "time", 5*time.Second, "measure at least that long; with --layers, all of them together")
	f.BoolVar(&b.layers, "layers", false,
		"time each convolution by itself: in evaluation, forward in training, and the gradients of data and weights")
	reads(c, "model.", "train.precision", "train.aux_weight", "train.clip_grad_norm", "train.clip_grad_value",
		"train.sync_batch_norm", "train.freeze", "train.batch_norm", "train.seed", "label_smoothing.", "optimizer.", "ema.",
		"cluster.timeout")
	return c
}

func (b *benchCommand) run(c *cobra.Command) error {
	if err := b.check(c); err != nil {
		return usageError{err}
	}
	values := map[string]any{}
	if b.variant != "" {
		values["model.variant"] = b.variant
	}
	resolved, err := b.load("", values)
	if err != nil {
		return err
	}
	precisions, err := b.precisions(c, resolved)
	if err != nil {
		return err
	}
	if b.layers {
		return b.timeLayers(c.Context(), resolved.Network(), precisions[0])
	}
	return b.timeSteps(c.Context(), resolved, precisions)
}

// check checks the flags.
func (b *benchCommand) check(c *cobra.Command) error {
	modes := []string{bench.Eval, bench.Train}
	switch {
	case b.batch < 1:
		return fmt.Errorf("--batch: must be at least 1, is %d", b.batch)
	case !slices.Contains(modes, b.mode):
		return fmt.Errorf("--mode: must be %s, is %q%s", strings.Join(modes, " or "), b.mode, spelling.Suggest(b.mode, modes))
	case b.layers && b.cluster.Size() > 1:
		return errors.New("--layers times one process; start it without mpirun")
	case b.layers && c.Flags().Changed("mode"):
		return errors.New("--layers times evaluation and training; leave --mode out")
	}
	return nil
}

// precisions returns those to time: of training, the configuration's if no flag says
// another one.
func (b *benchCommand) precisions(c *cobra.Command, from *config.Resolved) ([]model.Precision, error) {
	if b.mode == bench.Train && !c.Flags().Changed("precision") {
		b.arithmetic.name = from.Train.Precision
	}
	precisions, err := b.arithmetic.values()
	if err != nil {
		return nil, err
	}
	if b.layers && len(precisions) > 1 {
		return nil, usageError{errors.New("--precision: --layers takes one")}
	}
	for i, p := range precisions { // the weights are random, so that they have no precision of their own
		if p == model.Own {
			precisions[i] = model.FP32
		}
	}
	return precisions, nil
}

// timeSteps times steps in each precision and prints what it has found.
func (b *benchCommand) timeSteps(ctx context.Context, c *config.Resolved, precisions []model.Precision) error {
	o := bench.Options{
		Mode: b.mode, Spec: c.Network(), Recipe: c.Recipe, Batch: b.batch, Time: b.span, Cluster: b.cluster,
	}
	var results []bench.Result
	for _, precision := range precisions {
		o.Precision = precision
		r, err := bench.Run(ctx, o)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	if len(results) > 1 {
		return b.showSeveral(o.Spec.InputSize, results)
	}
	return b.show(o.Spec.InputSize, results[0])
}

// show prints the result of one precision.
func (b *benchCommand) show(size int, r bench.Result) error {
	if b.json {
		return b.printJSON(r)
	}
	b.print("%s %s, %dx%d px, batch %d, %s, %s, %d threads\nstep %.1f ms, %.1f images/s\n%.0f GFLOP/s, %.0f%% of the "+
		"measured peak of %.0f\nmemory: at most %.0f MiB, of which %.0f MiB for activations\n",
		r.Mode, r.Variant, size, size, r.Batch, r.Precision, r.ISA, r.Threads, 1000*r.StepS, r.ImagesPerS, r.GFLOPS,
		100*r.PeakFraction, r.PeakGFLOPS, r.PeakRSSMiB, r.PlannedMiB)
	if r.Ranks > 1 {
		b.print("%d ranks with a batch each; gradients are under way for %.1f ms of a step, %.0f%% of it hidden behind "+
			"the backward pass\n", r.Ranks, 1000*r.CommunicationS, 100*r.Hidden)
	}
	return nil
}

// showSeveral prints the results of several precisions side by side.
func (b *benchCommand) showSeveral(size int, results []bench.Result) error {
	if b.json {
		return b.printJSON(results)
	}
	r := results[0]
	b.print("%s %s, %dx%d px, batch %d, %s, %d threads\n\n", r.Mode, r.Variant, size, size, r.Batch, r.ISA, r.Threads)
	b.print("%-10s %10s %10s %8s %12s %10s %14s %18s\n", "precision", "step, ms", "images/s", "faster",
		"10^9 op/s", "of peak", "weights, MiB", "activations, MiB")
	for _, r := range results {
		b.print("%-10s %10.1f %10.1f %7.2fx %12.0f %9.0f%% %14.1f %18.1f\n", r.Precision, 1000*r.StepS, r.ImagesPerS,
			results[0].StepS/r.StepS, r.GFLOPS, 100*r.PeakFraction, r.WeightsMiB, r.PlannedMiB)
	}
	return nil
}

// timeLayers times each convolution by itself and prints a table of them.
func (b *benchCommand) timeLayers(ctx context.Context, spec model.Spec, precision model.Precision) error {
	const passes = 200 // about; a network has some 45 shapes and each four passes
	r, err := bench.Layers(ctx, spec, b.batch, precision, b.span/passes)
	if err != nil {
		return err
	}
	if b.json {
		return b.printJSON(r)
	}
	b.print("batch %d, %s, %s, %d threads, measured peak %.0f GFLOP/s\n\n",
		r.Batch, r.Precision, r.ISA, r.Threads, r.PeakGFLOPS)
	b.print("%-34s %5s %8s %15s %15s %15s %15s\n",
		"convolution", "times", "GFLOP", "evaluation", "forward", "backward data", "backward weights")
	rate := func(v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf("%.0f (%.0f%%)", v, 100*v/r.PeakGFLOPS)
	}
	for _, l := range r.Layers {
		b.print("%-34s %5d %8.2f %15s %15s %15s %15s\n",
			l.Shape, l.Repeated, l.GFLOP, rate(l.Eval), rate(l.Forward), rate(l.Data), rate(l.Weights))
	}
	b.print("%-34s %5s %8s %15s %15s %15s %15s\n",
		"all, weighted by work", "", "", rate(r.Eval), rate(r.Forward), rate(r.Data), rate(r.Weights))
	return nil
}
