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
	shape    tensor.Shape // [N][C/16][H][W][16], [n] or scalar
	channels int          // of an activation, without padding
	outer    *Result      // the larger result that holds this one, or nil
	channel  int          // this result's first channel in outer

	data  []float32
	value gorgonia.Value
}

// newMapResult returns the Result of an activation.
func newMapResult(n, channels, h, w int) *Result {
	return &Result{shape: mapShape(n, channels, h, w), channels: channels}
}

// like returns a Result with the shape of x.
func like(x *gorgonia.Node) *Result {
	r := &Result{shape: x.Shape().Clone()}
	if x.Shape().Dims() == 5 {
		r.channels = ChannelsOf(x)
	}
	return r
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

// floats is the size of the result itself.
func (r *Result) floats() int { return r.shape.TotalSize() }

// bind gives an owning result its memory, of at least floats() length.
func (r *Result) bind(data []float32) {
	r.data = data[:r.floats()]
	r.value = tensor.New(tensor.WithShape(r.shape.Clone()...), tensor.WithBacking(r.data))
}

// alloc gives the result its own memory unless it has some.
func (r *Result) alloc() {
	if r.value != nil {
		return
	}
	if r.outer != nil {
		r.outer.alloc()
		r.value = &view{shape: r.shape, m: r.asMap()}
		return
	}
	r.bind(make([]float32, r.floats()))
}

// asMap returns an activation's memory as the kernels take it.
func (r *Result) asMap() kernel.Map {
	if r.outer != nil {
		return r.outer.asMap().Channels(r.channel, r.shape[1]*kernel.Block)
	}
	return kernel.MapOf(r.data, r.shape[0], r.shape[1]*kernel.Block, r.shape[2], r.shape[3])
}

// view is the value of a Result that is part of another: some channels of every
// image.
type view struct {
	shape tensor.Shape
	m     kernel.Map
}

var _ gorgonia.Value = (*view)(nil)

func (v *view) Shape() tensor.Shape        { return v.shape }
func (v *view) Size() int                  { return v.shape.TotalSize() }
func (v *view) Data() interface{}          { return v.m.Data }
func (v *view) Dtype() tensor.Dtype        { return tensor.Float32 }
func (v *view) Uintptr() uintptr           { return 0 }
func (v *view) MemSize() uintptr           { return uintptr(v.Size()) * 4 }
func (v *view) Format(s fmt.State, _ rune) { fmt.Fprintf(s, "channels of a larger map, %v", v.shape) }

// mapOf reads an activation's value.
func mapOf(v gorgonia.Value) kernel.Map {
	if v, ok := v.(*view); ok {
		return v.m
	}
	s := v.Shape()
	return kernel.MapOf(v.Data().([]float32), s[0], s[1]*kernel.Block, s[2], s[3])
}

// sliceOf reads a parameter's or an image batch's value.
func sliceOf(v gorgonia.Value) []float32 { return v.Data().([]float32) }

// Planar returns a copy of an activation's last value in plain order,
// [N][C][H][W], without padding.
func Planar(n *gorgonia.Node) []float32 {
	m, channels := mapOf(n.Value()), ChannelsOf(n)
	values := make([]float32, 0, m.N*channels*m.H*m.W)
	for image := range m.N {
		for c := range channels {
			plane := m.Plane(image, c/kernel.Block)
			for i := c % kernel.Block; i < len(plane); i += kernel.Block {
				values = append(values, plane[i])
			}
		}
	}
	return values
}
