package config

import (
	"errors"
	"slices"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
	"github.com/inception-go/inception/internal/train"
)

// Choices returns the values that a key may have, if they are a few names: those
// that its package's own check lists when it refuses another one.
func Choices(key string) []string {
	c, _ := train.DefaultConfig(defaultVariant)
	for _, l := range settings.Leaves(&c) {
		if l.Key != key {
			continue
		}
		switch value := l.Value.Addr().Interface().(type) {
		case *bool:
			return []string{"true", "false"}
		case *string:
			*value = "no such name"
			var wrong *settings.KeyError
			if errors.As(c.Validate(), &wrong) && wrong.Key == key {
				return wrong.Choices
			}
		}
	}
	return nil
}

// Departures returns the paper's design principles that settings of the user's
// own depart from. What embedded configurations and suites do, they mean to do.
func (r *Resolved) Departures() []model.Warning {
	warnings, err := model.Principles(r.Network())
	if err != nil {
		return nil // whoever builds the network says why
	}
	return slices.DeleteFunc(warnings, func(w model.Warning) bool {
		from := r.Origin[w.Key].Kind
		return !(from == FromSet || from == FromFlag || from == FromVariable || from == FromFile && !r.Embedded)
	})
}
