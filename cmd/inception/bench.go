package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/inception-go/inception/internal/bench"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/spelling"
	"github.com/spf13/cobra"
)

func newBench(s *session) *cobra.Command {
	var mode, variant string
	var arithmetic precisionFlags
	var batch int
	var layers bool
	var span time.Duration
	c := &cobra.Command{
		Use:     "bench [--mode eval|train] [--variant V] [--batch N]",
		Aliases: []string{"benchmark"},
		Short:   "Time a network on this machine and compare it with the processor's peak",
		Example: `  inception bench --batch 8
  inception bench --mode train --config flowers5 --batch 32 --json`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if batch < 1 {
				return usageError{fmt.Errorf("--batch: must be at least 1, is %d", batch)}
			}
			if modes := []string{bench.Eval, bench.Train}; !slices.Contains(modes, mode) {
				return usageError{fmt.Errorf("--mode: must be %s, is %q%s", strings.Join(modes, " or "), mode,
					spelling.Suggest(mode, modes))}
			}
			if layers && s.cluster.Size() > 1 {
				return usageError{errors.New("--layers times one process; start it without mpirun")}
			}
			if layers && c.Flags().Changed("mode") {
				return usageError{errors.New("--layers times evaluation and training; leave --mode out")}
			}
			values := map[string]any{}
			if variant != "" {
				values["model.variant"] = variant
			}
			resolved, err := s.load("", values)
			if err != nil {
				return err
			}
			if resolved.Model.Classes == 0 {
				resolved.Model.Classes = 1000
			}
			if mode == bench.Train && !c.Flags().Changed("precision") {
				arithmetic.name = resolved.Train.Precision
			}
			precisions, err := arithmetic.values()
			if err != nil {
				return err
			}
			for i, p := range precisions { // the weights are random, so that they have no precision of their own
				if p == model.Own {
					precisions[i] = model.FP32
				}
			}
			if layers && len(precisions) > 1 {
				return usageError{errors.New("--precision: --layers takes one")}
			}
			if layers {
				return benchLayers(c, s, resolved.Model, batch, precisions[0], span)
			}
			var results []bench.Result
			for _, precision := range precisions {
				r, err := bench.Run(c.Context(), bench.Options{
					Mode: mode, Spec: resolved.Model, Recipe: resolved.Recipe, Batch: batch, Precision: precision, Time: span,
					Cluster: s.cluster,
				})
				if err != nil {
					return err
				}
				results = append(results, r)
			}
			if len(results) > 1 {
				return benchPrecisions(s, resolved.Model.InputSize, results)
			}
			r := results[0]
			if s.json {
				return s.printJSON(r)
			}
			s.print("%s %s, %dx%d px, batch %d, %s, %s, %d threads\nstep %.1f ms, %.1f images/s\n%.0f GFLOP/s, %.0f%% of the "+
				"measured peak of %.0f\nmemory: at most %.0f MiB, of which %.0f MiB for activations\n",
				r.Mode, r.Variant, resolved.Model.InputSize, resolved.Model.InputSize, r.Batch, r.Precision, r.ISA, r.Threads,
				1000*r.StepS, r.ImagesPerS, r.GFLOPS, 100*r.PeakFraction, r.PeakGFLOPS, r.PeakRSSMiB, r.PlannedMiB)
			if r.Ranks > 1 {
				s.print("%d ranks with a batch each; gradients are under way for %.1f ms of a step, %.0f%% of it hidden behind "+
					"the backward pass\n", r.Ranks, 1000*r.CommunicationS, 100*r.Hidden)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&mode, "mode", bench.Eval, "eval or train")
	f.StringVar(&variant, "variant", "", "network, instead of the configuration's: "+strings.Join(model.Variants(), ", "))
	f.IntVarP(&batch, "batch", "b", 8, "images of one step, also --batch-size")
	arithmetic.addFlags(f, true)
	f.DurationVar(&span, "time", 5*time.Second, "measure at least that long; with --layers, all of them together")
	f.BoolVar(&layers, "layers", false,
		"time each convolution by itself: in evaluation, forward in training, and the gradients of data and weights")
	reads(c, "model.", "train.precision", "train.aux_weight", "train.clip_grad_norm", "train.clip_grad_value",
		"train.sync_batch_norm", "train.freeze", "train.batch_norm", "train.seed", "label_smoothing.", "optimizer.", "ema.",
		"cluster.timeout")
	return c
}

// benchPrecisions prints results of the same steps side by side.
func benchPrecisions(s *session, size int, results []bench.Result) error {
	if s.json {
		return s.printJSON(results)
	}
	r := results[0]
	s.print("%s %s, %dx%d px, batch %d, %s, %d threads\n\n", r.Mode, r.Variant, size, size, r.Batch, r.ISA, r.Threads)
	s.print("%-10s %10s %10s %8s %12s %10s %14s %18s\n", "precision", "step, ms", "images/s", "faster",
		"10^9 op/s", "of peak", "weights, MiB", "activations, MiB")
	for _, r := range results {
		s.print("%-10s %10.1f %10.1f %7.2fx %12.0f %9.0f%% %14.1f %18.1f\n", r.Precision, 1000*r.StepS, r.ImagesPerS,
			results[0].StepS/r.StepS, r.GFLOPS, 100*r.PeakFraction, r.WeightsMiB, r.PlannedMiB)
	}
	return nil
}

func benchLayers(
	c *cobra.Command, s *session, spec model.Spec, batch int, precision model.Precision, span time.Duration,
) error {
	const passes = 200 // about; a network has some 45 shapes and each four passes
	r, err := bench.Layers(c.Context(), spec, batch, precision, span/passes)
	if err != nil {
		return err
	}
	if s.json {
		return s.printJSON(r)
	}
	s.print("batch %d, %s, %s, %d threads, measured peak %.0f GFLOP/s\n\n",
		r.Batch, r.Precision, r.ISA, r.Threads, r.PeakGFLOPS)
	s.print("%-34s %5s %8s %15s %15s %15s %15s\n",
		"convolution", "times", "GFLOP", "evaluation", "forward", "backward data", "backward weights")
	rate := func(v float64) string {
		if v == 0 {
			return ""
		}
		return fmt.Sprintf("%.0f (%.0f%%)", v, 100*v/r.PeakGFLOPS)
	}
	for _, l := range r.Layers {
		s.print("%-34s %5d %8.2f %15s %15s %15s %15s\n",
			l.Shape, l.Repeated, l.GFLOP, rate(l.Eval), rate(l.Forward), rate(l.Data), rate(l.Weights))
	}
	s.print("%-34s %5s %8s %15s %15s %15s %15s\n",
		"all, weighted by work", "", "", rate(r.Eval), rate(r.Forward), rate(r.Data), rate(r.Weights))
	return nil
}
