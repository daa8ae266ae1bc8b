package container

import (
	"errors"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

var errONNX = errors.New("is an ONNX model, which inception writes and checks but does not read; name what it was " +
	"made from: a .safetensors file, a run folder, or for import a .pth or Keras file")

// The fields of ONNX's ModelProto that stand before its weights.
const (
	onnxVersion, onnxProducer, onnxProducerVersion, onnxDomain = 1, 2, 3, 4
	onnxModelVersion, onnxDoc, onnxGraph, onnxOpset            = 5, 6, 7, 8
)

// isONNX reports whether a file of a size that begins with head is an ONNX model.
// Protocol buffers have no signature: its fields must be those of a model as far as
// the graph or the operators' version, or the file's name must say what it is.
func isONNX(path string, head []byte, size int64) bool {
	if len(head) < 9 || head[0] != onnxVersion<<3 || head[8] == '{' { // with which safetensors go on
		return false
	}
	if strings.EqualFold(filepath.Ext(path), ".onnx") {
		return true
	}
	for rest := head; ; {
		field, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return false
		}
		rest = rest[n:]
		switch {
		case kind == protowire.VarintType && (field == onnxVersion || field == onnxModelVersion):
			_, n = protowire.ConsumeVarint(rest)
		case kind != protowire.BytesType:
			return false
		case field == onnxGraph || field == onnxOpset:
			length, n := protowire.ConsumeVarint(rest)
			left := size - int64(len(head)-len(rest)+n)
			return n > 0 && length > 0 && left > 0 && length <= uint64(left)
		case field == onnxProducer || field == onnxProducerVersion || field == onnxDomain || field == onnxDoc:
			var text []byte
			if text, n = protowire.ConsumeBytes(rest); !utf8.Valid(text) {
				return false
			}
		default:
			return false
		}
		if n < 0 {
			return false
		}
		rest = rest[n:]
	}
}
