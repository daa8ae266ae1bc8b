package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/picture"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/weights"
)

// AgreesWith returns an error for a model.* key that the user has set and that
// contradicts the structure spec of a weight file; the input size may differ. A
// configuration that stands in because none is named is not the user's.
func (r *Resolved) AgreesWith(spec model.Spec) error {
	for _, d := range r.Model.Differences(spec) {
		fromData := d.Key == "model.classes" && r.Model.Classes == 0
		chosen := r.Origin[d.Key].Given() && !(r.implied && r.Origin[d.Key].Kind == FromFile)
		if d.Key == "model.input_size" || fromData || !chosen {
			continue
		}
		return fmt.Errorf("%s is %v (%s), but the weights are those of a network with %v; remove the key",
			d.Key, d.Value, r.Origin[d.Key], d.Other)
	}
	return nil
}

// ownChoice reports whether a training may choose the value of a model.* key
// whatever weights it starts from.
func ownChoice(key string) bool {
	return slices.Contains([]string{
		"model.classes", "model.aux", "model.aux_late", "model.aux_early", "model.aux_dropout",
		"model.dropout", "model.bn_decay", "model.init",
	}, key)
}

// Follow gives keys that the user has not set the values of the weights at path,
// from which a training starts: their structure, input size and preprocessing.
// If the user has set another structure, the error says what to type.
func (r *Resolved) Follow(path string, m weights.Metadata) error {
	theirs := r.Config
	theirs.Model = m.Network()
	p := m.Preprocess
	if name, geometry := p.Setting(); name != "" {
		theirs.Data.Preprocess, theirs.Data.Geometry, theirs.Data.Interpolation = name, geometry, p.Interpolation
		named, err := picture.NamedPreprocess(name, p.Size)
		if err == nil && named.WithGeometry(geometry).CropPct != p.CropPct {
			theirs.Eval.CropPct = p.CropPct
		}
	}
	values := settings.Leaves(&theirs)
	var set, places []string
	for i, l := range settings.Leaves(&r.Config) {
		has, value := l.Value.Interface(), values[i].Value
		if ownChoice(l.Key) || reflect.DeepEqual(has, value.Interface()) {
			continue
		}
		switch {
		case !r.Origin[l.Key].Given():
			l.Value.Set(value)
			r.Origin[l.Key] = Origin{FromWeights, path}
		case strings.HasPrefix(l.Key, "model.") && l.Key != "model.input_size":
			set = append(set, fmt.Sprintf("--set %s=%v", l.Key, value.Interface()))
			places = append(places, fmt.Sprintf("%s %v (%s)", l.Key, has, r.Origin[l.Key]))
		}
	}
	if len(set) > 0 {
		return fmt.Errorf("%s has another structure than the configuration's %s; "+
			"use %s, or a --config that does not set it, such as finetune",
			path, strings.Join(places, ", "), strings.Join(set, " "))
	}
	if err := r.Validate(); err != nil {
		return r.locate(err)
	}
	return nil
}
