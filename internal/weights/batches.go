package weights

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/ops"
)

// countSuffix names batch norm's step counters, which PyTorch keeps and
// load_state_dict(strict=True) asks for.
const countSuffix = ".num_batches_tracked"

// normOf returns the name of the batch norm that a running variance is of, behind
// which its counter stands, and false for other parameters.
func normOf(p *ops.Param) (name string, ok bool) {
	return strings.TrimSuffix(p.Name, path.Ext(p.Name)), p.Kind == ops.RunningVar
}

// extraBatches is the key in Metadata.Extra of the step counters, which no
// network here uses, so that an imported file is exported as it was: a number
// if all are alike, else numbers by layer.
const extraBatches = "num_batches_tracked"

// keepBatches notes a state dict's step counters.
func (m *Metadata) keepBatches(shapes map[string][]int, read func(name string) ([]float32, error)) error {
	counts, kinds := map[string]int64{}, map[int64]bool{}
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		layer, ok := strings.CutSuffix(name, countSuffix)
		if !ok || len(shapes[name]) > 0 {
			continue
		}
		values, err := read(name)
		if err != nil {
			return err
		}
		counts[layer] = int64(values[0])
		kinds[counts[layer]] = true
	}
	if len(counts) == 0 || len(kinds) == 1 && kinds[0] {
		return nil
	}
	text, err := json.Marshal(counts)
	if len(kinds) == 1 {
		for n := range kinds {
			text = fmt.Append(nil, n)
		}
	}
	if m.Extra == nil {
		m.Extra = map[string]string{}
	}
	m.Extra[extraBatches] = string(text)
	return err
}

// batches returns the step counter of every layer.
func (m *Metadata) batches() func(layer string) int64 {
	text := []byte(m.Extra[extraBatches])
	var all int64
	if json.Unmarshal(text, &all) == nil {
		return func(string) int64 { return all }
	}
	counts := map[string]int64{}
	_ = json.Unmarshal(text, &counts) // any other text counts as none
	return func(layer string) int64 { return counts[layer] }
}
