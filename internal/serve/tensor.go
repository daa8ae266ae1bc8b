package serve

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/inception-go/inception/internal/evaluate"
)

// headerLength is the header that says where the JSON ends and binary tensors
// begin.
const headerLength = "Inference-Header-Content-Length"

// inputTensor is an input of a request. Its values stand in Data or, if
// Parameters say so, behind the JSON.
type inputTensor struct {
	Name       string          `json:"name"`
	Datatype   string          `json:"datatype"`
	Shape      dims            `json:"shape"`
	Parameters parameters      `json:"parameters"`
	Data       json.RawMessage `json:"data"`

	binary []byte
}

// split returns the JSON of a request's body and what lies behind it.
func split(length string, body []byte) (text, binary []byte, err error) {
	if length == "" {
		return body, nil, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(body) {
		return nil, nil, bad("%s: must be from 0 to the body's %d bytes, is %q", headerLength, len(body), length)
	}
	return body[:n], body[n:], nil
}

// cut takes the tensor's values off what lies behind the JSON, if they are there.
func (t *inputTensor) cut(behind []byte) (rest []byte, err error) {
	size := t.Parameters.BinarySize
	if size == nil {
		return behind, nil
	}
	if len(t.Data) > 0 {
		return nil, bad("%s: has data in JSON and binary data", t.Name)
	}
	if *size < 0 || *size > int64(len(behind)) {
		return nil, bad("%s: binary_data_size is %d, there are %d bytes", t.Name, *size, len(behind))
	}
	t.binary = behind[:*size]
	return behind[*size:], nil
}

// floats returns the n values of an FP32 tensor.
func (t *inputTensor) floats(n int) ([]float32, error) {
	if t.Parameters.BinarySize != nil {
		if len(t.binary) != 4*n {
			return nil, bad("%s: has %d bytes, shape %v needs %d", t.Name, len(t.binary), t.Shape, 4*n)
		}
		values := make([]float32, n)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.binary[4*i:]))
		}
		if err := evaluate.CheckInput(values); err != nil {
			return nil, bad("%s: %w", t.Name, err)
		}
		return values, nil
	}
	return flatten(t, n, readFloat)
}

// texts returns the n values of a BYTES tensor, which JSON has in base64.
func (t *inputTensor) texts(n int) (all [][]byte, err error) {
	if t.Parameters.BinarySize == nil {
		return flatten(t, n, readBytes)
	}
	left := t.binary
	for range n {
		if len(left) < 4 {
			return nil, bad("%s: ends before its %d texts", t.Name, n)
		}
		size := binary.LittleEndian.Uint32(left)
		if left = left[4:]; uint64(size) > uint64(len(left)) {
			return nil, bad("%s: a text claims %d bytes, there are %d", t.Name, size, len(left))
		}
		all, left = append(all, left[:size]), left[size:]
	}
	if len(left) > 0 {
		return nil, bad("%s: %d bytes are left behind its %d texts", t.Name, len(left), n)
	}
	return all, nil
}

// flatten reads the n values of one list or of nested ones. Data is JSON without
// errors, because it is a part of what has been read as such.
func flatten[T any](t *inputTensor, n int, read func(text []byte) (T, error)) ([]T, error) {
	if len(t.Data) == 0 || t.Data[0] != '[' {
		return nil, bad("%s: needs data, a list", t.Name)
	}
	values := make([]T, 0, min(n, len(t.Data)/2)) // a value takes a sign and a comma at least
	for at := 0; at < len(t.Data); {
		if bytes.IndexByte([]byte("[], \t\r\n"), t.Data[at]) >= 0 {
			at++
			continue
		}
		end := at + endOfValue(t.Data[at:])
		if len(values) == n {
			return nil, bad("%s: has more values than shape %v", t.Name, t.Shape)
		}
		v, err := read(t.Data[at:end])
		if err != nil {
			return nil, bad("%s: value %d: %w", t.Name, len(values), err)
		}
		values, at = append(values, v), end
	}
	if len(values) != n {
		return nil, bad("%s: has %d values, shape %v needs %d", t.Name, len(values), t.Shape, n)
	}
	return values, nil
}

// endOfValue returns the length of the number, text or word that data begins with.
func endOfValue(data []byte) int {
	if data[0] != '"' {
		if end := bytes.IndexAny(data, "[], \t\r\n"); end >= 0 {
			return max(end, 1)
		}
		return len(data)
	}
	for i := 1; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

func readFloat(text []byte) (float32, error) {
	v, err := strconv.ParseFloat(string(text), 32)
	if err != nil || v-v != 0 {
		return 0, fmt.Errorf("%.20q is not a number of 32 bits", text)
	}
	return float32(v), nil
}

func readBytes(text []byte) (data []byte, err error) {
	err = json.Unmarshal(text, &data)
	if err != nil || data == nil {
		return nil, fmt.Errorf("%.20q is not base64", text)
	}
	return data, nil
}

// atMost reads a list of at most so many values without taking memory for more.
func atMost[T any](data []byte, most int) (all []T, err error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if token, err := d.Token(); err != nil || token != json.Delim('[') {
		if token == nil && err == nil { // null
			return nil, nil
		}
		return nil, errors.New("must be a list")
	}
	for d.More() {
		if len(all) == most {
			return nil, fmt.Errorf("must be %d at most", most)
		}
		var v T
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// dims is a tensor's shape.
type dims []int

// UnmarshalJSON reads a list of a few sizes.
func (s *dims) UnmarshalJSON(data []byte) error {
	const most = 8
	all, err := atMost[int](data, most)
	if err != nil {
		return fmt.Errorf("shape: %w", err)
	}
	*s = all
	return nil
}

// appendBinary writes values as binary tensors have them.
func appendBinary(to *bytes.Buffer, values any) {
	switch values := values.(type) {
	case []float32:
		to.Grow(4 * len(values))
		for _, v := range values {
			to.Write(binary.LittleEndian.AppendUint32(to.AvailableBuffer(), math.Float32bits(v)))
		}
	case []string:
		for _, v := range values {
			to.Write(binary.LittleEndian.AppendUint32(to.AvailableBuffer(), uint32(len(v))))
			to.WriteString(v)
		}
	}
}
