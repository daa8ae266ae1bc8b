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
	layers, err := layersOf(model.V3)
	return declared(slices.DeleteFunc(layers, func(layer string) bool { return layer == "fc" })), err
}

// layersOf lists the layers with weights of a variant without auxiliary heads;
// a separable convolution is one.
func layersOf(variant string) ([]string, error) {
	spec, err := model.DefaultSpec(variant)
	if err != nil {
		return nil, err
	}
	spec.Aux, spec.AuxEarly, spec.Classes = model.AuxNone, false, 1
	params, err := expected(spec, false)
	if err != nil {
		return nil, err
	}
	var layers []string
	for _, p := range params {
		layer := p.Layer
		for _, half := range []string{".depthwise", ".pointwise"} {
			layer = strings.TrimSuffix(layer, half)
		}
		if !slices.Contains(layers, layer) {
			layers = append(layers, layer)
		}
	}
	return layers, nil
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
