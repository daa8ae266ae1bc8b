// Package onnx holds ONNX's official schema (onnx.proto, of ONNX 1.12, and the
// Go code generated from it) and writes models of it.
package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

//go:generate go run -C _gen .

// Constant is a tensor of a graph, float32 or of integers, whose values are made
// when they are written. Without a shape it is a scalar.
type Constant struct {
	Name     string
	Shape    []int
	Values   func() []float32
	Integers func() any // in place of Values: []int8, []uint8 or []int32, as Type says
	Type     TensorProto_DataType
}

// Write writes a model whose graph has the constants besides its own
// initializers. model itself has no graph. No more than one constant is held in
// memory at a time.
func Write(out io.Writer, model *ModelProto, graph *GraphProto, constants []Constant) error {
	head, err := proto.Marshal(model)
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	body, err := proto.Marshal(graph)
	if err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	size := int64(len(body))
	prefixes := make([][]byte, len(constants))
	for i, c := range constants {
		if prefixes[i], err = c.prefix(); err != nil {
			return fmt.Errorf("onnx: constant %s: %w", c.Name, err)
		}
		size += int64(len(prefixes[i])) + c.bytes()
	}
	if size > math.MaxInt32 {
		return fmt.Errorf("onnx: the model takes %d bytes, a file of the format at most 2 GiB", size)
	}
	head = protowire.AppendTag(head, number(model, "graph"), protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(size))
	for _, piece := range [][]byte{head, body} {
		if _, err := out.Write(piece); err != nil {
			return err
		}
	}
	for i, c := range constants {
		if err := c.write(out, prefixes[i]); err != nil {
			return err
		}
	}
	return nil
}

// prefix returns all that comes before the values: the fields of a message may
// come in any order, so the values come last.
func (c Constant) prefix() ([]byte, error) {
	t := &TensorProto{Name: proto.String(c.Name), DataType: proto.Int32(int32(c.dataType()))}
	for _, d := range c.Shape {
		t.Dims = append(t.Dims, int64(d))
	}
	inner, err := proto.Marshal(t)
	if err != nil {
		return nil, err
	}
	inner = protowire.AppendTag(inner, number(t, "raw_data"), protowire.BytesType)
	inner = protowire.AppendVarint(inner, uint64(c.bytes()))
	outer := protowire.AppendTag(nil, number(&GraphProto{}, "initializer"), protowire.BytesType)
	outer = protowire.AppendVarint(outer, uint64(int64(len(inner))+c.bytes()))
	return append(outer, inner...), nil
}

// dataType returns the type of the values.
func (c Constant) dataType() TensorProto_DataType {
	if c.Integers == nil {
		return TensorProto_FLOAT
	}
	return c.Type
}

// width returns the bytes of a value.
func (c Constant) width() int {
	if t := c.dataType(); t == TensorProto_INT8 || t == TensorProto_UINT8 {
		return 1
	}
	return 4
}

// bytes returns the length of the values.
func (c Constant) bytes() int64 {
	n := int64(c.width())
	for _, d := range c.Shape {
		n *= int64(d)
	}
	return n
}

func (c Constant) write(out io.Writer, prefix []byte) error {
	var values any
	if c.Integers != nil {
		values = c.Integers()
	} else {
		values = c.Values()
	}
	if size := binary.Size(values); int64(size) != c.bytes() {
		return fmt.Errorf("onnx: constant %s: has %d values for shape %v", c.Name, size/c.width(), c.Shape)
	}
	if _, err := out.Write(prefix); err != nil {
		return err
	}
	return binary.Write(out, binary.LittleEndian, values)
}

// number returns the number of a message's field.
func number(m proto.Message, field protoreflect.Name) protowire.Number {
	return m.ProtoReflect().Descriptor().Fields().ByName(field).Number()
}
