package convert

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/inception-go/inception/internal/atomicfile"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
	"github.com/inception-go/inception/internal/weights/convert/onnx"
)

// What ONNX 1.12 and all later tools take.
const (
	onnxIR    = int64(onnx.Version_IR_VERSION)
	onnxOpset = 17
)

// preprocessInside is the key of metadata_props that says that the graph
// begins with the mean and the deviation.
const preprocessInside = "preprocess_inside"

// onnxLacks says what ONNX files of ours cannot do.
func onnxLacks(m weights.Metadata) []string {
	lacks := []string{"resizing and cropping: " + m.Preprocess.Framing()}
	if m.Spec.Aux != model.AuxNone {
		lacks = append(lacks, "the auxiliary head, which only training uses")
	}
	return lacks
}

// exportONNX writes the eval network of w as an ONNX model.
func exportONNX(path string, w *model.Weights, m weights.Metadata, o ExportOptions, in, out Port) error {
	metadata, err := m.Strings()
	if err != nil {
		return err
	}
	if o.WithPreprocess {
		metadata[preprocessInside] = "true"
	}
	head := &onnx.ModelProto{
		IrVersion: proto.Int64(onnxIR), ProducerName: proto.String("inception"), ProducerVersion: proto.String(m.Version),
		OpsetImport: []*onnx.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(onnxOpset)}},
	}
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		head.MetadataProps = append(head.MetadataProps,
			&onnx.StringStringEntryProto{Key: proto.String(key), Value: proto.String(metadata[key])})
	}
	g, err := onnxNetwork(w, m, o, in, out)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(file io.Writer) error { return onnx.Write(file, head, g.proto, g.constants) })
}

// onnxNetwork translates the eval network of w, layer by layer as its graph
// has them.
func onnxNetwork(w *model.Weights, m weights.Metadata, o ExportOptions, in, out Port) (*onnxGraph, error) {
	spec := w.Spec.At(m.Preprocess.Size)
	if w.Int8 != nil && o.KeepBatchNorm {
		return nil, errors.New("--no-fold: quantised weights have batch norm folded in already")
	}
	net, err := model.Build(spec, w, 1, model.Eval, model.Options{Precision: model.Own})
	if err != nil {
		return nil, err
	}
	defer net.Close()
	layers := net.Layers()
	if m.NoHead {
		layers = slices.DeleteFunc(layers, func(l ops.Layer) bool { return l.Head })
	}
	g := &onnxGraph{keepNorm: o.KeepBatchNorm, proto: &onnx.GraphProto{Name: proto.String(spec.Variant),
		Input: []*onnx.ValueInfoProto{in.onnx()}, Output: []*onnx.ValueInfoProto{out.onnx()}}}
	image := in.Name
	if o.WithPreprocess {
		image = g.preprocess(in.Name, m.Preprocess)
	}
	if w.Int8 != nil {
		g.int8 = newOnnxInt8(g, w.Int8, image, layers)
	}
	size := [3]int{3, spec.InputSize, spec.InputSize}
	tensors := make([]string, len(layers)) // that the layers give
	for i, l := range layers {
		inputs, shape := make([]string, len(l.Inputs)), size
		for k, from := range l.Inputs {
			if inputs[k] = image; from >= 0 {
				inputs[k], shape = tensors[from], layers[from].Output
			}
		}
		if !m.NoHead && i == len(layers)-1 {
			l.Name = out.Name
		}
		if g.int8 != nil {
			inputs = g.int8.inputs(l, inputs)
		}
		if tensors[i], err = g.layer(l, inputs, shape); err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.Name, err)
		}
		if g.int8 != nil {
			tensors[i] = g.int8.output(l, inputs, tensors[i])
		}
	}
	if m.NoHead {
		g.node("Flatten", out.Name, tensors[len(tensors)-1:], onnxInt("axis", 1))
	}
	return g, nil
}

// onnxGraph collects the nodes and constants of a model. A node is called as
// the tensor that it gives.
type onnxGraph struct {
	proto     *onnx.GraphProto
	constants []onnx.Constant
	keepNorm  bool // batch norm stays a node of its own
	int8      *onnxInt8
}

func (g *onnxGraph) node(op, name string, inputs []string, attributes ...*onnx.AttributeProto) string {
	g.proto.Node = append(g.proto.Node, &onnx.NodeProto{OpType: proto.String(op), Name: proto.String(name),
		Input: inputs, Output: []string{name}, Attribute: attributes})
	return name
}

func (g *onnxGraph) constant(name string, shape []int, values func() []float32) string {
	g.constants = append(g.constants, onnx.Constant{Name: name, Shape: shape, Values: values})
	return name
}

// param makes a constant of a parameter as it is.
func (g *onnxGraph) param(p *ops.Param) string { return g.constant(p.Name, p.Shape, p.Values) }

// layer adds the nodes of one layer and returns the name of what it gives.
func (g *onnxGraph) layer(l ops.Layer, inputs []string, in [3]int) (string, error) {
	switch l.Op {
	case ops.OpConv:
		return g.conv(l, inputs[0], in), nil
	case ops.OpMaxPool:
		return g.node("MaxPool", l.Name, inputs, onnxWindow(l, in)...), nil
	case ops.OpAvgPool:
		if pads := onnxPads(l, in); l.CeilMode && l.CountIncludePad && (pads[2] > l.PadH || pads[3] > l.PadW) {
			return "", fmt.Errorf("ONNX has no average pool that counts its padding but not what hangs over the edge")
		}
		include := 0
		if l.CountIncludePad {
			include = 1
		}
		window := append(onnxWindow(l, in), onnxInt("count_include_pad", include))
		return g.node("AveragePool", l.Name, inputs, window...), nil
	case ops.OpGlobalAvgPool:
		return g.node("GlobalAveragePool", l.Name, inputs), nil
	case ops.OpConcat:
		return g.node("Concat", l.Name, inputs, onnxInt("axis", 1)), nil
	case ops.OpLinear:
		flat := g.node("Flatten", l.Name+".flatten", inputs, onnxInt("axis", 1))
		operands := []string{flat, g.param(l.Param(ops.LinearWeight)), g.param(l.Param(ops.Bias))}
		return g.node("Gemm", l.Name, operands, onnxInt("transB", 1)), nil
	}
	return "", fmt.Errorf("%q has no translation to ONNX", l.Op)
}

// conv adds a convolution, its batch norm if that is not folded, and its ReLU.
func (g *onnxGraph) conv(l ops.Layer, x string, in [3]int) string {
	weight, bias, beta := l.Params[0], l.Param(ops.Bias), l.Param(ops.Beta)
	name, inputs := l.Name+".conv", []string{x}
	switch {
	case g.int8 != nil && g.int8.Convs[l.Name] != nil:
		inputs = append(inputs, g.int8.operands(l)...)
	case beta == nil || g.keepNorm:
		inputs = append(inputs, g.param(weight))
		if bias != nil {
			inputs = append(inputs, g.param(bias))
		}
	default:
		inputs = append(inputs,
			g.constant(name+".weight", weight.Shape, func() []float32 { w, _ := l.Folded(); return w }),
			g.constant(name+".bias", weight.Shape[:1], func() []float32 { _, b := l.Folded(); return b }))
	}
	y := g.node("Conv", name, inputs, append(onnxWindow(l, in), onnxInt("group", max(1, l.Groups)))...)
	if beta != nil && g.keepNorm {
		y = g.batchNorm(l, y, beta)
	}
	if l.ReLU {
		y = g.node("Relu", l.Name, []string{y})
	}
	return y
}

func (g *onnxGraph) batchNorm(l ops.Layer, x string, beta *ops.Param) string {
	var scale string
	if gamma := l.Param(ops.Gamma); gamma != nil {
		scale = g.param(gamma)
	} else {
		ones := func() []float32 { return slices.Repeat([]float32{1}, beta.Shape[0]) }
		scale = g.constant(l.Name+".bn.weight", beta.Shape, ones)
	}
	return g.node("BatchNormalization", l.Name+".bn",
		[]string{x, scale, g.param(beta), g.param(l.Param(ops.RunningMean)), g.param(l.Param(ops.RunningVar))},
		onnxFloat("epsilon", l.Eps))
}

// preprocess adds (x - 255 mean) / (255 std) for bytes x and returns the name
// of what it gives.
func (g *onnxGraph) preprocess(pixels string, p picture.Preprocess) string {
	perChannel := func(name string, value func(c int) float64) string {
		return g.constant(name, []int{1, 3, 1, 1}, func() []float32 {
			return []float32{float32(value(0)), float32(value(1)), float32(value(2))}
		})
	}
	mean := perChannel("preprocess.mean", func(c int) float64 { return 255 * p.Mean[c] })
	scale := perChannel("preprocess.scale", func(c int) float64 { return 1 / (255 * p.Std[c]) })
	x := g.node("Cast", "preprocess.float", []string{pixels}, onnxInt("to", int(onnx.TensorProto_FLOAT)))
	x = g.node("Sub", "preprocess.centred", []string{x, mean})
	return g.node("Mul", "preprocess", []string{x, scale})
}

// onnxWindow gives the geometry of a convolution or a pool over an input.
func onnxWindow(l ops.Layer, in [3]int) []*onnx.AttributeProto {
	pads := onnxPads(l, in)
	return []*onnx.AttributeProto{
		onnxInts("kernel_shape", []int{l.R, l.S}), onnxInts("strides", []int{l.StrideH, l.StrideW}),
		onnxInts("pads", pads[:]),
	}
}

// onnxPads returns the padding: top, left, bottom, right. The latter two follow
// from the sizes of input and output, so that windows which hang over the edge
// (PyTorch's ceil_mode, TensorFlow's SAME) need no rounding rule of the reader.
func onnxPads(l ops.Layer, in [3]int) [4]int {
	return [4]int{l.PadH, l.PadW,
		max(0, (l.Output[1]-1)*l.StrideH+l.R-in[1]-l.PadH),
		max(0, (l.Output[2]-1)*l.StrideW+l.S-in[2]-l.PadW)}
}

func onnxInt(name string, value int) *onnx.AttributeProto {
	return &onnx.AttributeProto{
		Name: proto.String(name), Type: onnx.AttributeProto_INT.Enum(), I: proto.Int64(int64(value)),
	}
}

func onnxFloat(name string, value float32) *onnx.AttributeProto {
	return &onnx.AttributeProto{Name: proto.String(name), Type: onnx.AttributeProto_FLOAT.Enum(), F: proto.Float32(value)}
}

func onnxInts(name string, values []int) *onnx.AttributeProto {
	a := &onnx.AttributeProto{Name: proto.String(name), Type: onnx.AttributeProto_INTS.Enum()}
	for _, v := range values {
		a.Ints = append(a.Ints, int64(v))
	}
	return a
}

// onnx returns the port as the schema has it; only the batch's size is left
// open.
func (p Port) onnx() *onnx.ValueInfoProto {
	elem := onnx.TensorProto_FLOAT
	if p.Type == "uint8" {
		elem = onnx.TensorProto_UINT8
	}
	shape := &onnx.TensorShapeProto{}
	for _, d := range p.Shape {
		dim := &onnx.TensorShapeProto_Dimension{Value: &onnx.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}}
		if d == AnyBatch {
			dim.Value = &onnx.TensorShapeProto_Dimension_DimParam{DimParam: "N"}
		}
		shape.Dim = append(shape.Dim, dim)
	}
	tensor := &onnx.TypeProto_Tensor{ElemType: proto.Int32(int32(elem)), Shape: shape}
	return &onnx.ValueInfoProto{
		Name: proto.String(p.Name), DocString: proto.String(p.About),
		Type: &onnx.TypeProto{Value: &onnx.TypeProto_TensorType{TensorType: tensor}},
	}
}
