package weights

import (
	"fmt"

	"github.com/inception-go/inception/internal/model"
)

// Save writes weights with their metadata and checksums, all or nothing. The
// tensors are exactly a torchvision state dict: its names, its shapes, its step
// counters; but see int8State for quantised weights.
func Save(path string, w *model.Weights, m Metadata) error {
	if m.Spec.Variant == "" {
		m.Spec = w.Spec
	}
	if m.Int8 = w.Int8 != nil; m.Int8 {
		m.Spec, m.scales = m.Spec.WithoutAux(), int8Scales{w.Int8.Image, w.Int8.Scales}
	}
	metadata, err := m.Strings()
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	metadata[keyFormat] = "pt"
	tensors := StateDict(w, m)
	addChecksums(tensors, metadata)
	return WriteTensors(path, tensors, metadata)
}

// StateDict returns the tensors that Save writes, in torchvision's order.
func StateDict(w *model.Weights, m Metadata) []Tensor {
	if w.Int8 != nil {
		return int8State(w, m)
	}
	batches := m.batches()
	var tensors []Tensor
	for _, p := range w.Params {
		if m.NoHead && p.Head {
			continue
		}
		tensors = append(tensors, Tensor{Name: p.Name, Shape: p.Shape, Values: p.Values()})
		if norm, ok := normOf(p); ok {
			tensors = append(tensors, Tensor{Name: norm + countSuffix, Ints: []int64{batches(norm)}})
		}
	}
	return tensors
}
