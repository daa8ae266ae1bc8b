package dataset

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/inception-go/inception/internal/parallel"
)

// Findings are what is wrong with images of a set, in their order: ImageErrors.
type Findings struct {
	Unreadable []error
	Damaged    []error // cut off or damaged, and used as far as they go
}

// Verify decodes every image of a set. Images after the end of ctx are not
// looked at. progress, unless it is nil, is called by one goroutine at a time.
func Verify(ctx context.Context, set Set, progress func(done, total int)) Findings {
	c := newCheck(set)
	var telling sync.Mutex
	done := 0
	parallel.For(set.Len(), func(i int) {
		if ctx.Err() != nil {
			return
		}
		c.decode(i)
		if progress != nil {
			telling.Lock()
			defer telling.Unlock()
			done++
			progress(done, set.Len())
		}
	})
	return c.findings()
}

// Check looks at a set for at most about so long. It looks at the headers and,
// where all files can be decoded in that time too, decodes them.
func Check(set Set, limit time.Duration) Findings {
	if !ofFiles(set) { // what is read as a whole has been checked
		return Findings{}
	}
	c, begin := newCheck(set), time.Now()
	parallel.For(set.Len(), func(i int) {
		if time.Since(begin) < limit {
			c.errs[i] = checkHeader(set, i)
		}
	})
	c.decodeInTime(limit - time.Since(begin))
	return c.findings()
}

// check is a look at the images of a set.
type check struct {
	set        Set
	errs, harm []error // of each image
}

func newCheck(set Set) *check {
	return &check{set, make([]error, set.Len()), make([]error, set.Len())}
}

func (c *check) decode(i int) {
	im, err := c.set.Image(i)
	if err == nil {
		err = im.Validate()
	}
	c.errs[i], c.harm[i] = err, harmOf(c.set, i, im)
}

func (c *check) findings() (f Findings) {
	for i, err := range c.errs {
		if err != nil {
			f.Unreadable = append(f.Unreadable, &ImageError{c.set.Name(i), err})
		} else if c.harm[i] != nil {
			f.Damaged = append(f.Damaged, c.harm[i])
		}
	}
	return f
}

// decodeInTime decodes the images without an error, unless those that it
// begins with show that the time will not do.
func (c *check) decodeInTime(limit time.Duration) {
	begin := time.Now()
	var done atomic.Int64
	tooSlow := func() bool {
		took := time.Since(begin)
		ahead := took * time.Duration(c.set.Len()) / time.Duration(done.Load()+1)
		return took > limit || took > limit/8 && ahead > limit
	}
	parallel.For(c.set.Len(), func(i int) {
		if c.errs[i] == nil && !tooSlow() {
			c.decode(i)
			done.Add(1)
		}
	})
}

// checkHeader looks at the header of image i. Decoding decides where the first bytes do
// not: a header may be longer, or stand elsewhere.
func checkHeader(set Set, i int) error {
	const first = 64 << 10
	files, at, ok := encodedOf(set, i)
	if !ok {
		return nil
	}
	data, err := files.encoded(at, first)
	if err == nil && files.check(data) == nil {
		return nil
	}
	_, err = files.Image(at)
	return err
}
