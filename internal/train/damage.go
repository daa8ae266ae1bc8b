package train

import (
	"errors"
	"fmt"
	"time"

	"github.com/inception-go/inception/internal/dataset"
	"github.com/inception-go/inception/internal/shell"
)

// damage counts the images of a set that cannot be read, and those that are
// used though they are cut off or damaged.
type damage struct {
	what     string // the images are: training or validation images
	spec     string // of the dataset
	images   int    // of the set
	options  dataset.Options
	named    map[string]bool // that cannot be read
	used     map[string]bool // as far as they go
	reporter Reporter
}

func newDamage(what, spec string, images int, o dataset.Options, reporter Reporter) *damage {
	return &damage{what, spec, images, o, map[string]bool{}, map[string]bool{}, reporter}
}

// examples are how many of too many unreadable images are named.
const examples = 5

// add names images that could not be read and those that were used as far as
// they go, each once, and returns an error if the former are more than may be
// skipped.
func (d *damage) add(skipped, used []error) error {
	if d == nil { // images that come from no set
		return nil
	}
	for _, err := range unnamed(used, d.used) {
		d.reporter.Warn(fmt.Sprintf("%v; it is used as far as it goes (data.truncated; %d of the %d %s so far)",
			err, len(d.used), d.images, d.what))
	}
	fresh := unnamed(skipped, d.named)
	n := len(d.named)
	tooMany := n > d.options.Skippable(d.images)
	if tooMany {
		fresh = fresh[:min(len(fresh), examples)] // the error says how to see all
	}
	for i, err := range fresh {
		text := "skipped: " + err.Error()
		if i == 0 && n == len(fresh) && !tooMany {
			text += "; inception dataset verify " + shell.Quote(d.spec) + " names all"
		}
		d.reporter.Warn(text)
	}
	if n > 0 && n == d.images {
		return fmt.Errorf("none of the %d %s can be read; %s", n, d.what, d.cure("name other images"))
	}
	if tooMany {
		return fmt.Errorf("%d of %d %s cannot be read, more than data.max_errors (%g) allows; %s",
			n, d.images, d.what, d.options.MaxErrors, d.cure("raise data.max_errors"))
	}
	return nil
}

// String counts what add has named; it is empty if that is nothing.
func (d *damage) String() string {
	if d == nil || len(d.named)+len(d.used) == 0 {
		return ""
	}
	return fmt.Sprintf("of %d %s %d could not be read and were skipped, %d are damaged and were used as far as they go",
		d.images, d.what, len(d.named), len(d.used))
}

// unnamed returns the errors about images that are not named yet, which they
// are then.
func unnamed(errs []error, named map[string]bool) (fresh []error) {
	for _, err := range errs {
		var image *dataset.ImageError
		if errors.As(err, &image) && !named[image.Name] {
			named[image.Name] = true
			fresh = append(fresh, err)
		}
	}
	return fresh
}

// advised adds to the error of an unreadable image what can be done.
func (d *damage) advised(err error) error {
	var image *dataset.ImageError
	if d == nil || !errors.As(err, &image) {
		return err
	}
	return fmt.Errorf("%w; %s", err, d.cure("set data.on_error: skip"))
}

func (d *damage) cure(setting string) string {
	return fmt.Sprintf("inception dataset verify %s names all of them: mend or remove them, or %s",
		shell.Quote(d.spec), setting)
}

// checkTime is how long files may be looked at before the first step.
const checkTime = 2 * time.Second

// check looks for files of a set that cannot be read or are damaged.
func (d *damage) check(set dataset.Set) error {
	found := dataset.Check(set, checkTime)
	if n := len(found.Unreadable); n > 0 && !d.options.Skips() {
		return d.advised(fmt.Errorf("%d of %d %s cannot be read: %w", n, d.images, d.what, found.Unreadable[0]))
	}
	return d.add(found.Unreadable, found.Damaged)
}
