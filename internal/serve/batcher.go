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

// job is one input that waits for its output.
type job struct {
	ctx   context.Context
	input []float32
	since time.Time
	done  chan struct{} // is closed when output or err is there
	output
	failed error
}

func newBatcher(e *engine, o Options, m *metrics) *batcher {
	b := &batcher{engine: e, options: o, metrics: m, queue: make(chan *job, o.Queue),
		stop: make(chan struct{}), ended: make(chan struct{})}
	go b.work()
	return b
}

// announce says that n inputs will come, so that others wait for them. Each is
// either given to run or taken back by announce(-1).
func (b *batcher) announce(n int) { b.coming.Add(int64(n)) }

// run returns the outputs of announced inputs, in order.
func (b *batcher) run(ctx context.Context, inputs [][]float32) ([]output, error) {
	jobs := make([]*job, len(inputs))
	for i, in := range inputs {
		jobs[i] = &job{ctx: ctx, input: in, since: time.Now(), done: make(chan struct{})}
	}
	for i, j := range jobs {
		select {
		case b.queue <- j:
			b.announce(-1)
		case <-ctx.Done():
			b.announce(i - len(jobs))
			return nil, context.Cause(ctx)
		case <-b.stop:
			b.announce(i - len(jobs))
			return nil, errStopped
		}
	}
	outputs := make([]output, len(jobs))
	for i, j := range jobs {
		select {
		case <-j.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-b.ended:
			return nil, errStopped
		}
		if j.failed != nil {
			return nil, j.failed
		}
		outputs[i] = j.output
	}
	return outputs, nil
}

// work runs batches until the batcher is closed.
func (b *batcher) work() {
	defer close(b.ended)
	for {
		select {
		case first := <-b.queue:
			if first.ctx.Err() == nil { // else whoever asked has gone
				b.runBatch(b.collect(first))
			}
		case <-b.stop:
			return
		}
	}
}

// collect returns the first job and those that come in time.
func (b *batcher) collect(first *job) []*job {
	batch := []*job{first}
	last := first.since.Add(b.options.Delay)
	for len(batch) < b.options.Batch {
		j, ok := b.next(last)
		if !ok {
			break
		}
		if j.ctx.Err() == nil {
			batch = append(batch, j)
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
	inputs := make([][]float32, len(batch))
	for i, j := range batch {
		inputs[i] = j.input
		b.metrics.waited.Observe(began.Sub(j.since).Seconds())
	}
	b.metrics.pictures.Add(float64(len(batch)))
	outputs, err := b.engine.run(inputs)
	b.metrics.batch.Observe(float64(len(batch)))
	b.metrics.computed.Observe(time.Since(began).Seconds())
	for i, j := range batch {
		if j.failed = err; err == nil {
			j.output = outputs[i]
			j.failed = j.output.err()
		}
		close(j.done)
	}
}

// close waits for the batch that runs and frees the networks.
func (b *batcher) close() error {
	close(b.stop)
	<-b.ended
	return b.engine.close()
}
