package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/inception-go/inception/internal/parallel"
	"github.com/inception-go/inception/internal/picture"
)

// LoaderOptions say how images become batches.
type LoaderOptions struct {
	Batch          int                // images in each
	Train          bool               // shuffle and augment; only whole batches
	Seed           uint64             // of the order and the augmentation
	Workers        int                // decoding goroutines; 0 for one per thread of the kernels
	Preprocess     picture.Preprocess // its normalisation, and in evaluation its geometry
	Augment        Augment            // in training
	Crops          picture.Crops      // views of each image in evaluation; 0 is one
	Balance        bool               // in training: show all classes equally often
	SkipUnreadable bool               // leave out images that cannot be read instead of failing
}

// Loader reads a set epoch by epoch.
type Loader struct {
	set     Set
	options LoaderOptions
	mine    func(batch int) bool // nil for all
}

// NewLoader returns a loader of set.
func NewLoader(set Set, o LoaderOptions) *Loader {
	if o.Workers < 1 {
		o.Workers = parallel.Threads()
	}
	if o.Train || o.Crops < 1 {
		o.Crops = picture.SingleCrop
	}
	return &Loader{set: set, options: o}
}

// Of returns a loader of those batches alone for which mine is true: the others
// are read by other processes.
func (l *Loader) Of(mine func(batch int) bool) *Loader {
	return &Loader{l.set, l.options, mine}
}

// Batch is a batch of preprocessed images, or of their views one behind
// another. Rows that hold no image, behind the last one or for one that could
// not be read, have the label -1.
type Batch struct {
	Images  []float32 // [N][3][H][W]
	Labels  []int
	Others  []int     // classes of the smaller parts of mixed images, nil if none is; Labels has those of the larger
	Shares  []float32 // of the larger parts, nil if none is mixed
	Indices []int     // of the images in the set
	Skipped []error   // why images whose first view is here could not be read, if that is allowed: ImageErrors
	Damaged []error   // what is wrong with those of others, which are used as far as they go: ImageErrors
}

// ImageError says why an image cannot be read.
type ImageError struct {
	Name string // of the image
	Err  error
}

// Error returns "image NAME: why".
func (e *ImageError) Error() string { return fmt.Sprintf("image %s: %v", OneLine(e.Name), e.Err) }

// Unwrap returns the error without the image.
func (e *ImageError) Unwrap() error { return e.Err }

// harmOf says what is wrong with image i of a set, which was read as far as it
// goes; nil if nothing is.
func harmOf(set Set, i int, im picture.Image) error {
	if im.Damage == "" {
		return nil
	}
	return &ImageError{set.Name(i), errors.New(im.Damage)}
}

// BatchesPerEpoch returns the number of batches of an epoch. In training the
// images behind the last whole batch wait for another epoch's order; a set
// smaller than a batch gives one batch, some of its images twice.
func (l *Loader) BatchesPerEpoch() int {
	n, batch := l.set.Len(), l.options.Batch
	if l.options.Train {
		return max(1, n/batch)
	}
	return (n*int(l.options.Crops) + batch - 1) / batch
}

// Epoch begins to read the batches of an epoch behind the first skip. The
// images of an epoch, their order and their augmentation do not depend on
// workers or earlier epochs. The caller must Close what it gets.
func (l *Loader) Epoch(ctx context.Context, epoch, skip int) *Batches {
	ctx, cancel := context.WithCancelCause(ctx)
	b := &Batches{
		loader: l, ctx: ctx, cancel: cancel, epoch: epoch,
		ready: make(chan *filling, ahead), free: make(chan *Batch, ahead+2), jobs: make(chan job),
	}
	size := l.options.Preprocess.Size
	for range min(ahead+2, l.BatchesPerEpoch()-skip) {
		b.free <- &Batch{Images: make([]float32, l.options.Batch*3*size*size)}
	}
	b.running.Add(1 + l.options.Workers)
	go b.plan(skip)
	for range l.options.Workers {
		go b.work()
	}
	return b
}

// ahead is how many batches are read before they are asked for.
const ahead = 3

// Batches are the batches of one epoch.
type Batches struct {
	loader  *Loader
	ctx     context.Context
	cancel  context.CancelCauseFunc
	epoch   int
	ready   chan *filling // in order
	free    chan *Batch   // memory to be used again
	jobs    chan job
	current *Batch
	running sync.WaitGroup
}

// filling is a batch that workers are at.
type filling struct {
	batch *Batch
	errs  []error // of each row
	harm  []error // of each row whose image is used as far as it goes
	first []bool  // the row is the first view of its image
	left  sync.WaitGroup
	done  chan struct{}
}

// job is one row of a batch.
type job struct {
	to   *filling
	row  int
	read func() (*loaned, error)
	view
}

// view is one of the views of image index. A balanced epoch may draw an image
// several times, each with choices of its own.
type view struct{ index, number, draw int }

// Next returns the next batch, which is valid until Next is called again, or
// io.EOF after the last.
func (b *Batches) Next() (*Batch, error) {
	if b.current != nil {
		b.free <- b.current
		b.current = nil
	}
	select {
	case f, ok := <-b.ready:
		if !ok {
			break
		}
		select {
		case <-f.done:
		case <-b.ctx.Done():
			return nil, context.Cause(b.ctx)
		}
		if b.ctx.Err() != nil { // then workers may have left rows unread
			return nil, context.Cause(b.ctx)
		}
		b.current = f.batch
		return b.current, f.settle(&b.loader.options)
	case <-b.ctx.Done():
	}
	if err := context.Cause(b.ctx); err != nil {
		return nil, err
	}
	return nil, io.EOF
}

// settle moves the errors to Skipped, or returns the first, and what else is
// wrong to Damaged.
func (f *filling) settle(o *LoaderOptions) error {
	f.batch.Skipped, f.batch.Damaged = nil, nil
	for row, err := range f.errs {
		if harm := f.harm[row]; harm != nil && f.first[row] {
			f.batch.Damaged = append(f.batch.Damaged, harm)
		}
		if err == nil {
			continue
		}
		if !o.SkipUnreadable {
			return err
		}
		f.batch.Labels[row] = -1
		if f.first[row] {
			f.batch.Skipped = append(f.batch.Skipped, err)
		}
	}
	if o.Train && len(f.batch.Skipped) > 0 {
		f.fillGaps()
	}
	return nil
}

// fillGaps puts copies of readable images into the rows of others: batch norm
// measures all rows, those without a label too, and a black one is no image of
// the set.
func (f *filling) fillGaps() {
	images, floats := f.batch.Images, len(f.batch.Images)/len(f.errs)
	for row, err := range f.errs {
		for from := row + 1; err != nil && from < row+len(f.errs); from++ {
			if at := from % len(f.errs); f.errs[at] == nil {
				copy(images[row*floats:(row+1)*floats], images[at*floats:])
				break
			}
		}
	}
}

// Close stops reading and waits for the workers to end.
func (b *Batches) Close() {
	b.cancel(fmt.Errorf("reading of images: %w", context.Canceled))
	b.running.Wait()
}

// plan hands out the rows of all batches in order.
func (b *Batches) plan(skip int) {
	defer b.running.Done()
	defer close(b.jobs)
	defer close(b.ready)
	order, size := b.loader.order(b.epoch), b.loader.options.Batch
	var read func() (*loaned, error)
	for n := skip; n < b.loader.BatchesPerEpoch(); n++ {
		if mine := b.loader.mine; mine != nil && !mine(n) {
			read = nil // the batch that follows may begin within an image of this one
			continue
		}
		f := &filling{
			errs: make([]error, size), harm: make([]error, size), first: make([]bool, size),
			done: make(chan struct{}),
		}
		select {
		case f.batch = <-b.free:
		case <-b.ctx.Done():
			return
		}
		rows := b.loader.rows(order, n)
		b.loader.label(f.batch, rows)
		f.left.Add(len(rows))
		go func() {
			f.left.Wait()
			if b.ctx.Err() == nil {
				b.loader.mix(f, b.epoch, n)
			}
			close(f.done)
		}()
		sent := 0
		for row, v := range rows {
			if v.number == 0 || read == nil {
				read = b.loader.reader(v.index)
			}
			f.first[row] = v.number == 0
			select {
			case b.jobs <- job{f, row, read, v}:
				sent++
				continue
			case <-b.ctx.Done():
			}
			break
		}
		if sent < len(rows) {
			f.left.Add(sent - len(rows))
			return
		}
		select {
		case b.ready <- f:
		case <-b.ctx.Done():
			return
		}
	}
}

// order returns the draws of an epoch in their order; draw d is of image d
// modulo the number of images.
func (l *Loader) order(epoch int) []int {
	if l.options.Train {
		rng := rand.New(rand.NewPCG(l.options.Seed, uint64(epoch)+0x51ed270b))
		if l.options.Balance {
			return balanced(l.set, rng)
		}
		return rng.Perm(l.set.Len())
	}
	order := make([]int, l.set.Len())
	for i := range order {
		order[i] = i
	}
	return order
}

// rows returns the views of batch n.
func (l *Loader) rows(order []int, n int) []view {
	crops := int(l.options.Crops)
	first, count := n*l.options.Batch, l.options.Batch
	if !l.options.Train {
		count = min(count, len(order)*crops-first)
	}
	rows := make([]view, count)
	for i := range rows {
		draw := order[(first+i)/crops%len(order)]
		rows[i] = view{draw % l.set.Len(), (first + i) % crops, draw}
	}
	return rows
}

// label fills in what is known before decoding.
func (l *Loader) label(b *Batch, rows []view) {
	b.Labels, b.Indices = make([]int, l.options.Batch), make([]int, l.options.Batch)
	for i := range b.Labels {
		b.Labels[i], b.Indices[i] = -1, -1
		if i < len(rows) {
			b.Labels[i], b.Indices[i] = l.set.Label(rows[i].index), rows[i].index
		}
	}
	if n := len(b.Images) / l.options.Batch; len(rows) < l.options.Batch {
		clear(b.Images[len(rows)*n:])
	}
}

// loaned are the views of an image whose memory is given back after use.
type loaned struct {
	*picture.Views
	giveBack func()
}

// reader returns what reads image i when it is first called, however many rows
// show the image.
func (l *Loader) reader(i int) func() (*loaned, error) {
	return sync.OnceValues(func() (*loaned, error) {
		im, giveBack, err := Lend(l.set, i)
		if err == nil {
			err = im.Validate()
		}
		if err == nil && !l.options.Train && l.options.Crops.Framed() {
			err = l.options.Preprocess.Takes(im)
		}
		if err != nil {
			giveBack()
			return nil, err
		}
		if l.options.Crops > picture.SingleCrop {
			// The last row may wait for the reader of the batches, and that for
			// an image that waits for memory.
			giveBack()
			giveBack = func() {}
		}
		return &loaned{l.options.Preprocess.Views(im, l.options.Crops), giveBack}, nil
	})
}

func (b *Batches) work() {
	defer b.running.Done()
	var r picture.Resampler
	for j := range b.jobs {
		if b.ctx.Err() == nil {
			j.to.errs[j.row] = b.loader.fill(j, b.epoch, &r)
		}
		j.to.left.Done()
	}
}

// fill makes one row out of its image.
func (l *Loader) fill(j job, epoch int, r *picture.Resampler) error {
	o := &l.options
	n := len(j.to.batch.Images) / o.Batch
	dst := j.to.batch.Images[j.row*n : (j.row+1)*n]
	views, err := j.read()
	if err != nil {
		clear(dst)
		return &ImageError{l.set.Name(j.index), err}
	}
	defer views.giveBack()
	j.to.harm[j.row] = harmOf(l.set, j.index, views.Picture)
	if o.Train {
		o.Augment.at(o.Seed, epoch, j.draw).augment(dst, views.Picture, o.Preprocess, random(o.Seed, epoch, j.draw), r)
	} else {
		views.Cut(dst, j.number, r)
	}
	return nil
}
