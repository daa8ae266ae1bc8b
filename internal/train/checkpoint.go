package train

import (
	"encoding/json"
	"fmt"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/weights"
)

// The entries of a checkpoint's metadata.
const (
	metaProgress = "progress"
	metaSpec     = "spec"
	metaRecipe   = "options"
	metaKind     = "kind"

	checkpointKind = "inception training checkpoint 1, tensors packed in blocks of 16"
)

// state is all that training changes: what resuming needs.
type state struct {
	weights   *model.Weights
	average   *optimize.Average // nil without
	optimizer *optimize.Optimizer
}

// named is a tensor of a checkpoint, in memory's packed layout: it is only
// for this program, and so neither copied nor converted.
type named struct {
	name string
	data []float32
}

func (s state) tensors() []named {
	var all []named
	for _, p := range s.weights.Params {
		all = append(all, named{"weights/" + p.Name, p.Data})
		for _, slot := range s.optimizer.Slots(p) {
			all = append(all, named{"optimizer/" + slot.Name + "/" + p.Name, slot.Data})
		}
	}
	if s.average != nil {
		for _, p := range s.average.Weights.Params {
			all = append(all, named{"average/" + p.Name, p.Data})
		}
	}
	return all
}

// save writes a checkpoint. The one before it stays until all of the new one
// is on the disk.
func (s state) save(path string, p progress, r Recipe) error {
	var tensors []weights.Tensor
	for _, t := range s.tensors() {
		tensors = append(tensors, weights.Tensor{Name: t.name, Shape: []int{len(t.data)}, Values: t.data})
	}
	metadata := map[string]string{metaKind: checkpointKind}
	for _, entry := range []struct {
		key   string
		value any
	}{{metaProgress, p}, {metaSpec, s.weights.Spec}, {metaRecipe, r}} {
		text, err := json.Marshal(entry.value)
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", entry.key, err)
		}
		metadata[entry.key] = string(text)
	}
	return weights.WriteTensors(path, tensors, metadata)
}

// load overwrites the state with a checkpoint's, if accept agrees with how far
// that has come and with the recipe it was made by.
func (s state) load(path string, accept func(progress, Recipe) error) (p progress, err error) {
	t, err := weights.ReadTensors(path)
	if err != nil {
		return p, fmt.Errorf("checkpoint: %w", err)
	}
	defer t.Close()
	if p, err = decodeProgress(t.Metadata); err != nil {
		return p, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	var r Recipe
	if err := json.Unmarshal([]byte(t.Metadata[metaRecipe]), &r); err != nil {
		return p, fmt.Errorf("checkpoint %s: options: %w", path, err)
	}
	spec := model.Spec{AuxLate: true} // what older ones say nothing of
	if err := json.Unmarshal([]byte(t.Metadata[metaSpec]), &spec); err != nil {
		return p, fmt.Errorf("checkpoint %s: model: %w", path, err)
	}
	if diff := spec.Differences(s.weights.Spec); len(diff) > 0 {
		return p, fmt.Errorf("checkpoint %s: is of another model: %s is %v there, %v in the configuration; resume with "+
			"the run's own configuration",
			path, diff[0].Key, diff[0].Value, diff[0].Other)
	}
	if err := accept(p, r); err != nil {
		return p, err
	}
	for _, to := range s.tensors() {
		values, err := t.Floats(to.name)
		if err != nil {
			return p, fmt.Errorf("checkpoint: %w", err)
		}
		if len(values) != len(to.data) {
			return p, fmt.Errorf("checkpoint %s: %s has %d values, the model needs %d",
				path, to.name, len(values), len(to.data))
		}
		copy(to.data, values)
	}
	return p, nil
}

// describe names a model in a few words.
func describe(s model.Spec) string {
	return fmt.Sprintf("%s, %d px, %d classes, width %g", s.Variant, s.InputSize, s.Classes, s.Width)
}

// trainable lists the parameters that a training changes.
func trainable(w *model.Weights, frozen func(layer string) bool) []*ops.Param {
	var params []*ops.Param
	for _, p := range w.Params {
		if p.Trainable() && !frozen(p.Layer) {
			params = append(params, p)
		}
	}
	return params
}
