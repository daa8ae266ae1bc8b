// Package tfckpt reads TensorFlow's checkpoints, V1 (one table that holds
// all) and V2 (a table as index, and shards of plain data), without
// TensorFlow.
package tfckpt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/inception-go/inception/internal/tfrecord"
	"github.com/inception-go/inception/internal/weights/element"
)

// types are the numbers of tensorflow.DataType that weights have.
var types = map[uint64]element.Type{
	1: element.F32, 2: element.F64, 3: element.I32, 9: element.I64, 14: element.BF16, 19: element.F16,
}

// IndexSuffix ends the name of a V2 checkpoint's index, after its prefix.
const IndexSuffix = ".index"

// Prefix cuts the ending off the name of one of the files of a V2 checkpoint:
// its prefix is what TensorFlow itself takes.
func Prefix(path string) string { return v2File.ReplaceAllString(path, "") }

var v2File = regexp.MustCompile(`\.(index|meta|data-\d{5}-of-\d{5})$`)

// Read returns the tensors of a checkpoint by the name of any of its files or
// its prefix. open returns a file's bytes, which the tensors alias.
func Read(path string, open func(path string) ([]byte, error)) ([]element.Tensor, error) {
	prefix := Prefix(path)
	index, err := open(prefix + IndexSuffix)
	if err != nil {
		file, errV1 := open(path)
		if errV1 != nil {
			return nil, err
		}
		tensors, err := readV1(file)
		if err != nil {
			return nil, fmt.Errorf("TensorFlow V1 checkpoint: %w", err)
		}
		return tensors, nil
	}
	tensors, err := readV2(index, func(shard, shards uint64) ([]byte, error) {
		return open(fmt.Sprintf("%s.data-%05d-of-%05d", prefix, shard, shards))
	})
	if err != nil {
		return nil, fmt.Errorf("TensorFlow V2 checkpoint: %w", err)
	}
	return tensors, nil
}

// fields walks the fields of a protocol buffer. Varints and fixed numbers
// come as number, the rest as bytes, which alias message.
func fields(message []byte, each func(field protowire.Number, number uint64, bytes []byte) error) error {
	for len(message) > 0 {
		field, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		var number uint64
		var bytes []byte
		switch kind {
		case protowire.VarintType:
			number, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			number = uint64(v)
		case protowire.Fixed64Type:
			number, n = protowire.ConsumeFixed64(message)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(field, kind, message)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if err := each(field, number, bytes); err != nil {
			return err
		}
	}
	return nil
}

// shapeOf reads a TensorShapeProto.
func shapeOf(message []byte) ([]int, error) {
	shape := []int{}
	err := fields(message, func(field protowire.Number, _ uint64, dim []byte) error {
		if field != 2 {
			return nil
		}
		size := uint64(0)
		if err := fields(dim, func(field protowire.Number, number uint64, _ []byte) error {
			if field == 1 {
				size = number
			}
			return nil
		}); err != nil {
			return err
		}
		if size > min(1<<40, math.MaxInt) || len(shape) == 32 {
			return errors.New("has an impossible shape")
		}
		shape = append(shape, int(size))
		return nil
	})
	return shape, err
}

// readV2 reads an index of BundleEntryProtos.
func readV2(index []byte, shard func(i, of uint64) ([]byte, error)) ([]element.Tensor, error) {
	var tensors []element.Tensor
	shards := uint64(1)
	opened := map[uint64][]byte{}
	err := table(index, func(key, value []byte) error {
		if len(key) == 0 { // BundleHeaderProto
			return fields(value, func(field protowire.Number, number uint64, _ []byte) error {
				switch {
				case field == 1:
					shards = number
				case field == 2 && number != 0:
					return errors.New("is big-endian, which is not read")
				}
				return nil
			})
		}
		if strings.HasPrefix(string(key), "_CHECKPOINTABLE_OBJECT_GRAPH") {
			return nil
		}
		t, entry, err := parseEntry(string(key), value)
		if err != nil || t.Type == "" {
			return err
		}
		if entry.shard >= shards {
			return fmt.Errorf("tensor %q: lies in shard %d of %d", t.Name, entry.shard, shards)
		}
		if opened[entry.shard] == nil {
			if opened[entry.shard], err = shard(entry.shard, shards); err != nil {
				return err
			}
		}
		if t.Bytes, err = entry.bytes(t, opened[entry.shard]); err != nil {
			return err
		}
		tensors = append(tensors, t)
		return nil
	})
	return tensors, err
}

// entry is where a tensor of a V2 checkpoint lies.
type entry struct {
	shard, offset, size, crc uint64
	sliced                   bool
}

// parseEntry reads a BundleEntryProto. A tensor of another type than numbers
// has no Type.
func parseEntry(name string, message []byte) (t element.Tensor, e entry, err error) {
	t.Name, t.Shape = name, []int{}
	err = fields(message, func(field protowire.Number, number uint64, bytes []byte) (err error) {
		switch field {
		case 1:
			t.Type = types[number]
		case 2:
			t.Shape, err = shapeOf(bytes)
		case 3:
			e.shard = number
		case 4:
			e.offset = number
		case 5:
			e.size = number
		case 6:
			e.crc = number
		case 7:
			e.sliced = true
		}
		return err
	})
	if err == nil && e.sliced {
		err = errors.New("is stored in slices, which slim does not do")
	}
	if err != nil {
		err = fmt.Errorf("tensor %q: %w", name, err)
	}
	return t, e, err
}

// bytes returns a tensor's reader, having checked that it is there.
func (e entry) bytes(t element.Tensor, data []byte) (func() ([]byte, error), error) {
	size, err := element.Bytes(t.Shape, t.Type.Size(), len(data))
	if err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if n := uint64(len(data)); e.size != uint64(size) || e.offset > n || e.size > n-e.offset {
		return nil, fmt.Errorf("tensor %q: %d bytes at %d of a shard of %d: the file is truncated or damaged", t.Name,
			e.size, e.offset, n)
	}
	b := data[e.offset : e.offset+e.size]
	return func() ([]byte, error) {
		if uint32(e.crc) != tfrecord.Sum(b) {
			return nil, errors.New("does not match its checksum: the file is damaged")
		}
		return b, nil
	}, nil
}

// readV1 reads a table of SavedTensorSlices: the first lists all tensors, the
// others hold one each.
func readV1(file []byte) ([]element.Tensor, error) {
	listed := map[string]element.Tensor{}
	var tensors []element.Tensor
	err := table(file, func(key, value []byte) error {
		return fields(value, func(field protowire.Number, _ uint64, bytes []byte) error {
			switch field {
			case 1: // SavedTensorSliceMeta
				return fields(bytes, func(field protowire.Number, _ uint64, bytes []byte) error {
					if field != 1 {
						return nil
					}
					t, err := parseSliceMeta(bytes)
					listed[t.Name] = t
					return err
				})
			case 2: // SavedSlice
				t, err := parseSlice(bytes, listed, len(file))
				if err == nil && t.Type != "" {
					tensors = append(tensors, t)
				}
				return err
			}
			return nil
		})
	})
	return tensors, err
}

// parseSliceMeta reads a SavedSliceMeta.
func parseSliceMeta(message []byte) (t element.Tensor, err error) {
	t.Shape = []int{}
	slices := 0
	err = fields(message, func(field protowire.Number, number uint64, bytes []byte) (err error) {
		switch field {
		case 1:
			t.Name = string(bytes)
		case 2:
			t.Shape, err = shapeOf(bytes)
		case 3:
			t.Type = types[number]
		case 4:
			slices++
		}
		return err
	})
	if err == nil && slices > 1 {
		err = fmt.Errorf("tensor %q: is stored in slices, which slim does not do", t.Name)
	}
	return t, err
}

// parseSlice reads a SavedSlice: a name, a slice and a TensorProto.
func parseSlice(message []byte, listed map[string]element.Tensor, limit int) (element.Tensor, error) {
	var name string
	var data []byte
	if err := fields(message, func(field protowire.Number, _ uint64, bytes []byte) error {
		switch field {
		case 1:
			name = string(bytes)
		case 3:
			data = bytes
		}
		return nil
	}); err != nil {
		return element.Tensor{}, err
	}
	t, ok := listed[name]
	if !ok {
		return t, fmt.Errorf("tensor %q: is not listed", name)
	}
	delete(listed, name)
	if t.Type == "" {
		return t, nil
	}
	// Unpacked blocks may be larger than the file, though not by much.
	size, err := element.Bytes(t.Shape, t.Type.Size(), maxRatio*limit)
	if err != nil {
		return t, fmt.Errorf("tensor %q: %w", name, err)
	}
	t.Bytes = func() ([]byte, error) { return protoValues(data, t.Type, size) }
	return t, nil
}

// protoValues returns the size bytes of a TensorProto's values.
func protoValues(message []byte, kind element.Type, size int) ([]byte, error) {
	var values []byte
	err := fields(message, func(field protowire.Number, number uint64, bytes []byte) error {
		switch {
		case field == 4, // tensor_content
			field == 5 && kind == element.F32, // float_val, packed
			field == 6 && kind == element.F64: // double_val, packed
			if values == nil {
				values = bytes[:len(bytes):len(bytes)] // never append into the file
			} else {
				values = append(values, bytes...)
			}
		case field == 7 && kind == element.I32, field == 10 && kind == element.I64, field == 13:
			if bytes == nil { // not packed
				bytes = protowire.AppendVarint(nil, number)
			}
			for len(bytes) > 0 && len(values) < size {
				v, n := protowire.ConsumeVarint(bytes)
				if n < 0 {
					return protowire.ParseError(n)
				}
				bytes = bytes[n:]
				var b [8]byte
				binary.LittleEndian.PutUint64(b[:], v)
				values = append(values, b[:kind.Size()]...)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(values) != size {
		return nil, fmt.Errorf("has %d bytes of values, its shape takes %d", len(values), size)
	}
	return values, nil
}
