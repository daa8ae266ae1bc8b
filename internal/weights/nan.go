package weights

import (
	"fmt"

	"github.com/inception-go/inception/internal/model"
)

// noteNaNs warns of weights that are not numbers, or infinite: a training that
// diverged leaves such, and all that a network with them says is void.
func (m *Metadata) noteNaNs(w *model.Weights) {
	bad, tensors, first := 0, 0, ""
	for _, p := range w.Params {
		n := 0
		if p.Data == nil { // of a quantised layer
			continue
		}
		for _, v := range p.Values() {
			if v-v != 0 { // NaN and both infinities
				n++
			}
		}
		if n == 0 {
			continue
		}
		if tensors++; tensors == 1 {
			first = p.Name
		}
		bad += n
	}
	if bad > 0 {
		m.Notes = append(m.Notes, fmt.Sprintf("warning: %d values in %d tensors are NaN or infinite, first in %s: "+
			"the training that made them diverged; take an earlier checkpoint", bad, tensors, first))
	}
}
