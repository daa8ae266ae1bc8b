package model

import (
	"fmt"

	"github.com/inception-go/inception/internal/settings"
)

// Difference is a key whose value differs between two structures.
type Difference struct {
	Key          string // as in a configuration, such as model.stem.conv
	Value, Other any
}

// String writes the key with its value.
func (d Difference) String() string { return fmt.Sprintf("%s %v", d.Key, d.Value) }

// Differences lists the keys at which s differs from other, in the order of
// Spec's fields.
func (s Spec) Differences(other Spec) (all []Difference) {
	theirs := settings.Leaves(&other)
	for i, l := range settings.Leaves(&s) {
		if a, b := l.Value.Interface(), theirs[i].Value.Interface(); a != b {
			all = append(all, Difference{"model." + l.Key, a, b})
		}
	}
	return all
}
