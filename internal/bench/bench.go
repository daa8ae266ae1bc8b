// Package bench times evaluation and training steps of whole networks and
// compares them with the measured peak of the processor.
package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/inception-go/inception/internal/cluster"
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

	Cluster *cluster.Cluster // the processes that step together, in train; nil for one
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

	Ranks          int     `json:"ranks"`           // each with Batch images; ImagesPerS is of all of them, GFLOPS of one
	CommunicationS float64 `json:"communication_s"` // of a step, mean: while gradients were under way between ranks
	Hidden         float64 `json:"hidden"`          // part of it that lay behind the backward pass
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
		Ranks: o.Cluster.Size(),
	}
	if r.Ranks > 1 && o.Mode != Train {
		return r, fmt.Errorf("--mode: several ranks can be timed in %s only", Train)
	}
	if o.Mode == Train && o.Precision == model.INT8 {
		return r, fmt.Errorf("--precision: %v is for evaluation; training computes in %v or %v", o.Precision, model.FP32,
			model.BF16)
	}
	w, err := weightsOf(o.Spec, o.Precision)
	if err != nil {
		return r, err
	}
	s, err := stepOf(o, w)
	if err != nil {
		return r, err
	}
	defer s.close()
	times, err := timeSteps(ctx, s.step, o.Time, o.Cluster)
	if err != nil {
		return r, err
	}
	r.StepS = median(times)
	r.ImagesPerS = float64(o.Batch*r.Ranks) / r.StepS
	r.GFLOPS = s.flops / r.StepS / 1e9
	r.PeakFraction = r.GFLOPS / r.PeakGFLOPS
	r.PeakRSSMiB = peakRSS()
	r.PlannedMiB, r.WeightsMiB = float64(s.plan)/(1<<20), float64(s.weights)/(1<<20)
	if r.Ranks > 1 {
		c := s.communication()
		r.CommunicationS = c.Busy.Seconds() / float64(c.Updates)
		r.Hidden = 1 - c.Exposed.Seconds()/c.Busy.Seconds()
	}
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

// stepper is what is timed.
type stepper struct {
	step    func() error
	plan    int64   // bytes of activations
	weights int64   // bytes of them, in evaluation
	flops   float64 // of a step
	close   func()

	communication func() train.Communication // of a training
}

// stepOf builds the network of o.
func stepOf(o Options, w *model.Weights) (s stepper, err error) {
	images, labels := noise(o)
	layers, err := model.Layers(o.Spec)
	if err != nil {
		return s, err
	}
	switch o.Mode {
	case Eval:
		net, err := model.Build(o.Spec, w, o.Batch, model.Eval, model.Options{Precision: o.Precision})
		if err != nil {
			return s, err
		}
		net.Refresh()
		weights, activations := net.Memory()
		return stepper{
			step: func() error { return net.Forward(images) }, plan: activations, weights: weights,
			flops: 2 * float64(model.MACs(layers)) * float64(o.Batch), close: func() { _ = net.Close() },
		}, nil
	case Train:
		o.Recipe.Train.BatchSize, o.Recipe.Train.GradAccumSteps = o.Batch, 1
		o.Recipe.Train.Precision = o.Precision.String()
		training, err := train.NewStepper(o.Recipe, w, true, o.Cluster) // whoever made o has decided
		if err != nil {
			return s, err
		}
		s.flops = 2 * float64(model.TrainingMACs(layers)) * float64(o.Batch)
		s.step, s.plan = func() error { return training.Step(images, labels) }, training.PlannedBytes()
		s.close, s.communication = func() { _ = training.Close() }, training.Communication
		return s, nil
	}
	return s, fmt.Errorf("--mode: must be %s or %s, is %q", Eval, Train, o.Mode)
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

// timeSteps runs one step untimed, then times as many as fit. Rank 0 decides for
// all of a cluster how many those are.
func timeSteps(
	ctx context.Context, step func() error, span time.Duration, c *cluster.Cluster,
) (times []time.Duration, err error) {
	if err := step(); err != nil {
		return nil, err
	}
	for begin := time.Now(); ; {
		more := []float32{0}
		if time.Since(begin) < span || len(times) < 3 {
			more[0] = 1
		}
		if err := c.BroadcastFloats(more); err != nil {
			return nil, err
		}
		if more[0] == 0 {
			return times, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		at := time.Now()
		if err := step(); err != nil {
			return nil, err
		}
		times = append(times, time.Since(at))
	}
}

func median(times []time.Duration) float64 {
	slices.Sort(times)
	n := len(times)
	return (times[n/2] + times[(n-1)/2]).Seconds() / 2
}
