package ops

import (
	"fmt"
	"sync"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
)

// Int8 is what the layers of a network in bytes need beside its structure. An
// activation's byte v stands for v times its scale.
type Int8 struct {
	Image  kernel.ByteImage     // how images become bytes
	Convs  map[string]*Int8Conv // by layer; convolutions without one compute in float32
	Scales map[string]float32   // by layer, of its result
}

// Int8Conv is a convolution in bytes. Batch norm lies in its weights and bias.
type Int8Conv struct {
	Weights []int8    // [K][C][R][S], in units of Scale
	Scale   []float32 // of each output channel
	Bias    []int32   // likewise, in units of the input's scale times Scale

	once  sync.Once
	ready kernel.Int8Weights
}

// Check returns what is wrong with the convolution of a layer.
func (c *Int8Conv) Check(l *Layer) error {
	weight := l.Params[0]
	k := weight.Shape[0]
	if len(c.Weights) != weight.Count() || len(c.Scale) != k || len(c.Bias) != k {
		return fmt.Errorf("%d weights, %d scales and %d biases for shape %v",
			len(c.Weights), len(c.Scale), len(c.Bias), weight.Shape)
	}
	for i, scale := range c.Scale {
		if err := CheckInt8Scale(scale); err != nil {
			return fmt.Errorf("scale of output channel %d: %w", i, err)
		}
		if b := c.Bias[i]; b < -kernel.MaxInt8Bias || b > kernel.MaxInt8Bias {
			return fmt.Errorf("bias of output channel %d is %d; the limit is %d", i, b, kernel.MaxInt8Bias)
		}
	}
	return nil
}

// CheckInt8Scale returns an error for a scale that no quantisation makes. Products
// and quotients of three others are finite and not zero.
func CheckInt8Scale(scale float32) error {
	const least, most = 1e-12, 1e12
	if !(scale >= least && scale <= most) {
		return fmt.Errorf("must be from %g to %g, is %g", least, most, scale)
	}
	return nil
}

// Conv is a convolution with bias and ReLU, of an image or an activation. One that
// has no weights in bytes computes in float32 with those of float32.
func (q *Int8) Conv(x *gorgonia.Node, folds *Folds, bias *Param, norm Norm, l Layer) (*gorgonia.Node, error) {
	conv, weight := q.Convs[l.Name], l.Params[0]
	if conv == nil {
		x, err := q.floats(x)
		if err != nil {
			return nil, err
		}
		return FoldedConv(l.Name, x, folds, weight, bias, norm, l.Window, FP32, l)
	}
	o := &op{name: l.Name + ": int8 convolution + bias + relu", layers: []Layer{l}, int8: true}
	if weight.Kind == ImageWeight {
		return q.imageConv(o, conv, x, l)
	}
	x, err := q.bytes(x, 0)
	if err != nil {
		return nil, err
	}
	c, result, err := convShape(l.Name, x, weight.Shape[0], l.Window)
	if err != nil {
		return nil, err
	}
	o.result, o.memory = q.result(result, l.Name), c.Int8WeightLen()
	o.forward = func(in []gorgonia.Value) error {
		c.ForwardInt8(result.asInt8(), int8Of(in[0]), conv.weights(resultOf(x).scale, result.scale, func() []int8 {
			packed := make([]int8, c.Int8WeightLen())
			c.PackInt8(packed, conv.Weights, weight.Shape[0], weight.Shape[1])
			return packed
		}))
		return nil
	}
	return o.apply(x)
}

func (q *Int8) imageConv(o *op, conv *Int8Conv, image *gorgonia.Node, l Layer) (*gorgonia.Node, error) {
	k := l.Params[0].Shape[0]
	c, result, err := imageConvShape(l.Name, image, k, l.Window)
	if err != nil {
		return nil, err
	}
	o.result, o.memory = q.result(result, l.Name), c.Int8WeightLen()
	s := image.Shape()
	o.forward = func(in []gorgonia.Value) error {
		w := conv.weights(1, result.scale, func() []int8 {
			packed := make([]int8, c.Int8WeightLen())
			c.PackImageInt8(packed, conv.Weights, k)
			return packed
		})
		c.ForwardInt8(result.asInt8(), sliceOf(in[0]), s[0], s[2], s[3], q.Image, w)
		return nil
	}
	return o.apply(image)
}

// weights returns what the kernels take, which all networks share.
func (c *Int8Conv) weights(in, out float32, pack func() []int8) kernel.Int8Weights {
	c.once.Do(func() {
		padded := Padded(len(c.Bias))
		c.ready = kernel.Int8Weights{W: pack(), Bias: make([]int32, padded), Scale: make([]float32, padded)}
		copy(c.ready.Bias, c.Bias)
		for k, scale := range c.Scale {
			c.ready.Scale[k] = Multiplier(in, scale, out)
		}
	})
	return c.ready
}

// Multiplier is the factor from a sum of products, in units of the scales of input
// and weights, to a byte of the output.
func Multiplier(in, weights, out float32) float32 {
	return float32(float64(in) * float64(weights) / float64(out))
}

// MaxPool is the pool of bytes or floats.
func (q *Int8) MaxPool(x *gorgonia.Node, p kernel.Pool, l Layer) (*gorgonia.Node, error) {
	if precisionOf(x) != INT8 {
		return MaxPool(l.Name, x, p, l)
	}
	return q.pool(x, p, l, p.MaxForwardInt8)
}

// AvgPool is the pool of bytes or floats.
func (q *Int8) AvgPool(x *gorgonia.Node, p kernel.Pool, l Layer) (*gorgonia.Node, error) {
	if precisionOf(x) != INT8 {
		return AvgPool(l.Name, x, p, l)
	}
	return q.pool(x, p, l, p.AvgForwardInt8)
}

func (q *Int8) pool(x *gorgonia.Node, p kernel.Pool, l Layer, run func(y, x kernel.MapInt8, factor float32)) (
	*gorgonia.Node, error) {
	result, err := poolShape(l.Name, x, p)
	if err != nil {
		return nil, err
	}
	o := &op{name: l.Name + ": int8 pool", result: q.result(result, l.Name), layers: []Layer{l}, int8: true}
	o.forward = func(in []gorgonia.Value) error {
		run(result.asInt8(), int8Of(in[0]), Multiplier(resultOf(x).scale, 1, result.scale))
		return nil
	}
	return o.apply(x)
}

// GlobalAvgPool averages every channel's whole plane, of bytes or floats, to float32.
func (q *Int8) GlobalAvgPool(x *gorgonia.Node, l Layer) (*gorgonia.Node, error) {
	if precisionOf(x) != INT8 {
		return GlobalAvgPool(l.Name, x, l)
	}
	o := &op{name: l.Name + ": int8 global average pool", result: newMapResult(x.Shape()[0], ChannelsOf(x), 1, 1),
		layers: []Layer{l}, int8: true}
	o.forward = func(in []gorgonia.Value) error {
		kernel.GlobalAvgForwardInt8(o.result.asMap(), int8Of(in[0]), resultOf(x).scale)
		return nil
	}
	return o.apply(x)
}

// Concat joins branches along the channels: in bytes of one scale, unless all are
// float32.
func (q *Int8) Concat(xs gorgonia.Nodes, l Layer) (*gorgonia.Node, error) {
	floats := true
	for _, x := range xs {
		floats = floats && precisionOf(x) == FP32
	}
	if floats {
		return Concat(l.Name, xs, l)
	}
	branches := make(gorgonia.Nodes, len(xs))
	for i, x := range xs {
		var err error
		if branches[i], err = q.bytes(x, q.Scales[l.Name]); err != nil {
			return nil, err
		}
	}
	return Concat(l.Name, branches, l)
}

// Observe makes each run of a float32 graph show the result of every activation's
// layer as soon as it is there; with nil no more.
func Observe(g *gorgonia.ExprGraph, see func(layer string, m kernel.Map)) {
	for _, n := range g.AllNodes() {
		if o, ok := n.Op().(*op); ok && len(o.layers) > 0 && o.result.shape.Dims() == 5 {
			layer := o.layers[len(o.layers)-1].Name
			if o.after = nil; see != nil {
				o.after = func() { see(layer, o.result.asMap()) }
			}
		}
	}
}

// result makes a result of bytes with the scale of its layer.
func (q *Int8) result(r *Result, layer string) *Result {
	r.precision, r.scale = INT8, q.Scales[layer]
	return r
}

// bytes returns x in bytes of a scale, which is x's own or its layer's if it is 0.
func (q *Int8) bytes(x *gorgonia.Node, scale float32) (*gorgonia.Node, error) {
	from := resultOf(x)
	if scale == 0 {
		if scale = from.scale; from.precision != INT8 {
			layers := x.Op().(*op).layers
			scale = q.Scales[layers[len(layers)-1].Name]
		}
	}
	if from.precision == INT8 && from.scale == scale {
		return x, nil
	}
	o := &op{name: nameOf(x) + ": to int8", result: like(x), int8: true}
	o.result.precision, o.result.scale = INT8, scale
	o.forward = func(in []gorgonia.Value) error {
		if from.precision == INT8 {
			kernel.Rescale(o.result.asInt8(), int8Of(in[0]), Multiplier(from.scale, 1, scale))
		} else {
			kernel.Quantise(o.result.asInt8(), mapOf(in[0]), 1/scale)
		}
		return nil
	}
	return o.apply(x)
}

// floats returns x in float32; images are.
func (q *Int8) floats(x *gorgonia.Node) (*gorgonia.Node, error) {
	if precisionOf(x) != INT8 {
		return x, nil
	}
	o := &op{name: nameOf(x) + ": to float32", result: like(x), int8: true}
	o.result.precision = FP32
	o.forward = func(in []gorgonia.Value) error {
		kernel.Dequantise(o.result.asMap(), int8Of(in[0]), resultOf(x).scale)
		return nil
	}
	return o.apply(x)
}

// sameScale returns an error unless branches of bytes have one scale.
func sameScale(name string, xs gorgonia.Nodes) error {
	for _, x := range xs {
		if precisionOf(x) == INT8 && resultOf(x).scale != resultOf(xs[0]).scale {
			return fmt.Errorf("%s: branches with scales %g and %g cannot be joined", name,
				resultOf(xs[0]).scale, resultOf(x).scale)
		}
	}
	return nil
}
