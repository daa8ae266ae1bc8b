package bench

import (
	"math"
	"math/rand/v2"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
)

// randomInt8 returns quantised weights of random numbers, whose activations neither
// vanish nor all reach 255. They never were float32, which would show in the memory
// of a process that only times int8.
func randomInt8(spec model.Spec) (*model.Weights, error) {
	layers, err := model.Layers(spec.WithoutAux())
	if err != nil {
		return nil, err
	}
	const scale = 1.0 / 32
	half := [3]float32{127.5, 127.5, 127.5}
	q := &model.Int8{Image: kernel.ByteImage{Scale: half, Offset: half}, Convs: map[string]*model.Int8Conv{},
		Scales: map[string]float32{}}
	r := rand.New(rand.NewPCG(3, 4))
	for i := range layers {
		l := &layers[i]
		if model.HasInt8Scale(l) {
			q.Scales[l.Name] = scale
		}
		if model.CanInt8(l) {
			q.Convs[l.Name] = randomInt8Conv(r, l)
		}
	}
	w, err := model.Int8Weights(spec, q)
	if err != nil {
		return nil, err
	}
	for _, p := range w.Params {
		for i := range p.Data {
			p.Data[i] = 0.01
		}
	}
	return w, nil
}

func randomInt8Conv(r *rand.Rand, l *ops.Layer) *model.Int8Conv {
	const deviation = 73 // of numbers from -127 to 127
	shape := l.Params[0].Shape
	products := shape[1] * shape[2] * shape[3]
	c := &model.Int8Conv{Weights: make([]int8, l.Params[0].Count()), Scale: make([]float32, shape[0]),
		Bias: make([]int32, shape[0])}
	for i := range c.Weights {
		c.Weights[i] = int8(r.IntN(255) - 127)
	}
	for k := range c.Scale {
		c.Scale[k] = float32(math.Sqrt(2/float64(products)) / deviation)
	}
	return c
}

// weightsOf returns random weights to time a precision with.
func weightsOf(spec model.Spec, precision model.Precision) (*model.Weights, error) {
	if precision == model.INT8 {
		return randomInt8(spec)
	}
	return model.NewWeights(spec, 1)
}

// passInt8 returns the pass of evaluation in int8.
func (c layerConv) passInt8() func() {
	y := kernel.MapOf(make([]uint8, c.n*c.conv.K*c.oh*c.ow), c.n, c.conv.K, c.oh, c.ow)
	w := kernel.Int8Weights{Bias: make([]int32, c.conv.K), Scale: make([]float32, c.conv.K)}
	for k := range w.Scale {
		w.Scale[k] = 1e-4
	}
	if c.conv.C < kernel.Block {
		image := kernel.ImageConv{K: c.conv.K, Window: c.conv.Window}
		x, how := randomFloats(c.n*c.conv.C*c.h*c.w), kernel.ByteImage{Scale: [3]float32{127.5, 127.5, 127.5}}
		w.W = make([]int8, image.Int8WeightLen())
		return func() { image.ForwardInt8(y, x, c.n, c.h, c.w, how, w) }
	}
	x := kernel.MapOf(make([]uint8, c.n*c.conv.C*c.h*c.w), c.n, c.conv.C, c.h, c.w)
	w.W = make([]int8, c.conv.Int8WeightLen())
	return func() { c.conv.ForwardInt8(y, x, w) }
}
