package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/optimize"
	"github.com/inception-go/inception/internal/rundir"
	"github.com/inception-go/inception/internal/weights"
)

// The entries of a checkpoint's metadata.
const (
	metaProgress = "progress"
	metaSpec     = "spec"
	metaRecipe   = "options"
	metaKind     = "kind"

	checkpointKind = "inception training checkpoint 2, tensors packed in blocks of 16, with checksums"
	uncheckedKind  = "inception training checkpoint 1, tensors packed in blocks of 16" // of older versions
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

// save writes the checkpoint of the run in dir. The one before it stays beside
// it, for the case that the disk damages this one.
func (s state) save(dir string, p progress, r Recipe) error {
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
	return weights.WriteCheckpoint(filepath.Join(dir, rundir.Checkpoint), filepath.Join(dir, rundir.Previous),
		tensors, metadata)
}

// checkpointFile is an open checkpoint of which all is as it was written, so
// far as it has checksums.
type checkpointFile struct {
	*weights.Tensors
	path string
	at   progress
}

// openCheckpoint opens the newest whole checkpoint of the run in dir. damage
// says what is wrong with the newest one if that is another.
func openCheckpoint(dir string, verify func(*weights.Tensors) error) (file *checkpointFile, damage, err error) {
	for _, name := range []string{rundir.Checkpoint, rundir.Previous} {
		path := filepath.Join(dir, name)
		t, openErr := weights.ReadTensors(path)
		if openErr == nil {
			var at progress
			if at, openErr = readCheckpoint(t, path, verify); openErr == nil {
				return &checkpointFile{t, path, at}, err, nil
			}
			t.Close()
			openErr = fmt.Errorf("checkpoint %w", openErr)
		}
		if name == rundir.Checkpoint || !errors.Is(openErr, fs.ErrNotExist) {
			if err != nil {
				openErr = fmt.Errorf("%w; and %w", err, openErr)
			}
			err = openErr
		}
	}
	return nil, nil, err
}

// readCheckpoint returns how far an open checkpoint has come, if it is whole.
func readCheckpoint(t *weights.Tensors, path string, verify func(*weights.Tensors) error) (p progress, err error) {
	switch kind := t.Metadata[metaKind]; {
	case kind == checkpointKind, kind == uncheckedKind && t.HasChecksums():
		if err := verify(t); err != nil {
			return p, err
		}
	case kind != uncheckedKind:
		return p, fmt.Errorf("%s: is not a checkpoint of this program's version", path)
	}
	if err := json.Unmarshal([]byte(t.Metadata[metaProgress]), &p); err != nil {
		return p, fmt.Errorf("%s: progress: %w", path, err)
	}
	return p, nil
}

// load overwrites the state with a checkpoint's, if accept agrees with how far
// that has come and with the recipe it was made by.
func (s state) load(t *checkpointFile, accept func(progress, Recipe) error) error {
	var r Recipe
	if err := json.Unmarshal([]byte(t.Metadata[metaRecipe]), &r); err != nil {
		return fmt.Errorf("checkpoint %s: options: %w", t.path, err)
	}
	spec := model.Older()
	if err := json.Unmarshal([]byte(t.Metadata[metaSpec]), &spec); err != nil {
		return fmt.Errorf("checkpoint %s: model: %w", t.path, err)
	}
	if diff := spec.Differences(s.weights.Spec); len(diff) > 0 {
		return fmt.Errorf("checkpoint %s: is of another model: %s is %v there, %v in the configuration; "+
			"resume with the run's own configuration", t.path, diff[0].Key, diff[0].Value, diff[0].Other)
	}
	if err := accept(t.at, r); err != nil {
		return err
	}
	for _, to := range s.tensors() {
		values, err := t.Floats(to.name)
		if err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
		if len(values) != len(to.data) {
			return fmt.Errorf("checkpoint %s: %s has %d values, the model needs %d",
				t.path, to.name, len(values), len(to.data))
		}
		copy(to.data, values)
	}
	return nil
}

// describe names a model in a few words.
func describe(s model.Spec) string {
	return fmt.Sprintf("%s, %d px, %d classes, width %g", s.Variant, s.InputSize, s.Classes, s.Width)
}
