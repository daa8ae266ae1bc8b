package model

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/inception-go/inception/internal/blocks"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/settings"
	"gorgonia.org/gorgonia"
)

// Weights are the parameters and running statistics of one network.
type Weights struct {
	Spec   Spec
	Params []*ops.Param // in torchvision's order of declaration
	Int8   *Int8        // of quantised weights: Params of its layers have no values

	byName map[string]*ops.Param
	folds  ops.Folds // shared by all eval networks
}

// NewWeights returns freshly initialised weights for spec, whose Classes must
// be known. The values of a parameter depend only on seed and its name.
func NewWeights(spec Spec, seed uint64) (*Weights, error) {
	w, err := ZeroWeights(spec)
	if err != nil {
		return nil, err
	}
	for _, p := range w.Params {
		if err := p.SetValues(initial(p, spec.Init, seed)); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// ZeroWeights returns weights for spec that are all zero, to be read from a file.
func ZeroWeights(spec Spec) (*Weights, error) {
	b, err := sketch(spec)
	if err != nil {
		return nil, err
	}
	for _, group := range b.Groups() {
		ops.AllocGroup(group)
	}
	w := &Weights{Spec: spec, Params: b.Params(), byName: map[string]*ops.Param{}}
	for _, p := range w.Params {
		if p.Data == nil {
			p.Data = make([]float32, p.Floats())
		}
		w.byName[p.Name] = p
	}
	return w, nil
}

// ByName returns the parameter with torchvision's key name, or nil.
func (w *Weights) ByName(name string) *ops.Param { return w.byName[name] }

// Count returns the number of trained parameters, with or without the
// auxiliary heads.
func (w *Weights) Count(withAux bool) int {
	n := 0
	for _, p := range w.Params {
		if p.Trainable() && (withAux || !p.Aux) {
			n += p.Count()
		}
	}
	return n
}

// Classifier returns the weights of the main classifier.
func (w *Weights) Classifier() *ops.Param {
	for _, p := range w.Params {
		if p.Head && !p.Aux && p.Kind == ops.LinearWeight {
			return p
		}
	}
	return nil
}

// Clone returns a deep copy.
func (w *Weights) Clone() *Weights {
	c, err := ZeroWeights(w.Spec)
	if err != nil { // spec has built w
		panic(fmt.Sprintf("model: %v", err))
	}
	c.CopyFrom(w)
	return c
}

// CopyFrom overwrites w's values with those of from, which has the same
// structure.
func (w *Weights) CopyFrom(from *Weights) {
	for i, p := range w.Params {
		copy(p.Data, from.Params[i].Data)
	}
}

// sketch builds spec's training graph for one image without memory.
func sketch(spec Spec) (*blocks.Builder, error) {
	if spec.Classes < 1 {
		return nil, settings.Errorf("model.classes", "must be known, is %d", spec.Classes)
	}
	g := gorgonia.NewGraph()
	b := blocks.NewBuilder(g, spec.blockOptions(Train), nil)
	spec.build(b, ops.Image(g, 1, spec.InputSize, spec.InputSize))
	if blocks.IsSize(b.Err()) {
		return nil, spec.tooSmall(b.Err())
	}
	return b, b.Err()
}

// tooSmall returns an error that names the smallest input size for spec's structure.
func (s Spec) tooSmall(cause error) error {
	min, hint := s.minSize(), ""
	if s.Aux != AuxNone {
		if m := s.WithoutAux().minSize(); m < min {
			hint = fmt.Sprintf("; %d with model.aux none", m)
		}
	}
	return settings.Errorf("model.input_size", "%d is too small for this structure (%w); the smallest size that works "+
		"is %d%s", s.InputSize, cause, min, hint)
}

// minSize finds the smallest size that can be built. A larger input never makes
// a map smaller, so a binary search finds it.
func (s Spec) minSize() int {
	low, high := s.InputSize, MaxInputSize // low fails, high works
	for high-low > 1 {
		try := s
		try.InputSize = (low + high) / 2
		g := gorgonia.NewGraph()
		b := blocks.NewBuilder(g, try.blockOptions(Train), nil)
		try.build(b, ops.Image(g, 1, try.InputSize, try.InputSize))
		if b.Err() != nil {
			low = try.InputSize
		} else {
			high = try.InputSize
		}
	}
	return high
}

// WithoutAux returns the structure without auxiliary heads, which run only in
// training.
func (s Spec) WithoutAux() Spec {
	s.Aux, s.AuxEarly, s.AuxLate = AuxNone, false, true
	return s
}

// CheckSize checks that the input size fits spec's structure; the error names
// the smallest or the largest size that does. Nothing is allocated.
func (s Spec) CheckSize() error {
	if s.Classes < 1 {
		s.Classes = 1
	}
	if s.InputSize > MaxInputSize {
		return settings.Errorf("model.input_size", "must be at most %d, is %d", MaxInputSize, s.InputSize)
	}
	_, err := sketch(s)
	return err
}

// initial returns the initial values of a parameter in file order: weights
// from a normal distribution cut at two standard deviations, batch norm as the
// identity.
func initial(p *ops.Param, how string, seed uint64) []float32 {
	values := make([]float32, p.Count())
	switch p.Kind {
	case ops.Gamma, ops.RunningVar:
		for i := range values {
			values[i] = 1
		}
	case ops.ConvWeight, ops.ImageWeight, ops.LinearWeight, ops.SeparableWeight:
		h := fnv.New64a()
		h.Write([]byte(p.Name))
		r := rand.New(rand.NewPCG(seed, h.Sum64()))
		stddev := p.Stddev
		if how != "truncated_normal" && p.Kind != ops.LinearWeight {
			stddev = math.Sqrt(2 / float64(p.Shape[1]*p.Shape[2]*p.Shape[3]))
		}
		for i := range values {
			values[i] = float32(stddev * truncatedNormal(r))
		}
		if how == "dirac" && p.Kind == ops.ConvWeight {
			dirac(values, p.Shape)
		}
	}
	return values
}

// dirac makes the first outputs of a convolution its inputs, as they are (Jordan,
// "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv 2404.00498, section
// 3.2; torch.nn.init.dirac_).
func dirac(values []float32, shape []int) {
	inputs, window := shape[1], shape[2]*shape[3]
	for k := range min(shape[0], inputs) {
		row := values[k*inputs*window : (k+1)*inputs*window]
		clear(row)
		row[k*window+shape[2]/2*shape[3]+shape[3]/2] = 1
	}
}

func truncatedNormal(r *rand.Rand) float64 {
	for {
		if v := r.NormFloat64(); v >= -2 && v <= 2 {
			return v
		}
	}
}
