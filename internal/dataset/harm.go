package dataset

import "errors"

// Harm is an ImageError as other processes can be told of it.
type Harm struct{ Name, Why string }

// Harms returns those of errs that are ImageErrors.
func Harms(errs []error) (all []Harm) {
	for _, err := range errs {
		var image *ImageError
		if errors.As(err, &image) {
			all = append(all, Harm{image.Name, image.Err.Error()})
		}
	}
	return all
}

// ImageErrors is the inverse of Harms; an error's chain is not kept.
func ImageErrors(all []Harm) (errs []error) {
	for _, h := range all {
		errs = append(errs, &ImageError{Name: h.Name, Err: errors.New(h.Why)})
	}
	return errs
}
