package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/weights"
)

// AgreesWith returns an error for a key of model.* that somebody has set and
// that contradicts the structure spec of a weight file; the input size may
// differ.
func (r *Resolved) AgreesWith(spec model.Spec) error {
	theirs := r.Config
	theirs.Model = spec
	values := theirs.values()
	for _, l := range leavesOf(&r.Config) {
		if !strings.HasPrefix(l.key, "model.") || l.key == "model.input_size" || !r.given[l.key] {
			continue
		}
		if l.key == "model.classes" && l.value.Int() == 0 {
			continue // from the data
		}
		if l.value.Interface() != values[l.key].Interface() {
			return fmt.Errorf("%s is %v (%s), but the weights are of a network with %v; leave the key out", l.key, l.value.Interface(), r.Origin[l.key], values[l.key].Interface())
		}
	}
	return nil
}

// ownChoices are the model.* keys that a training chooses whatever weights it
// begins with.
var ownChoices = []string{
	"model.classes", "model.aux", "model.aux_late", "model.aux_early", "model.aux_dropout", "model.dropout", "model.bn_decay", "model.init",
}

// Follow gives keys that nobody has set the values of the weights at path, with
// which a training begins: their structure, input size and preprocessing. A
// structure that somebody has set otherwise is an error that says what to type.
func (r *Resolved) Follow(path string, m weights.Metadata) error {
	theirs := r.Config
	theirs.Model = m.Spec
	theirs.Model.InputSize = m.InputSize
	p := m.Preprocess
	if name := p.Setting(); name != "" {
		theirs.Data.Preprocess, theirs.Data.Interpolation = name, p.Interpolation
		if named, err := picture.NamedPreprocess(name, p.Size); err == nil && named.CropPct != p.CropPct {
			theirs.Eval.CropPct = p.CropPct
		}
	}
	values := theirs.values()
	var set, places []string
	for _, l := range leavesOf(&r.Config) {
		value := values[l.key]
		if slices.Contains(ownChoices, l.key) || reflect.DeepEqual(l.value.Interface(), value.Interface()) {
			continue
		}
		switch {
		case !r.given[l.key]:
			l.value.Set(value)
			r.Origin[l.key] = path
		case strings.HasPrefix(l.key, "model.") && l.key != "model.input_size":
			set = append(set, fmt.Sprintf("--set %s=%v", l.key, value.Interface()))
			places = append(places, fmt.Sprintf("%s %v (%s)", l.key, l.value.Interface(), r.Origin[l.key]))
		}
	}
	if len(set) > 0 {
		return fmt.Errorf("%s is of another structure than the configuration's %s; give %s, or a --config that does not set it, such as finetune",
			path, strings.Join(places, ", "), strings.Join(set, " "))
	}
	if err := r.Validate(); err != nil {
		return r.locate(err)
	}
	return nil
}

// values returns the value of each key.
func (c *Config) values() map[string]reflect.Value {
	values := map[string]reflect.Value{}
	for _, l := range leavesOf(c) {
		values[l.key] = l.value
	}
	return values
}
