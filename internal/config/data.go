package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/inception-go/inception/internal/dataset"
)

// MissingData explains an error about a dataset that is not there and that nobody
// has named on the command line: it is often the default of an embedded
// configuration, on whose author's machine it was. Other errors it returns as they
// are.
func (r *Resolved) MissingData(err error) error {
	var missing *dataset.MissingError
	if !errors.As(err, &missing) {
		return err
	}
	path, _ := filepath.Abs(missing.Path)
	for _, from := range []struct{ key, spec, flag string }{
		{"data.train", r.Data.Train, "--data"}, {"data.val", r.Data.Val, "--val"},
	} {
		origin := r.Origin[from.key]
		if !strings.HasSuffix(dataset.Absolute(from.spec), path) || !origin.Given() || origin.Typed() {
			continue
		}
		by := fmt.Sprintf("%s names it; correct that or give", origin)
		if r.Embedded && origin.Kind == FromFile {
			by = fmt.Sprintf("it is only the default of the configuration %s; give", r.Name)
		}
		return fmt.Errorf("dataset %s: there is no such folder; %s %s, a folder of images or one of %s", from.spec, by,
			from.flag, dataset.Specs())
	}
	return err
}

// WarnOfOldSplit warns if the configuration, which is a run's own, is of a time when
// train.seed chose the held-out images: now others are.
func (r *Resolved) WarnOfOldSplit(warn func(text string)) {
	if r.Origin["data.val_seed"].Kind != FromDefault || r.Data.ValFraction == 0 || r.Data.Val != "" {
		return
	}
	own, err := dataset.OpenTraining(r.Data)
	if err == nil && own.ValPart == dataset.HeldOut {
		warn("the run was begun by an older version, which held out other images: " +
			"its validation shows images that it has trained on")
	}
}
