package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/inception-go/inception/internal/weights/convert/onnx"
	"google.golang.org/protobuf/proto"
)

// readONNX reads a model file by the schema.
func readONNX(t *testing.T, path string) *onnx.ModelProto {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var m onnx.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	return &m
}

// array is a tensor of float64 for runONNX.
type array struct {
	shape []int
	data  []float64
}

func newArray(shape ...int) array {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return array{shape, make([]float64, n)}
}

func (a array) at(n, c, y, x int) *float64 {
	return &a.data[((n*a.shape[1]+c)*a.shape[2]+y)*a.shape[3]+x]
}

// floatsOf returns the values of an initializer.
func floatsOf(t *onnx.TensorProto) []float32 {
	values := make([]float32, len(t.GetRawData())/4)
	for i := range values {
		values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.GetRawData()[4*i:]))
	}
	return values
}

// valuesOf returns the values of an initializer of any type.
func valuesOf(t *onnx.TensorProto) (values []float64) {
	raw := t.GetRawData()
	switch onnx.TensorProto_DataType(t.GetDataType()) {
	case onnx.TensorProto_INT8:
		for _, v := range raw {
			values = append(values, float64(int8(v)))
		}
	case onnx.TensorProto_UINT8:
		for _, v := range raw {
			values = append(values, float64(v))
		}
	case onnx.TensorProto_INT32:
		for ; len(raw) > 0; raw = raw[4:] {
			values = append(values, float64(int32(binary.LittleEndian.Uint32(raw))))
		}
	default:
		for _, v := range floatsOf(t) {
			values = append(values, float64(v))
		}
	}
	return values
}

// runONNX computes a model's only output from its only input as ONNX's
// Operators.md defines every operator, with nothing of the kernels.
func runONNX(m *onnx.ModelProto, input array) (out array, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	g := m.GetGraph()
	known := map[string]array{g.GetInput()[0].GetName(): input}
	for _, c := range g.GetInitializer() {
		a := array{}
		for _, d := range c.GetDims() {
			a.shape = append(a.shape, int(d))
		}
		a.data = valuesOf(c)
		known[c.GetName()] = a
	}
	for _, n := range g.GetNode() {
		var in []array
		for _, name := range n.GetInput() {
			a, ok := known[name]
			if !ok {
				return array{}, fmt.Errorf("%s reads %s, which nothing has made", n.GetName(), name)
			}
			in = append(in, a)
		}
		known[n.GetOutput()[0]] = runNode(n, in)
	}
	out, ok := known[g.GetOutput()[0].GetName()]
	if !ok {
		return array{}, fmt.Errorf("nothing has made the output %s", g.GetOutput()[0].GetName())
	}
	return out, nil
}

func runNode(n *onnx.NodeProto, in []array) array {
	a := attributesOf(n)
	x := in[0]
	switch n.GetOpType() {
	case "Conv":
		return runConv(a, in)
	case "MaxPool":
		return runPool(a, x, func(values []float64, _ int) float64 {
			most := math.Inf(-1)
			for _, v := range values {
				most = math.Max(most, v)
			}
			return most
		})
	case "AveragePool":
		return runPool(a, x, func(values []float64, area int) float64 {
			if a["count_include_pad"][0] == 0 {
				area = len(values)
			}
			return sum(values) / float64(area)
		})
	case "GlobalAveragePool":
		plane := x.shape[2] * x.shape[3]
		y := newArray(x.shape[0], x.shape[1], 1, 1)
		for i := range y.data {
			y.data[i] = sum(x.data[i*plane:(i+1)*plane]) / float64(plane)
		}
		return y
	case "QuantizeLinear", "DequantizeLinear":
		y := newArray(x.shape...)
		per := len(x.data) / len(in[1].data) // the axis is the first if there are several scales
		for i, v := range x.data {
			scale := in[1].data[i/per]
			if y.data[i] = v * scale; n.GetOpType() == "QuantizeLinear" {
				y.data[i] = math.Min(255, math.Max(0, math.RoundToEven(v/scale)))
			}
		}
		return y
	case "Relu":
		y := newArray(x.shape...)
		for i, v := range x.data {
			y.data[i] = math.Max(0, v)
		}
		return y
	case "Concat":
		return runConcat(in)
	case "BatchNormalization":
		return perChannel(x, func(c int, v float64) float64 {
			return (v-in[3].data[c])/math.Sqrt(in[4].data[c]+a["epsilon"][0])*in[1].data[c] + in[2].data[c]
		})
	case "Cast":
		return x
	case "Sub":
		return perChannel(x, func(c int, v float64) float64 { return v - in[1].data[c] })
	case "Add":
		return perChannel(x, func(c int, v float64) float64 { return v + in[1].data[c] })
	case "Mul":
		return perChannel(x, func(c int, v float64) float64 { return v * in[1].data[c] })
	case "Flatten":
		return array{[]int{x.shape[0], len(x.data) / x.shape[0]}, x.data}
	case "Gemm":
		w, c := in[1], x.shape[1]
		y := newArray(x.shape[0], w.shape[0])
		for i := range y.data {
			row, k := i/w.shape[0], i%w.shape[0]
			y.data[i] = in[2].data[k]
			for j := range c {
				y.data[i] += x.data[row*c+j] * w.data[k*c+j]
			}
		}
		return y
	}
	panic("no such operator: " + n.GetOpType())
}

// attributesOf returns a node's attributes as lists of numbers.
func attributesOf(n *onnx.NodeProto) map[string][]float64 {
	all := map[string][]float64{}
	for _, a := range n.GetAttribute() {
		switch a.GetType() {
		case onnx.AttributeProto_INT:
			all[a.GetName()] = []float64{float64(a.GetI())}
		case onnx.AttributeProto_FLOAT:
			all[a.GetName()] = []float64{float64(a.GetF())}
		case onnx.AttributeProto_INTS:
			for _, v := range a.GetInts() {
				all[a.GetName()] = append(all[a.GetName()], float64(v))
			}
		}
	}
	return all
}

// slide calls each with every place of a window over x: the output's y and x,
// and the input's first row and column, which may lie outside.
func slide(a map[string][]float64, x array, each func(oy, ox, y, x int)) (h, w int) {
	k, s, p := a["kernel_shape"], a["strides"], a["pads"]
	h = int((float64(x.shape[2])+p[0]+p[2]-k[0])/s[0]) + 1
	w = int((float64(x.shape[3])+p[1]+p[3]-k[1])/s[1]) + 1
	for oy := range h {
		for ox := range w {
			each(oy, ox, oy*int(s[0])-int(p[0]), ox*int(s[1])-int(p[1]))
		}
	}
	return h, w
}

func runConv(a map[string][]float64, in []array) array {
	x, w := in[0], in[1]
	h, width := slide(a, x, func(int, int, int, int) {})
	y := newArray(x.shape[0], w.shape[0], h, width)
	perGroup := w.shape[0] / int(a["group"][0])
	for n := range x.shape[0] {
		for k := range w.shape[0] {
			from := k / perGroup * w.shape[1]
			slide(a, x, func(oy, ox, top, left int) {
				total := 0.0
				if len(in) == 3 {
					total = in[2].data[k]
				}
				for c := range w.shape[1] {
					for r := max(0, -top); r < min(w.shape[2], x.shape[2]-top); r++ {
						for s := max(0, -left); s < min(w.shape[3], x.shape[3]-left); s++ {
							total += *x.at(n, from+c, top+r, left+s) * *w.at(k, c, r, s)
						}
					}
				}
				*y.at(n, k, oy, ox) = total
			})
		}
	}
	return y
}

// runPool reduces the values inside every window, of whose area the padding is
// part.
func runPool(a map[string][]float64, x array, reduce func(inside []float64, area int) float64) array {
	h, w := slide(a, x, func(int, int, int, int) {})
	y := newArray(x.shape[0], x.shape[1], h, w)
	kh, kw := int(a["kernel_shape"][0]), int(a["kernel_shape"][1])
	for n := range x.shape[0] {
		for c := range x.shape[1] {
			slide(a, x, func(oy, ox, top, left int) {
				var inside []float64
				for r := max(0, top); r < min(top+kh, x.shape[2]); r++ {
					for s := max(0, left); s < min(left+kw, x.shape[3]); s++ {
						inside = append(inside, *x.at(n, c, r, s))
					}
				}
				*y.at(n, c, oy, ox) = reduce(inside, kh*kw)
			})
		}
	}
	return y
}

func runConcat(in []array) array {
	shape := append([]int{}, in[0].shape...)
	shape[1] = 0
	for _, x := range in {
		shape[1] += x.shape[1]
	}
	y := newArray(shape...)
	y.data = y.data[:0]
	for n := range shape[0] {
		for _, x := range in {
			per := len(x.data) / shape[0]
			y.data = append(y.data, x.data[n*per:(n+1)*per]...)
		}
	}
	return y
}

// perChannel applies f to every value of x.
func perChannel(x array, f func(c int, v float64) float64) array {
	y := newArray(x.shape...)
	plane := x.shape[2] * x.shape[3]
	for i, v := range x.data {
		y.data[i] = f(i/plane%x.shape[1], v)
	}
	return y
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}
