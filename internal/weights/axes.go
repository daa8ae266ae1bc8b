package weights

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

// plainConvs lists the convolutions of V3 without auxiliary head, as they are
// declared.
func plainConvs() ([]string, error) {
	layers, err := layersOf(model.V3, false)
	var convs []string
	for _, l := range layers {
		if !l.head {
			convs = append(convs, l.name)
		}
	}
	return declared(convs), err
}

// namedLayer is a layer with weights.
type namedLayer struct {
	name string
	head bool // a classifier
}

// layersOf lists the layers with weights of a variant as published, with or
// without its auxiliary heads; a separable convolution is one.
func layersOf(variant string, aux bool) (layers []namedLayer, err error) {
	spec, err := model.DefaultSpec(variant)
	if err != nil {
		return nil, err
	}
	if spec.Classes = 1; !aux {
		spec = spec.WithoutAux()
	}
	params, err := expected(spec, false)
	for _, p := range params {
		l := namedLayer{strings.TrimSuffix(strings.TrimSuffix(p.Layer, ".depthwise"), ".pointwise"), p.Head}
		if !slices.Contains(layers, l) {
			layers = append(layers, l)
		}
	}
	return layers, err
}

// hwio returns a tensor of TensorFlow's [R][S][C][K] as [K][C][R][S].
func hwio(s source) source {
	if len(s.shape) != 4 {
		return s // for the comparison of shapes to say
	}
	r, t, c, k := s.shape[0], s.shape[1], s.shape[2], s.shape[3]
	return source{s.name, []int{k, c, r, t}, func() ([]float32, error) {
		from, err := s.read()
		if err != nil {
			return nil, err
		}
		return exchange(from, r*t, c, k), nil
	}}
}

// depthwise returns TensorFlow's [R][S][C][M] weights of a depthwise
// convolution as [C*M][1][R][S].
func depthwise(s source) source {
	if len(s.shape) != 4 {
		return s
	}
	r, t, c, m := s.shape[0], s.shape[1], s.shape[2], s.shape[3]
	return source{s.name, []int{c * m, 1, r, t}, func() ([]float32, error) {
		from, err := s.read()
		if err != nil {
			return nil, err
		}
		return exchange(from, r*t, 1, c*m), nil
	}}
}

// exchange turns [a][b][c] into [c][b][a].
func exchange(from []float32, a, b, c int) []float32 {
	to := make([]float32, len(from))
	for i := range a {
		for j := range b {
			for k := range c {
				to[(k*b+j)*a+i] = from[(i*b+j)*c+k]
			}
		}
	}
	return to
}

// swapped returns a matrix [in][out] as [out][in].
func swapped(s source) source {
	if len(s.shape) != 2 {
		return s
	}
	in, out := s.shape[0], s.shape[1]
	return source{s.name, []int{out, in}, func() ([]float32, error) {
		from, err := s.read()
		if err != nil {
			return nil, err
		}
		return exchange(from, in, 1, out), nil
	}}
}

// flat returns a 1x1 convolution's weights as a matrix.
func flat(s source) source {
	if len(s.shape) == 4 && s.shape[2] == 1 && s.shape[3] == 1 {
		s.shape = s.shape[:2]
	}
	return s
}

// settleGammas makes the batch norms' scales those that a variant needs: it has
// them in all or in none.
func settleGammas(variant string, mapped map[string]source) (notes []string) {
	if spec, err := model.DefaultSpec(variant); err == nil && spec.Architecture().NoGamma {
		return foldGammas(mapped)
	}
	return addGammas(mapped)
}

// foldGammas multiplies the scales of batch norms into weights and means, for a
// network that has none: (x-mean)/sqrt(var+eps)*gamma is
// (x*gamma - mean*gamma)/sqrt(var+eps).
func foldGammas(mapped map[string]source) (notes []string) {
	folded := 0
	for name, gamma := range mapped {
		layer, ok := strings.CutSuffix(name, ".bn.weight")
		weight := mapped[layer+".conv.weight"].shape
		if !ok || len(gamma.shape) != 1 || len(weight) == 0 || weight[0] != gamma.shape[0] {
			continue // a strange one is for the comparison of shapes to say
		}
		for _, part := range []string{".conv.weight", ".bn.running_mean"} {
			if s, ok := mapped[layer+part]; ok {
				mapped[layer+part] = timesRows(s, gamma)
			}
		}
		delete(mapped, name)
		folded++
	}
	if folded > 0 {
		notes = append(notes, fmt.Sprintf("%d batch norms have a gamma; it is multiplied into their weights and means", folded))
	}
	return notes
}

// timesRows returns a tensor with its rows multiplied by the values of by.
func timesRows(s, by source) source {
	if len(by.shape) != 1 || len(s.shape) == 0 || s.shape[0] != by.shape[0] {
		return s // for the comparison of shapes to say
	}
	return source{s.name, s.shape, func() ([]float32, error) {
		factors, err := by.read()
		if err != nil {
			return nil, err
		}
		from, err := s.read()
		if err != nil {
			return nil, err
		}
		values := slices.Clone(from)
		for k, factor := range factors {
			row := values[k*len(values)/len(factors) : (k+1)*len(values)/len(factors)]
			for i := range row {
				row[i] *= factor
			}
		}
		return values, nil
	}}
}

// addGammas gives batch norms without a scale one of 1.
func addGammas(mapped map[string]source) (notes []string) {
	added := 0
	for name, s := range mapped {
		layer, ok := strings.CutSuffix(name, ".bn.bias")
		if _, has := mapped[layer+".bn.weight"]; !ok || has {
			continue
		}
		mapped[layer+".bn.weight"] = source{"", s.shape, func() ([]float32, error) {
			ones := make([]float32, s.shape[0])
			for i := range ones {
				ones[i] = 1
			}
			return ones, nil
		}}
		added++
	}
	if added > 0 {
		notes = append(notes, fmt.Sprintf("%d batch norms have no gamma, which is 1 then", added))
	}
	return notes
}
