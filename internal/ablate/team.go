package ablate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/inception-go/inception/internal/cluster"
	"github.com/inception-go/inception/internal/report"
	"github.com/inception-go/inception/internal/train"
)

// team is all crews as rank 0 sees them: its own one, and others at the ends of
// links.
type team struct {
	own     *Crew
	all     []worker
	idle    []worker
	working int
	ended   chan ended
	talking sync.Mutex // so that who shows progress hears one thing at a time
}

// worker is a crew to rank 0.
type worker struct {
	link *cluster.Link // to its leader; nil for rank 0's own crew
	name string        // of its leader
}

// task is an order with what rank 0 does before and after it.
type task struct {
	order
	begin func(where string) train.Reporter // of a run, not of a test alone; where is the leader of another crew, or empty
	end   func() error                      // once the order is carried out; not if another process is at the run
}

// ended is a task that has ended.
type ended struct {
	worker
	task *task
	busy bool
	err  error
}

// assemble forms the crews.
func (p *Plan) assemble() (*team, error) {
	own := p.crew
	if own == nil {
		own = &Crew{Size: 1}
	}
	if err := own.meet(p.Base.Cluster); err != nil {
		return nil, err
	}
	t := &team{own: own, all: []worker{{}}, ended: make(chan ended)}
	for leader := own.Size; leader < own.Cluster.Size(); leader += own.Size {
		t.all = append(t.all, worker{own.Cluster.Link(leader), own.Cluster.Name(leader)})
	}
	t.idle = append(t.idle, t.all...)
	return t, nil
}

// disband tells all crews that there is no more to do, because of an error if
// failed is one.
func (t *team) disband(failed error) error {
	text := ""
	if failed != nil {
		text = failed.Error()
	}
	var errs []error
	for _, w := range t.all[1:] {
		errs = append(errs, send(w.link, instruction{End: true, Failed: text}), w.link.Close())
	}
	errs = append(errs, t.own.tell(instruction{End: true, Failed: text}))
	if failed != nil {
		return nil // that is what matters
	}
	return errors.Join(errs...)
}

// work has crews carry out tasks until next returns none and all have ended.
// After an error, or when ctx ends, those under way are stopped, which saves
// them.
func (t *team) work(ctx context.Context, next func() (*task, error)) error {
	within, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var failed error
	fail := func(err error) {
		if failed == nil && err != nil {
			failed = err
			stop(errStopped)
		}
	}
	for {
		for failed == nil && len(t.idle) > 0 {
			next, err := next()
			if err == nil && next != nil {
				err = context.Cause(ctx)
			}
			fail(err)
			if err != nil || next == nil {
				break
			}
			t.begin(within, next)
		}
		if t.working == 0 {
			return failed
		}
		e := <-t.ended
		t.working--
		t.idle = append(t.idle, e.worker)
		if e.err == nil && !e.busy {
			e.err = e.task.end()
		}
		if errors.Is(e.err, errStopped) && ctx.Err() != nil {
			e.err = context.Cause(ctx)
		}
		fail(e.err)
	}
}

// begin has an idle crew carry out a task.
func (t *team) begin(ctx context.Context, next *task) {
	w := t.idle[0]
	t.idle = t.idle[1:]
	t.working++
	var reporter train.Reporter = train.Silence{}
	if next.Train {
		t.talking.Lock()
		if r := next.begin(w.name); r != nil {
			reporter = r
		}
		t.talking.Unlock()
	}
	go func() {
		e := ended{worker: w, task: next}
		if w.link == nil {
			e.busy, e.err = t.own.carryOut(ctx, next.order, oneByOne{&t.talking, reporter})
		} else {
			e.busy, e.err = w.carryOut(ctx, next.order)
		}
		t.ended <- e
	}()
}

// carryOut has another crew carry out an order.
func (w worker) carryOut(ctx context.Context, o order) (busy bool, err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return false, err
	}
	if err := send(w.link, instruction{Order: &o}); err != nil {
		return false, err
	}
	defer context.AfterFunc(ctx, func() {
		_ = send(w.link, instruction{Stop: true}) // if it is lost, so is the answer
	})()
	text, ok := <-w.link.Received
	if !ok {
		if err = w.link.Err(); err == nil {
			err = fmt.Errorf("%s has gone", w.name)
		}
		return false, err
	}
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return false, fmt.Errorf("%s: %w", w.name, err)
	}
	switch {
	case a.Stopped:
		err = errStopped
	case a.Failed != "":
		err = fmt.Errorf("%s: %s", w.name, a.Failed)
	}
	return a.Busy, err
}

// oneByOne is a reporter that does not speak while others do.
type oneByOne struct {
	talking *sync.Mutex
	to      train.Reporter
}

func (o oneByOne) say(what func()) {
	o.talking.Lock()
	defer o.talking.Unlock()
	what()
}

// Note implements train.Reporter.
func (o oneByOne) Note(text string) { o.say(func() { o.to.Note(text) }) }

// Warn implements train.Reporter.
func (o oneByOne) Warn(text string) { o.say(func() { o.to.Warn(text) }) }

// Step implements train.Reporter.
func (o oneByOne) Step(s train.Status) { o.say(func() { o.to.Step(s) }) }

// Validation implements train.Reporter.
func (o oneByOne) Validation(done, total int) { o.say(func() { o.to.Validation(done, total) }) }

// Metrics implements train.Reporter.
func (o oneByOne) Metrics(line report.Line) { o.say(func() { o.to.Metrics(line) }) }

// Epoch implements train.Reporter.
func (o oneByOne) Epoch(s train.EpochSummary) { o.say(func() { o.to.Epoch(s) }) }
