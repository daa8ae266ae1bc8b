package ops

import (
	"fmt"

	"github.com/inception-go/inception/internal/kernel"
)

// Kind says what a parameter is for, which decides its layout in memory and
// how an optimizer treats it.
type Kind int

// The kinds of parameters.
const (
	ConvWeight      Kind = iota // [K,C,R,S], packed [K/16][C/16][R][S][16c][16k]
	ImageWeight                 // [K,3,R,S] of a stem's first conv, packed over its gathered window
	LinearWeight                // [K,C], packed as a 1x1 conv
	SeparableWeight             // [K,C,R,S] of either half of a separable conv, as in files
	Bias                        // [K]
	Gamma                       // [C] batch norm scale
	Beta                        // [C] batch norm shift
	RunningMean                 // [C], not trained by gradients
	RunningVar                  // [C], not trained by gradients
)

// Param is one parameter of a network or one running statistic.
type Param struct {
	Name   string    // the key in weight files, such as Mixed_5b.branch1x1.conv.weight
	Shape  []int     // as in files: OIHW, [K,C] or [C], without padding
	Kind   Kind      // decides the layout of Data
	Data   []float32 // packed, padded to blocks of 16 with zeros; see Kind
	Layer  string    // that it belongs to, such as Mixed_5b.branch1x1
	Branch int       // files hold branch after branch, in this order over the whole network
	Stddev float64   // of the first values; of weights only
	Place
}

// Place is where in a network a layer or a parameter is.
type Place struct {
	Module string // the block (Mixed_5b) or auxiliary head (AuxLogits); empty between those
	Whole  string // the separable convolution that it is a half of; empty outside those
	Aux    bool   // in an auxiliary head, which only training runs
	Head   bool   // a classifier, including those of auxiliary heads: other classes need a new one
}

// NewParam returns a parameter without memory; SetValues gives it some.
func NewParam(name string, kind Kind, shape ...int) *Param {
	return &Param{Name: name, Shape: shape, Kind: kind}
}

// Floats returns the length of Data, padding included.
func (p *Param) Floats() int {
	switch p.Kind {
	case ConvWeight:
		return Padded(p.Shape[0]) * Padded(p.Shape[1]) * p.Shape[2] * p.Shape[3]
	case ImageWeight:
		return Padded(p.Shape[0]) * Padded(p.Shape[1]*p.Shape[2]*p.Shape[3])
	case LinearWeight:
		return Padded(p.Shape[0]) * Padded(p.Shape[1])
	case SeparableWeight:
		return p.Count()
	}
	return Padded(p.Shape[0])
}

// Count returns the number of values in a file, without padding.
func (p *Param) Count() int {
	n := 1
	for _, d := range p.Shape {
		n *= d
	}
	return n
}

// Trainable reports whether the parameter is trained by gradients.
func (p *Param) Trainable() bool { return p.Kind != RunningMean && p.Kind != RunningVar }

// Decayed reports whether weight decay applies: conv and linear weights only,
// as in TF-slim's arg scope, never biases, batch norm or separable convolutions.
func (p *Param) Decayed() bool {
	return p.Kind == ConvWeight || p.Kind == ImageWeight || p.Kind == LinearWeight
}

// Values returns the parameter in file order.
func (p *Param) Values() []float32 { return p.Unpack(p.Data) }

// Unpack returns packed (in the layout of Data: a gradient, an average) in
// file order.
func (p *Param) Unpack(packed []float32) []float32 {
	values := make([]float32, p.Count())
	switch p.Kind {
	case ConvWeight:
		kernel.UnpackOIHW(values, packed, p.Shape[0], p.Shape[1], p.Shape[2], p.Shape[3])
	case ImageWeight:
		kernel.UnpackImageWeights(values, packed, p.Shape[0], p.Shape[2], p.Shape[3])
	case LinearWeight:
		kernel.UnpackOIHW(values, packed, p.Shape[0], p.Shape[1], 1, 1)
	default:
		copy(values, packed)
	}
	return values
}

// SetValues overwrites the parameter with values in file order.
func (p *Param) SetValues(values []float32) error {
	if len(values) != p.Count() {
		return fmt.Errorf("%s: has %d values, needs %d for shape %v", p.Name, len(values), p.Count(), p.Shape)
	}
	if p.Data == nil {
		p.Data = make([]float32, p.Floats())
	}
	p.Pack(p.Data, values)
	return nil
}

// Pack writes values in file order to packed, in the layout of Data.
func (p *Param) Pack(packed, values []float32) {
	switch p.Kind {
	case ConvWeight:
		kernel.PackOIHW(packed, values, p.Shape[0], p.Shape[1], p.Shape[2], p.Shape[3])
	case ImageWeight:
		kernel.PackImageWeights(packed, values, p.Shape[0], p.Shape[2], p.Shape[3])
	case LinearWeight:
		kernel.PackOIHW(packed, values, p.Shape[0], p.Shape[1], 1, 1)
	default:
		clear(packed)
		copy(packed, values)
	}
}

// Padded rounds channels up to whole blocks.
func Padded(channels int) int {
	return (channels + kernel.Block - 1) / kernel.Block * kernel.Block
}
