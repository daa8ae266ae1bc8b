package onnx

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

func constant(name string, values []float32, shape ...int) Constant {
	return Constant{Name: name, Shape: shape, Values: func() []float32 { return values }}
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	model := &ModelProto{IrVersion: proto.Int64(8), ProducerName: proto.String("test")}
	node := &NodeProto{OpType: proto.String("Relu"), Output: []string{"y"}}
	graph := &GraphProto{Name: proto.String("g"), Node: []*NodeProto{node}}
	var b bytes.Buffer
	err := Write(&b, model, graph, []Constant{constant("a", []float32{1, -2, 3, 0.5}, 2, 2),
		constant("scalar", []float32{7}), constant("empty", nil, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var got ModelProto
	if err := proto.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := proto.Clone(model).(*ModelProto)
	want.Graph = proto.Clone(graph).(*GraphProto)
	float := proto.Int32(int32(TensorProto_FLOAT))
	want.Graph.Initializer = []*TensorProto{
		{Name: proto.String("a"), Dims: []int64{2, 2}, DataType: float,
			RawData: []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0x40, 0x40, 0, 0, 0, 0x3f}},
		{Name: proto.String("scalar"), DataType: float, RawData: []byte{0, 0, 0xe0, 0x40}},
		{Name: proto.String("empty"), Dims: []int64{0}, DataType: float, RawData: []byte{}},
	}
	if !proto.Equal(&got, want) {
		t.Errorf("got %v, want %v", &got, want)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, c := range []struct {
		what      string
		constants []Constant
		says      string
	}{
		{"values that are not of the shape", []Constant{constant("a", []float32{1, 2}, 3)},
			"constant a: has 2 values for shape [3]"},
		{"more than the format holds", []Constant{constant("a", nil, 1<<15, 1<<15)}, "at most 2 GiB"},
	} {
		if err := Write(io.Discard, &ModelProto{}, &GraphProto{}, c.constants); err == nil ||
			!strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	full := errors.New("disk full")
	if err := Write(failing{full}, &ModelProto{}, &GraphProto{}, nil); !errors.Is(err, full) {
		t.Errorf("a writer that fails: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
