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
