package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/parallel"
)

// LayerResult is how fast one convolution runs, by pass, in GFLOP/s. In int8 there is
// evaluation only.
type LayerResult struct {
	Name     string  `json:"name"`
	Shape    string  `json:"shape"`
	GFLOP    float64 `json:"gflop"` // of one pass over the batch, counted for a direct convolution
	Eval     float64 `json:"eval"`  // with bias and ReLU, by Winograd's transforms where that is faster
	Forward  float64 `json:"forward,omitempty"`
	Data     float64 `json:"backward_data,omitempty"` // the first layer has none
	Weights  float64 `json:"backward_weights,omitempty"`
	Repeated int     `json:"repeated"` // how many layers of the network have this shape
}

// LayersResult is what `bench --layers --json` prints.
type LayersResult struct {
	Precision  string        `json:"precision"`
	ISA        string        `json:"isa"`
	Threads    int           `json:"threads"`
	Batch      int           `json:"batch"`
	PeakGFLOPS float64       `json:"peak_gflops"`
	Layers     []LayerResult `json:"layers"`
	// Means over all layers weighted by work: work over time.
	Eval    float64 `json:"eval"`
	Forward float64 `json:"forward,omitempty"`
	Data    float64 `json:"backward_data,omitempty"`
	Weights float64 `json:"backward_weights,omitempty"`
}

// Layers times every convolution of a network by itself, in evaluation, in
// training's forward pass and both gradients, each until span is over; in int8 in
// evaluation only. Layers of one shape are timed once.
func Layers(
	ctx context.Context, spec model.Spec, batch int, precision model.Precision, span time.Duration,
) (LayersResult, error) {
	r := LayersResult{Precision: precision.String(), ISA: kernel.ISA(), Threads: parallel.Threads(), Batch: batch}
	layers, err := model.Layers(spec)
	if err != nil {
		return r, err
	}
	seen := map[string]int{}
	var eval, forward, data, weights mean
	r.PeakGFLOPS = peakOf(precision)
	for i := 0; i < len(layers); i++ {
		l := &layers[i]
		if l.Op != ops.OpConv {
			continue
		}
		if l.Groups > 1 {
			i++
			l = joined(l, &layers[i])
		}
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		h, w := spec.InputSize, spec.InputSize
		if from := l.Inputs[0]; from >= 0 {
			h, w = layers[from].Output[1], layers[from].Output[2]
		}
		c := convOf(l, batch, h, w)
		at, known := seen[c.String()]
		if !known {
			at = len(r.Layers)
			seen[c.String()] = at
			r.Layers = append(r.Layers, c.time(l.Name, precision, span))
		}
		t := &r.Layers[at]
		t.Repeated++
		eval.add(t.GFLOP, t.Eval)
		forward.add(t.GFLOP, t.Forward)
		data.add(t.GFLOP, t.Data)
		weights.add(t.GFLOP, t.Weights)
	}
	r.Eval, r.Forward, r.Data, r.Weights = eval.rate(), forward.rate(), data.rate(), weights.rate()
	return r, nil
}

// mean is a mean of rates weighted by work: all work over all time.
type mean struct{ work, time float64 }

// add counts work at a rate; there is none where that is 0.
func (m *mean) add(work, rate float64) {
	if rate > 0 {
		m.work += work
		m.time += work / rate
	}
}

func (m *mean) rate() float64 {
	if m.time == 0 {
		return 0
	}
	return m.work / m.time
}

// joined returns the convolution that a depthwise one of images and the
// pointwise one behind it are run as.
func joined(depthwise, pointwise *ops.Layer) *ops.Layer {
	l := *depthwise
	l.Name = l.Whole
	l.Output, l.Groups = pointwise.Output, 1
	weight := ops.NewParam(l.Name, ops.ImageWeight, l.Output[0], 3, l.R, l.S)
	l.Params, l.MACs = []*ops.Param{weight}, int64(weight.Count())*int64(l.Output[1]*l.Output[2])
	return &l
}

// layerConv is a convolution with the sizes of its maps.
type layerConv struct {
	conv   kernel.Conv
	n      int
	h, w   int // of the input
	oh, ow int
	macs   int64
}

// convOf reads the shape of a layer whose input has h x w pixels.
func convOf(l *ops.Layer, batch, h, w int) layerConv {
	shape := l.Params[0].Shape // [K][C][R][S]
	oh, ow := l.Output[1], l.Output[2]
	c := shape[1]
	if c >= kernel.Block { // the input is not the image
		c = ops.Padded(c)
	}
	return layerConv{
		conv: kernel.Conv{C: c, K: ops.Padded(shape[0]), Window: l.Window},
		n:    batch, h: h, w: w, oh: oh, ow: ow, macs: l.MACs,
	}
}

func (c layerConv) String() string {
	s := fmt.Sprintf("%dx%d %d-%d at %dx%d", c.conv.R, c.conv.S, c.conv.C, c.conv.K, c.oh, c.ow)
	if c.conv.StrideH > 1 {
		s += fmt.Sprintf(", stride %d", c.conv.StrideH)
	}
	return s
}

// time measures the passes.
func (c layerConv) time(name string, precision model.Precision, span time.Duration) LayerResult {
	r := LayerResult{Name: name, Shape: c.String(), GFLOP: 2 * float64(c.macs) * float64(c.n) / 1e9}
	p := c.passes()
	switch precision {
	case model.BF16:
		p = c.passesBF16()
	case model.INT8:
		p = layerPasses{eval: c.passInt8()}
	}
	rate := func(pass func()) float64 {
		if pass == nil {
			return 0
		}
		times, _ := timeSteps(context.Background(), func() error { pass(); return nil }, span, nil)
		return r.GFLOP / median(times)
	}
	r.Eval, r.Forward, r.Data, r.Weights = rate(p.eval), rate(p.forward), rate(p.data), rate(p.weights)
	return r
}

// layerPasses are the passes of a convolution; data is nil for images.
type layerPasses struct{ eval, forward, data, weights func() }

func (c layerConv) passes() layerPasses {
	y, bias := randomMap(c.n, c.conv.K, c.oh, c.ow), randomFloats(c.conv.K)
	if c.conv.C < kernel.Block {
		image := kernel.ImageConv{K: c.conv.K, Window: c.conv.Window}
		x, w := randomFloats(c.n*c.conv.C*c.h*c.w), randomFloats(image.WeightLen())
		return layerPasses{
			eval:    func() { image.ForwardBias(y, x, c.n, c.h, c.w, w, bias, true) },
			forward: func() { image.Forward(y, x, c.n, c.h, c.w, w) },
			weights: func() { image.BackwardWeights(w, x, c.n, c.h, c.w, y) },
		}
	}
	x, w := randomMap(c.n, c.conv.C, c.h, c.w), randomFloats(c.conv.WeightLen())
	p := layerPasses{
		eval:    func() { c.conv.ForwardBias(y, x, w, bias, true) },
		forward: func() { c.conv.Forward(y, x, w) },
		data:    func() { c.conv.BackwardData(x, y, w) },
		weights: func() { c.conv.BackwardWeights(w, x, y) },
	}
	if c.conv.HasWinograd(c.n, c.h, c.w) {
		u := randomFloats(c.conv.WinogradLen())
		p.eval = func() { c.conv.ForwardWinograd(y, x, u, bias, true) }
	}
	return p
}

func (c layerConv) passesBF16() layerPasses {
	y, bias := randomBF16(c.n, c.conv.K, c.oh, c.ow), randomFloats(c.conv.K)
	if c.conv.C < kernel.Block {
		image := kernel.ImageConv{K: c.conv.K, Window: c.conv.Window}
		x, w := randomFloats(c.n*c.conv.C*c.h*c.w), randomFloats(image.WeightLen())
		rounded := make([]kernel.BF16, len(w))
		kernel.RoundWeights(rounded, w)
		return layerPasses{
			eval:    func() { image.ForwardBF16(y, x, c.n, c.h, c.w, rounded, bias, true) },
			forward: func() { image.ForwardRounded(y, x, c.n, c.h, c.w, w) },
			weights: func() { image.BackwardWeightsBF16(w, x, c.n, c.h, c.w, y) },
		}
	}
	x, w := randomBF16(c.n, c.conv.C, c.h, c.w), randomFloats(c.conv.WeightLen())
	rounded := make([]kernel.BF16, c.conv.BF16WeightLen())
	c.conv.RoundWeights(rounded, w)
	p := layerPasses{
		eval:    func() { c.conv.ForwardBF16(y, x, rounded, bias, true) },
		forward: func() { c.conv.ForwardRounded(y, x, w) },
		data:    func() { c.conv.BackwardDataBF16(x, y, w) },
		weights: func() { c.conv.BackwardWeightsBF16(w, x, y) },
	}
	if c.conv.HasWinogradBF16(c.n, c.h, c.w) {
		u := make([]kernel.BF16, c.conv.WinogradBF16Len())
		c.conv.WinogradWeightsBF16(u, w)
		p.eval = func() { c.conv.ForwardWinogradBF16(y, x, u, bias, true) }
	}
	return p
}

func randomBF16(n, c, h, w int) kernel.MapBF16 {
	m := kernel.MapOf(make([]kernel.BF16, n*c*h*w), n, c, h, w)
	kernel.RoundMap(m, randomMap(n, c, h, w))
	return m
}

func randomMap(n, c, h, w int) kernel.Map { return kernel.MapOf(randomFloats(n*c*h*w), n, c, h, w) }

func randomFloats(n int) []float32 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]float32, n)
	for i := range x {
		x[i] = 2*r.Float32() - 1
	}
	return x
}
