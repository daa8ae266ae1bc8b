// Package bench times evaluation and training steps of whole networks and
// compares them with the measured peak of the processor.
package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/train"
)

// Options say what to time.
type Options struct {
	Mode      string // eval or train
	Spec      model.Spec
	Recipe    train.Recipe // of a training step
	Batch     int
	Precision model.Precision
	Time      time.Duration // of measuring, at least; at least three steps are taken
}

// Result is what `bench --json` prints.
type Result struct {
	Mode         string  `json:"mode"`
	Variant      string  `json:"variant"`
	Precision    string  `json:"precision"`
	ISA          string  `json:"isa"`
	Threads      int     `json:"threads"`
	Batch        int     `json:"batch"`
	StepS        float64 `json:"step_s"` // median
	ImagesPerS   float64 `json:"images_per_s"`
	GFLOPS       float64 `json:"gflops"`                // of the convolutions and classifiers
	PeakGFLOPS   float64 `json:"peak_gflops"`           // of the precision, measured on multiply-adds in registers
	PeakFraction float64 `json:"peak_fraction"`         // the former of the latter
	PeakRSSMiB   float64 `json:"peak_rss_mib"`          // of this process; 0 where the system does not tell
	PlannedMiB   float64 `json:"planned_mib"`           // of the activations' arena
	WeightsMiB   float64 `json:"weights_mib,omitempty"` // of eval, as the convolutions read them
}

// The values of Options.Mode.
const (
	Eval  = "eval"
	Train = "train"
)

// Run times steps on random images until o.Time is over.
func Run(ctx context.Context, o Options) (Result, error) {
	r := Result{
		Mode: o.Mode, Variant: o.Spec.Variant, Precision: o.Precision.String(),
		ISA: kernel.ISA(), Threads: parallel.Threads(), Batch: o.Batch, PeakGFLOPS: peakOf(o.Precision),
	}
	if o.Mode == Train && o.Precision == model.INT8 {
		return r, fmt.Errorf("--precision: %v is for evaluation; training computes in %v or %v", o.Precision, model.FP32, model.BF16)
	}
	w, err := weightsOf(o.Spec, o.Precision)
	if err != nil {
		return r, err
	}
	step, memory, flops, close, err := stepOf(o, w)
	if err != nil {
		return r, err
	}
	defer close()
	times, err := timeSteps(ctx, step, o.Time)
	if err != nil {
		return r, err
	}
	r.StepS = median(times)
	r.ImagesPerS = float64(o.Batch) / r.StepS
	r.GFLOPS = flops / r.StepS / 1e9
	r.PeakFraction = r.GFLOPS / r.PeakGFLOPS
	r.PeakRSSMiB = peakRSS()
	r.PlannedMiB, r.WeightsMiB = float64(memory.activations)/(1<<20), float64(memory.weights)/(1<<20)
	return r, nil
}

// peakOf measures a precision's peak in GFLOP/s.
func peakOf(p model.Precision) float64 {
	switch p {
	case model.BF16:
		return kernel.PeakBF16GFLOPS(parallel.Threads())
	case model.INT8:
		return kernel.PeakInt8GOPS(parallel.Threads())
	}
	return kernel.PeakGFLOPS(parallel.Threads())
}

// memory is what a network takes, in bytes.
type memory struct{ activations, weights int64 }

// stepOf returns what one step does, the memory that it needs and its operations.
func stepOf(o Options, w *model.Weights) (step func() error, m memory, flops float64, close func(), err error) {
	images, labels := noise(o)
	layers, err := model.Layers(o.Spec)
	if err != nil {
		return nil, m, 0, nil, err
	}
	switch o.Mode {
	case Eval:
		net, err := model.Build(o.Spec, w, o.Batch, model.Eval, model.Options{Precision: o.Precision})
		if err != nil {
			return nil, m, 0, nil, err
		}
		net.Refresh()
		flops = 2 * float64(model.MACs(layers)) * float64(o.Batch)
		m.weights, m.activations = net.Memory()
		return func() error { return net.Forward(images) }, m, flops, func() { _ = net.Close() }, nil
	case Train:
		o.Recipe.Train.BatchSize, o.Recipe.Train.GradAccumSteps = o.Batch, 1
		o.Recipe.Train.Precision = o.Precision.String()
		s, err := train.NewStepper(o.Recipe, w, true, nil) // whoever made o has decided
		if err != nil {
			return nil, m, 0, nil, err
		}
		// The forward pass and the gradients of the input and of the weights
		// take the same number of operations; the image needs no gradient.
		for i, l := range layers {
			passes := 3.0
			if i == 0 {
				passes = 2
			}
			flops += passes * 2 * float64(l.MACs) * float64(o.Batch)
		}
		m.activations = s.PlannedBytes()
		return func() error { return s.Step(images, labels) }, m, flops, func() { _ = s.Close() }, nil
	}
	return nil, m, 0, nil, fmt.Errorf("--mode: must be %s or %s, is %q", Eval, Train, o.Mode)
}

func noise(o Options) (images []float32, labels []int) {
	r := rand.New(rand.NewPCG(1, 2))
	images = make([]float32, o.Batch*3*o.Spec.InputSize*o.Spec.InputSize)
	for i := range images {
		images[i] = 2*r.Float32() - 1
	}
	for range o.Batch {
		labels = append(labels, r.IntN(o.Spec.Classes))
	}
	return images, labels
}

// timeSteps runs one step untimed, then times as many as fit.
func timeSteps(ctx context.Context, step func() error, span time.Duration) ([]time.Duration, error) {
	if err := step(); err != nil {
		return nil, err
	}
	var times []time.Duration
	for begin := time.Now(); time.Since(begin) < span || len(times) < 3; {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		at := time.Now()
		if err := step(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(at))
	}
	return times, nil
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	n := len(times)
	return (times[n/2] + times[(n-1)/2]).Seconds() / 2
}
