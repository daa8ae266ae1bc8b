package ops

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel"
	"gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Result is the memory of one op's result. It may be part of a larger one: a
// branch writes straight into its channels of the concat, and a view of some
// channels reads those of its source.
type Result struct {
	shape     tensor.Shape // [N][C/16][H][W][16], [n] or scalar
	channels  int          // of an activation, without padding
	precision Precision    // of an activation; all else is float32
	scale     float32      // of an activation in bytes: what 1 stands for
	outer     *Result      // the larger result that holds this one, or nil
	channel   int          // this result's first channel in outer

	data  []float32 // in bf16, two values in each; in bytes, four
	value gorgonia.Value
}

// newMapResult returns the Result of an activation.
func newMapResult(n, channels, h, w int) *Result {
	return &Result{shape: mapShape(n, channels, h, w), channels: channels}
}

// like returns a Result with the shape and the precision of x.
func like(x *gorgonia.Node) *Result {
	r := &Result{shape: x.Shape().Clone(), precision: precisionOf(x)}
	if x.Shape().Dims() == 5 {
		r.channels = ChannelsOf(x)
	}
	return r
}

// resultOf returns the memory of a node's result, nil for inputs of the graph.
func resultOf(n *gorgonia.Node) *Result {
	if o, ok := n.Op().(*op); ok {
		return o.result
	}
	return nil
}

// ChannelsOf returns the number of channels of a batch of images or an
// activation, without padding.
func ChannelsOf(x *gorgonia.Node) int {
	if r := resultOf(x); r != nil {
		return r.channels
	}
	if x.Shape().Dims() == 5 {
		return x.Shape()[1] * kernel.Block
	}
	return x.Shape()[1]
}

// newSliceResult returns the Result of a packed parameter's gradient.
func newSliceResult(floats int) *Result { return &Result{shape: tensor.Shape{floats}} }

// newScalarResult returns the Result of a loss.
func newScalarResult() *Result { return &Result{shape: tensor.Shape{}, value: gorgonia.NewF32(0)} }

// mapShape is the 5-dimensional shape of an activation, channels padded to
// whole blocks.
func mapShape(n, channels, h, w int) tensor.Shape {
	return tensor.Shape{n, Padded(channels) / kernel.Block, h, w, kernel.Block}
}

// root returns the Result that owns the memory.
func (r *Result) root() *Result {
	for r.outer != nil {
		r = r.outer
	}
	return r
}

// bytes is the size of the result itself.
func (r *Result) bytes() int { return r.shape.TotalSize() * r.precision.bytes() }

// bind gives an owning result its memory, of at least bytes() size.
func (r *Result) bind(data []float32) {
	r.data = data[:r.bytes()/FP32.bytes()]
	if r.precision != FP32 {
		r.value = r.view()
		return
	}
	r.value = tensor.New(tensor.WithShape(r.shape.Clone()...), tensor.WithBacking(r.data))
}

// alloc gives the result its own memory unless it has some.
func (r *Result) alloc() {
	if r.value != nil {
		return
	}
	if r.outer != nil {
		r.outer.alloc()
		r.value = r.view()
		return
	}
	r.bind(make([]float32, r.bytes()/FP32.bytes()))
}

// view returns the value of an activation.
func (r *Result) view() gorgonia.Value {
	switch r.precision {
	case BF16:
		return &view[kernel.BF16]{shape: r.shape, m: r.asBF16()}
	case INT8:
		return &view[uint8]{shape: r.shape, m: r.asInt8()}
	}
	return &view[float32]{shape: r.shape, m: r.asMap()}
}

// asMap returns an activation's memory as the kernels take it.
func (r *Result) asMap() kernel.Map {
	if r.outer != nil {
		return r.outer.asMap().Channels(r.channel, r.shape[1]*kernel.Block)
	}
	return kernel.MapOf(r.data, r.shape[0], r.shape[1]*kernel.Block, r.shape[2], r.shape[3])
}

// asBF16 is asMap of a result in bf16.
func (r *Result) asBF16() kernel.MapBF16 {
	if r.outer != nil {
		return r.outer.asBF16().Channels(r.channel, r.shape[1]*kernel.Block)
	}
	return kernel.MapOf(kernel.BF16s(r.data), r.shape[0], r.shape[1]*kernel.Block, r.shape[2], r.shape[3])
}

// asInt8 is asMap of a result in bytes.
func (r *Result) asInt8() kernel.MapInt8 {
	if r.outer != nil {
		return r.outer.asInt8().Channels(r.channel, r.shape[1]*kernel.Block)
	}
	return kernel.MapOf(kernel.Bytes(r.data), r.shape[0], r.shape[1]*kernel.Block, r.shape[2], r.shape[3])
}

// view is the value of a Result that no tensor can be: it lies inside another, as
// some channels of every image, or it is not float32. Gorgonia takes it for float32.
type view[E kernel.Element] struct {
	shape tensor.Shape
	m     kernel.Activation[E]
}

var _ gorgonia.Value = (*view[float32])(nil)

func (v *view[E]) Shape() tensor.Shape        { return v.shape }
func (v *view[E]) Size() int                  { return v.shape.TotalSize() }
func (v *view[E]) Data() interface{}          { return v.m.Data }
func (v *view[E]) Dtype() tensor.Dtype        { return tensor.Float32 }
func (v *view[E]) Uintptr() uintptr           { return 0 }
func (v *view[E]) MemSize() uintptr           { return uintptr(v.Size()) * 4 }
func (v *view[E]) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "a map of %v", v.shape) }

// bf16Of reads the value of an activation in bf16.
func bf16Of(v gorgonia.Value) kernel.MapBF16 { return v.(*view[kernel.BF16]).m }

// int8Of reads the value of an activation in bytes.
func int8Of(v gorgonia.Value) kernel.MapInt8 { return v.(*view[uint8]).m }

// mapOf reads an activation's value.
func mapOf(v gorgonia.Value) kernel.Map {
	if v, ok := v.(*view[float32]); ok {
		return v.m
	}
	s := v.Shape()
	return kernel.MapOf(v.Data().([]float32), s[0], s[1]*kernel.Block, s[2], s[3])
}

// sliceOf reads a parameter's or an image batch's value.
func sliceOf(v gorgonia.Value) []float32 { return v.Data().([]float32) }

// Planar returns a copy of an activation's last value in plain order,
// [N][C][H][W], without padding, in float32.
func Planar(n *gorgonia.Node) []float32 {
	if precisionOf(n) == BF16 {
		m := bf16Of(n.Value())
		wide := make([]float32, m.H*m.W*kernel.Block)
		return planar(m, ChannelsOf(n), func(plane []kernel.BF16) []float32 {
			kernel.Widen(wide, plane)
			return wide
		})
	}
	if precisionOf(n) == INT8 {
		m, scale := int8Of(n.Value()), resultOf(n).scale
		wide := make([]float32, m.H*m.W*kernel.Block)
		return planar(m, ChannelsOf(n), func(plane []uint8) []float32 {
			for i, v := range plane {
				wide[i] = float32(v) * scale
			}
			return wide
		})
	}
	return planar(mapOf(n.Value()), ChannelsOf(n), func(plane []float32) []float32 { return plane })
}

func planar[E kernel.Element](m kernel.Activation[E], channels int, widen func(plane []E) []float32) []float32 {
	size := m.H * m.W
	values := make([]float32, m.N*channels*size)
	for image := range m.N {
		for block := range m.Blocks() {
			plane := widen(m.Plane(image, block))
			for c := block * kernel.Block; c < min(channels, (block+1)*kernel.Block); c++ {
				to := values[(image*channels+c)*size:][:size]
				for i := range to {
					to[i] = plane[i*kernel.Block+c%kernel.Block]
				}
			}
		}
	}
	return values
}
