package weights

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/inception-go/inception/internal/kernel"
	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/weights/container"
	"github.com/inception-go/inception/internal/weights/element"
)

// The endings of a quantised convolution's tensors, after its layer's name.
const (
	int8Weight = ".conv.weight"       // I8, [K][C][R][S]
	int8Scale  = ".conv.weight_scale" // F32, [K]
	int8Bias   = ".conv.bias"         // I32, [K]
)

// int8Scales is what the metadata of quantised weights says of activations.
type int8Scales struct {
	Image  kernel.ByteImage   `json:"image"`
	Scales map[string]float32 `json:"scales"` // by layer
}

// int8State returns the tensors of quantised weights: of each layer in bytes its
// weights, their scales and its bias, of the others what StateDict has, without step
// counters. There are no auxiliary heads.
func int8State(w *model.Weights, m Metadata) (tensors []Tensor) {
	for _, p := range w.Params {
		c := w.Int8.Convs[p.Layer]
		switch {
		case m.NoHead && p.Head:
		case c == nil:
			tensors = append(tensors, Tensor{Name: p.Name, Shape: p.Shape, Values: p.Values()})
		case p.Name == p.Layer+int8Weight:
			k := p.Shape[:1]
			tensors = append(tensors,
				Tensor{Name: p.Name, Shape: p.Shape, Int8s: c.Weights},
				Tensor{Name: p.Layer + int8Scale, Shape: k, Values: c.Scale},
				Tensor{Name: p.Layer + int8Bias, Shape: k, Int32s: c.Bias})
		}
	}
	return tensors
}

// loadInt8 makes quantised weights of an open file. Which layers are in bytes, the
// types of their weights say.
func loadInt8(t *Tensors, m *Metadata) (*model.Weights, error) {
	spec := m.Spec
	if spec.Aux != model.AuxNone {
		return nil, fmt.Errorf("metadata %s: quantised weights have no auxiliary heads, but aux is %s", keySpec, spec.Aux)
	}
	if m.NoHead {
		spec.Classes = headlessClasses
	}
	layers, err := model.Layers(spec)
	if err != nil {
		return nil, err
	}
	bytes, params := t.int8Layers(layers, m.NoHead)
	if err := compare(describe(*m)+", in int8", params, t.shapes(), nil); err != nil {
		return nil, err
	}
	q := &model.Int8{Image: m.scales.Image, Convs: map[string]*model.Int8Conv{}, Scales: m.scales.Scales}
	for _, layer := range bytes {
		if q.Convs[layer], err = t.int8Conv(layer); err != nil {
			return nil, err
		}
	}
	w, err := model.Int8Weights(spec, q)
	if err != nil {
		return nil, err
	}
	for _, p := range w.Params {
		if p.Data == nil || m.NoHead && p.Head {
			continue
		}
		values, err := t.Floats(p.Name)
		if err != nil {
			return nil, err
		}
		if err := p.SetValues(values); err != nil {
			return nil, err
		}
	}
	m.noteNaNs(w)
	return w, nil
}

// int8Layers returns the layers whose weights are bytes, and what tensors the file
// must have.
func (t *Tensors) int8Layers(layers []ops.Layer, noHead bool) (bytes []string, params []*ops.Param) {
	for i := range layers {
		l := &layers[i]
		weight, _ := t.Info(l.Name + int8Weight)
		switch {
		case noHead && l.Head:
		case model.CanInt8(l) && weight.DType == element.I8:
			bytes = append(bytes, l.Name)
			shape := l.Params[0].Shape
			params = append(params, ops.NewParam(l.Name+int8Weight, ops.ConvWeight, shape...),
				ops.NewParam(l.Name+int8Scale, ops.Gamma, shape[0]), ops.NewParam(l.Name+int8Bias, ops.Bias, shape[0]))
		default:
			params = append(params, l.Params...)
		}
	}
	return bytes, params
}

// int8Conv reads a convolution, whose tensors are there.
func (t *Tensors) int8Conv(layer string) (*model.Int8Conv, error) {
	scale, err := t.Floats(layer + int8Scale)
	if err != nil {
		return nil, err
	}
	weight, err := t.raw(layer+int8Weight, element.I8)
	if err != nil {
		return nil, err
	}
	bias, err := t.raw(layer+int8Bias, element.I32)
	if err != nil {
		return nil, err
	}
	c := &model.Int8Conv{Scale: scale, Weights: make([]int8, len(weight)), Bias: make([]int32, len(scale))}
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c.Weights))), len(c.Weights)), weight)
	_, err = binary.Decode(bias, binary.LittleEndian, c.Bias)
	return c, err
}

// raw returns a copy of the bytes of a tensor that must have some type.
func (t *Tensors) raw(name string, want element.Type) (raw []byte, err error) {
	info, _ := t.Info(name)
	if info.DType != want {
		return nil, fmt.Errorf("tensor %q is %s, not %s", name, info.DType, want)
	}
	err = container.Guard(func() error {
		raw = append(raw, t.data[info.begin:info.end]...)
		return nil
	})
	return raw, err
}
