package serve

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// batcher collects inputs of several requests and runs them together. A picture
// waits for others only while the network has nothing to do, while other requests
// are about to bring some, and not longer than Options.Delay.
type batcher struct {
	engine  *engine
	options Options
	metrics *metrics
	queue   chan *job
	coming  atomic.Int64  // inputs that have been announced and are not in the queue yet
	stop    chan struct{} // is closed to end the work
	ended   chan struct{} // is closed when it has ended
}

// errStopped is what inputs get that come after the end.
var errStopped = refusal{http.StatusServiceUnavailable, errors.New("the server stops")}

// job is the inputs of a request, which run together, as they wait for their
// outputs.
type job struct {
	ctx     context.Context
	taken   atomic.Bool // by the batch that it runs in, or back by whoever asked
	inputs  [][]float32
	since   time.Time
	done    chan struct{} // is closed when outputs or failed are there
	outputs []output
	failed  error
}

// take reports whether nobody has taken the job before.
func (j *job) take() bool { return j.taken.CompareAndSwap(false, true) }

func newBatcher(e *engine, o Options, m *metrics) *batcher {
	b := &batcher{engine: e, options: o, metrics: m, queue: make(chan *job, o.Queue),
		stop: make(chan struct{}), ended: make(chan struct{})}
	go b.work()
	return b
}

// announce says that n inputs will come, so that others wait for them. They are
// either given to run or taken back by announce(-n).
func (b *batcher) announce(n int) { b.coming.Add(int64(n)) }

// run returns the outputs of announced inputs, in order.
func (b *batcher) run(ctx context.Context, inputs [][]float32) ([]output, error) {
	j := &job{ctx: ctx, inputs: inputs, since: time.Now(), done: make(chan struct{})}
	var err error
	select {
	case b.queue <- j:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-b.stop:
		err = errStopped
	}
	b.announce(-len(inputs))
	if err != nil {
		return nil, err
	}
	return b.wait(j)
}

func (b *batcher) wait(j *job) ([]output, error) {
	select {
	case <-j.done:
		return j.outputs, j.failed
	case <-j.ctx.Done():
		if j.take() {
			j.inputs = nil // it may wait in the queue for long
		}
		return nil, context.Cause(j.ctx)
	case <-b.ended:
		return nil, errStopped
	}
}

// work runs batches until the batcher is closed.
func (b *batcher) work() {
	defer close(b.ended)
	for {
		select {
		case first := <-b.queue:
			if first.take() { // else whoever asked has gone
				b.runBatch(b.collect(first))
			}
		case <-b.stop:
			return
		}
	}
}

// collect returns the first job and those that come in time, until a batch is full.
func (b *batcher) collect(first *job) []*job {
	batch, inputs := []*job{first}, len(first.inputs)
	last := first.since.Add(b.options.Delay)
	for inputs < b.options.Batch {
		j, ok := b.next(last)
		if !ok {
			break
		}
		if j.take() {
			batch, inputs = append(batch, j), inputs+len(j.inputs)
		}
	}
	return batch
}

// next returns a job that waits, or one that comes until last if any is about to.
func (b *batcher) next(last time.Time) (*job, bool) {
	select {
	case j := <-b.queue:
		return j, true
	default:
	}
	const glance = 200 * time.Microsecond // after which the announced ones are counted again
	for b.coming.Load() > 0 {
		left := time.Until(last)
		if left <= 0 {
			return nil, false
		}
		select {
		case j := <-b.queue:
			return j, true
		case <-time.After(min(left, glance)):
		}
	}
	select { // the last one may have come since it was counted
	case j := <-b.queue:
		return j, true
	default:
		return nil, false
	}
}

// runBatch runs jobs and hands out what they wait for.
func (b *batcher) runBatch(batch []*job) {
	began := time.Now()
	var inputs [][]float32
	for _, j := range batch {
		inputs = append(inputs, j.inputs...)
		b.metrics.waited.Observe(began.Sub(j.since).Seconds())
	}
	outputs, err := b.engine.run(inputs)
	b.metrics.pictures.Add(float64(len(inputs)))
	b.metrics.batch.Observe(float64(len(inputs)))
	b.metrics.computed.Observe(time.Since(began).Seconds())
	for _, j := range batch {
		if j.failed = err; err == nil {
			j.outputs, outputs = outputs[:len(j.inputs)], outputs[len(j.inputs):]
			j.failed = firstError(j.outputs)
		}
		close(j.done)
	}
}

func firstError(outputs []output) error {
	for _, o := range outputs {
		if err := o.err(); err != nil {
			return err
		}
	}
	return nil
}

// close waits for the batch that runs and frees the networks.
func (b *batcher) close() error {
	close(b.stop)
	<-b.ended
	return b.engine.close()
}
