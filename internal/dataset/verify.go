package dataset

import (
	"bufio"
	"context"
	"image"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inception-go/inception/internal/parallel"
)

// Verify decodes every image of a set and returns what is wrong with each, nil
// where nothing is. Images after the end of ctx are not looked at. progress,
// unless it is nil, is called from one goroutine at a time.
func Verify(ctx context.Context, set Set, progress func(done, total int)) []error {
	failures := make([]error, set.Len())
	var told sync.Mutex
	done := 0
	parallel.For(set.Len(), func(i int) {
		if ctx.Err() != nil {
			return
		}
		im, err := set.Image(i)
		if err == nil {
			err = im.Validate()
		}
		failures[i] = err
		if progress != nil {
			told.Lock()
			defer told.Unlock()
			done++
			progress(done, set.Len())
		}
	})
	return failures
}

// Check looks for at most about so long for files of a set that cannot be
// read, and returns what is wrong with those in their order. It looks at the
// headers and, where all files can be decoded in that time too, decodes them.
func Check(set Set, limit time.Duration) (damaged []error) {
	if !ofFiles(set) { // what is read as a whole has been checked
		return nil
	}
	end := time.Now().Add(limit)
	failures := make([]error, set.Len())
	parallel.For(set.Len(), func(i int) {
		if time.Now().Before(end) {
			failures[i] = checkHeader(set, i)
		}
	})
	decodeInTime(set, failures, time.Until(end))
	for i, err := range failures {
		if err != nil {
			damaged = append(damaged, &ImageError{set.Name(i), err})
		}
	}
	return damaged
}

// decodeInTime decodes the images without a failure, unless the first ones
// show that the time will not do.
func decodeInTime(set Set, failures []error, limit time.Duration) {
	begin := time.Now()
	var done atomic.Int64
	tooSlow := func() bool {
		took := time.Since(begin)
		ahead := took * time.Duration(set.Len()) / time.Duration(done.Load()+1)
		return took > limit || took > limit/8 && ahead > limit
	}
	parallel.For(set.Len(), func(i int) {
		if failures[i] == nil && !tooSlow() {
			_, failures[i] = set.Image(i)
			done.Add(1)
		}
	})
}

// ofFiles reports whether each image of a set is a file of its own.
func ofFiles(set Set) bool {
	switch s := set.(type) {
	case *imageFolder:
		return true
	case subset:
		return ofFiles(s.Set)
	case relabelled:
		return ofFiles(s.Set)
	}
	return false
}

// checkHeader looks at the header of image i.
func checkHeader(set Set, i int) error {
	switch s := set.(type) {
	case *imageFolder:
		return s.checkHeader(i)
	case subset:
		return checkHeader(s.Set, s.indices[i])
	case relabelled:
		return checkHeader(s.Set, i)
	}
	return nil
}

// checkHeader lets decoding decide where the header is not one that Go knows:
// it knows more formats, and mends some files.
func (f *imageFolder) checkHeader(i int) error {
	file, err := openRegular(f.files[i].path)
	if err != nil {
		return err
	}
	_, _, err = image.DecodeConfig(bufio.NewReader(file))
	file.Close()
	if err != nil {
		_, err = f.Image(i)
	}
	return err
}
