package train

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/ops"
	"github.com/inception-go/inception/internal/weights"
)

// progress is how far a run has come, apart from its tensors.
type progress struct {
	Step      int           `json:"step"`      // updates made
	Epoch     int           `json:"epoch"`     // epochs done, counted from 0
	Batch     int           `json:"batch"`     // batches done of the epoch under way
	Validated int           `json:"validated"` // step of the last validation
	Images    int           `json:"images"`    // that an epoch is made of
	Best      best          `json:"best"`
	Waiting   int           `json:"waiting"` // epochs since the best one
	Elapsed   time.Duration `json:"elapsed"`
	Metrics   int64         `json:"metrics"` // bytes of metrics.jsonl
	Window    window        `json:"window"`
	Exit      Exit          `json:"exit"` // why the run ended; empty while it has not
}

// best is the best validation so far.
type best struct {
	Epoch int     `json:"epoch"` // counted from 1; 0 before the first
	Top1  float64 `json:"top1"`
	Loss  float64 `json:"loss"`
}

// improves reports whether a validation beats the best: a higher top-1, at a
// tie a lower loss.
func (b best) improves(top1, loss float64) bool {
	return b.Epoch == 0 || top1 > b.Top1 || top1 == b.Top1 && loss < b.Loss
}

// The entries of a checkpoint's metadata.
const (
	metaProgress = "progress"
	metaSpec     = "spec"
	metaOptions  = "options"
	metaKind     = "kind"

	checkpointKind = "inception training checkpoint 1, tensors packed in blocks of 16"
)

// state is all that training changes: what resuming needs.
type state struct {
	weights   *model.Weights
	average   *average // nil without
	optimizer *optimizer
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
		for _, slot := range s.optimizer.slots[p] {
			all = append(all, named{"optimizer/" + slot.name + "/" + p.Name, slot.data})
		}
	}
	if s.average != nil {
		for _, p := range s.average.weights.Params {
			all = append(all, named{"average/" + p.Name, p.Data})
		}
	}
	return all
}

// save writes a checkpoint. The one before it stays until all of the new one
// is on the disk.
func (s state) save(path string, p progress, o Options) error {
	var tensors []weights.Tensor
	for _, t := range s.tensors() {
		tensors = append(tensors, weights.Tensor{Name: t.name, Shape: []int{len(t.data)}, Values: t.data})
	}
	metadata := map[string]string{metaKind: checkpointKind}
	for key, value := range map[string]any{metaProgress: p, metaSpec: s.weights.Spec, metaOptions: o} {
		text, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("checkpoint: %s: %w", key, err)
		}
		metadata[key] = string(text)
	}
	return weights.WriteTensors(path, tensors, metadata)
}

// load overwrites the state with a checkpoint's, if accept agrees with how far
// that has come and with the options it was made with.
func (s state) load(path string, accept func(progress, Options) error) (p progress, err error) {
	t, err := weights.ReadTensors(path)
	if err != nil {
		return p, fmt.Errorf("checkpoint: %w", err)
	}
	defer t.Close()
	if p, err = decodeProgress(t.Metadata); err != nil {
		return p, fmt.Errorf("checkpoint %s: %w", path, err)
	}
	var o Options
	if err := json.Unmarshal([]byte(t.Metadata[metaOptions]), &o); err != nil {
		return p, fmt.Errorf("checkpoint %s: options: %w", path, err)
	}
	spec := model.Spec{AuxLate: true} // what older ones say nothing of
	if err := json.Unmarshal([]byte(t.Metadata[metaSpec]), &spec); err != nil {
		return p, fmt.Errorf("checkpoint %s: model: %w", path, err)
	}
	if spec != s.weights.Spec {
		return p, fmt.Errorf("checkpoint %s: is of another model: %s; resume with the run's own configuration", path, difference("model", reflect.ValueOf(spec), reflect.ValueOf(s.weights.Spec)))
	}
	if err := accept(p, o); err != nil {
		return p, err
	}
	for _, to := range s.tensors() {
		values, err := t.Floats(to.name)
		if err != nil {
			return p, fmt.Errorf("checkpoint: %w", err)
		}
		if len(values) != len(to.data) {
			return p, fmt.Errorf("checkpoint %s: %s has %d values, the model needs %d", path, to.name, len(values), len(to.data))
		}
		copy(to.data, values)
	}
	s.optimizer.updates = p.Step
	return p, nil
}

func decodeProgress(metadata map[string]string) (p progress, err error) {
	if metadata[metaKind] != checkpointKind {
		return p, fmt.Errorf("is no checkpoint of this program's version")
	}
	if err := json.Unmarshal([]byte(metadata[metaProgress]), &p); err != nil {
		return p, fmt.Errorf("progress: %w", err)
	}
	return p, nil
}

// difference names the first setting in which a configuration's structure is
// not the one that a run has.
func difference(section string, has, configured reflect.Value) string {
	for i := range has.NumField() {
		a, b := has.Field(i), configured.Field(i)
		if a.Equal(b) {
			continue
		}
		key := section + "." + has.Type().Field(i).Tag.Get("json")
		if a.Kind() == reflect.Struct {
			return difference(key, a, b)
		}
		return fmt.Sprintf("%s is %v there, %v in the configuration", key, a, b)
	}
	return section + " is the same"
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
