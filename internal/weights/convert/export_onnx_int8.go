package convert

import (
	"slices"

	"github.com/inception-go/inception/internal/kernel/simd"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/weights/convert/onnx"
)

// onnxInt8 adds to a graph of float32 operators the pairs of QuantizeLinear and
// DequantizeLinear that say where int8 weights compute in bytes ("QDQ"); a runtime
// makes integer operators of what stands between them. The image's bytes have an
// offset for each colour, which the operators before and after its pair take in.
type onnxInt8 struct {
	*model.Int8
	graph  *onnxGraph
	image  string
	layers []ops.Layer
	scales map[string]float32 // of tensors in bytes
	zero   string             // the constant 0 of a byte
}

func newOnnxInt8(g *onnxGraph, q *model.Int8, image string, layers []ops.Layer) *onnxInt8 {
	i := &onnxInt8{Int8: q, graph: g, image: image, layers: layers, scales: map[string]float32{}}
	i.zero = g.integers("int8.zero", nil, onnx.TensorProto_UINT8, func() any { return []uint8{0} })
	return i
}

// integers makes a constant of integers.
func (g *onnxGraph) integers(name string, shape []int, t onnx.TensorProto_DataType, values func() any) string {
	g.constants = append(g.constants, onnx.Constant{Name: name, Shape: shape, Type: t, Integers: values})
	return name
}

// scalar makes a constant of one float32.
func (g *onnxGraph) scalar(name string, value float32) string {
	return g.constant(name, nil, func() []float32 { return []float32{value} })
}

// inputs returns what a layer reads: bytes if it computes in them or joins some, of
// one scale, and else float32 where there is.
func (q *onnxInt8) inputs(l ops.Layer, tensors []string) []string {
	var scale float32
	switch conv := q.Convs[l.Name]; {
	case l.Op == ops.OpConv && conv == nil:
		return tensors
	case l.Op == ops.OpConv && tensors[0] == q.image:
		return []string{q.imageBytes(l)}
	case l.Op == ops.OpConv:
		scale = q.Scales[q.layers[l.Inputs[0]].Name]
	case l.Op == ops.OpConcat && q.anyBytes(tensors):
		scale = q.Scales[l.Name]
	default:
		return tensors
	}
	inputs := make([]string, len(tensors))
	for i, x := range tensors {
		if inputs[i] = x; q.scales[x] == 0 || l.Op == ops.OpConcat && q.scales[x] != scale {
			inputs[i] = q.pair(x+".for."+l.Name, x, scale)
		}
	}
	return inputs
}

func (q *onnxInt8) anyBytes(tensors []string) bool {
	for _, x := range tensors {
		if q.scales[x] != 0 {
			return true
		}
	}
	return false
}

// output rounds what a layer gives to bytes if it computes in them.
func (q *onnxInt8) output(l ops.Layer, inputs []string, y string) string {
	if model.HasInt8Scale(&l) && (q.Convs[l.Name] != nil || l.Op != ops.OpConv && q.anyBytes(inputs)) {
		y = q.pair(y, y, q.Scales[l.Name])
	}
	return y
}

// pair rounds a tensor to bytes of a scale, and returns the name of their values.
func (q *onnxInt8) pair(name, x string, scale float32) string {
	operands := []string{q.graph.scalar(name+".scale", scale), q.zero}
	bytes := q.graph.node("QuantizeLinear", name+".quantized", append([]string{x}, operands...))
	values := q.graph.node("DequantizeLinear", name+".dequantized", append([]string{bytes}, operands...))
	q.scales[values] = scale
	return values
}

// imageBytes makes bytes of the image, from 0 to 255. If the first convolution pads
// it, they count from what 0 has become, because padding is 0.
func (q *onnxInt8) imageBytes(l ops.Layer) string {
	g := q.graph
	perColour := func(name string, values [3]float32) string {
		return g.constant(name, []int{1, 3, 1, 1}, func() []float32 { return values[:] })
	}
	x := g.node("Mul", "int8.image.scaled", []string{q.image, perColour("int8.image.factors", q.Image.Scale)})
	x = g.node("Add", "int8.image.shifted", []string{x, perColour("int8.image.offsets", q.Image.Offset)})
	x = q.pair("int8.image", x, 1)
	if !padded(l) {
		return x
	}
	var zeros [3]float32
	for colour, zero := range q.zeros() {
		zeros[colour] = float32(zero)
	}
	return g.node("Sub", "int8.image.centred", []string{x, perColour("int8.image.zeros", zeros)})
}

func padded(l ops.Layer) bool { return l.PadH+l.PadW+l.MoreH+l.MoreW > 0 }

// zeros are the bytes that an image's 0 becomes.
func (q *onnxInt8) zeros() (zeros [3]int32) {
	for colour, offset := range q.Image.Offset {
		zeros[colour] = int32(simd.RoundByte(offset))
	}
	return zeros
}

// operands are the weights and the bias of a convolution in bytes.
func (q *onnxInt8) operands(l ops.Layer) []string {
	g, conv, shape := q.graph, q.Convs[l.Name], l.Params[0].Shape
	ofImage := l.Inputs[0] < 0
	scale, bias := float32(1), conv.Bias
	if ofImage && padded(l) {
		bias = q.biasFromZeros(conv, shape)
	}
	if !ofImage {
		scale = q.Scales[q.layers[l.Inputs[0]].Name]
	}
	name := l.Name + ".conv"
	weight := g.integers(name+".weight", shape, onnx.TensorProto_INT8, func() any { return conv.Weights })
	weightScale := g.constant(name+".weight.scale", shape[:1], func() []float32 { return conv.Scale })
	sums := g.integers(name+".bias", shape[:1], onnx.TensorProto_INT32, func() any { return bias })
	sumScale := g.constant(name+".bias.scale", shape[:1], func() []float32 {
		scales := make([]float32, len(conv.Scale))
		for k, s := range conv.Scale {
			scales[k] = float32(float64(scale) * float64(s))
		}
		return scales
	})
	return []string{
		g.node("DequantizeLinear", name+".weight.dequantized", []string{weight, weightScale}, onnxInt("axis", 0)),
		g.node("DequantizeLinear", name+".bias.dequantized", []string{sums, sumScale}, onnxInt("axis", 0)),
	}
}

// biasFromZeros is the bias for bytes that count from the image's zeros.
func (q *onnxInt8) biasFromZeros(conv *model.Int8Conv, shape []int) []int32 {
	taps := shape[2] * shape[3]
	bias, zeros := slices.Clone(conv.Bias), q.zeros()
	for i, w := range conv.Weights {
		bias[i/(shape[1]*taps)] += int32(w) * zeros[i/taps%shape[1]]
	}
	return bias
}
