package train

import (
	"cmp"
	"strings"

	"github.com/inception-go/inception/internal/model"
	"github.com/inception-go/inception/internal/settings"
)

// freezer returns which layers stay as they are. A name that no layer begins
// with is an error, and so is freezing all.
func freezer(prefixes []string, w *model.Weights) (func(layer string) bool, error) {
	used := map[string]bool{}
	frozen := func(layer string) bool {
		for _, prefix := range prefixes {
			if strings.HasPrefix(layer, prefix) {
				return true
			}
		}
		return false
	}
	var modules []string
	left := false
	for _, p := range w.Params {
		layer := p.Layer
		for _, prefix := range prefixes {
			used[prefix] = used[prefix] || strings.HasPrefix(layer, prefix)
		}
		module := cmp.Or(p.Module, layer)
		if len(modules) == 0 || modules[len(modules)-1] != module {
			modules = append(modules, module)
		}
		left = left || p.Trainable() && !frozen(layer)
	}
	for _, prefix := range prefixes {
		if !used[prefix] {
			return nil, settings.Errorf("train.freeze", "no layer's name begins with %q; there are %s",
				prefix, strings.Join(modules, ", "))
		}
	}
	if !left {
		return nil, settings.Errorf("train.freeze", "freezes every layer, nothing is left to train")
	}
	return frozen, nil
}
