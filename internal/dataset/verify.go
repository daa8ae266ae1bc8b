package dataset

import (
	"context"

	"github.com/inception-go/inception/internal/parallel"
)

// Verify decodes every image of a set and returns what is wrong with each, nil
// where nothing is. Images after the end of ctx are not looked at.
func Verify(ctx context.Context, set Set) []error {
	failures := make([]error, set.Len())
	parallel.For(set.Len(), func(i int) {
		if ctx.Err() != nil {
			return
		}
		im, err := set.Image(i)
		if err == nil {
			err = im.Validate()
		}
		failures[i] = err
	})
	return failures
}
