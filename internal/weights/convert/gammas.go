package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
)

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
		notes = append(notes,
			fmt.Sprintf("%d batch norms have a gamma; it is multiplied into their weights and means", folded))
	}
	return notes
}

// timesRows returns a tensor with its rows multiplied by the values of by.
func timesRows(s, by source) source {
	if len(by.shape) != 1 || len(s.shape) == 0 || s.shape[0] != by.shape[0] {
		return s // for the comparison of shapes to say
	}
	return source{name: s.name, shape: s.shape, read: func() ([]float32, error) {
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
		mapped[layer+".bn.weight"] = source{name: "", shape: s.shape, read: func() ([]float32, error) {
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
