// Package parallel runs the pieces of one kernel on all threads.
//
// The caller cuts its work into pieces whose number and borders do not depend
// on the number of threads, and adds partial results in piece order, so one
// thread and many give the same bits.
package parallel

import (
	"fmt"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

var threads atomic.Int32

func init() { threads.Store(int32(Default())) }

// Threads returns how many threads For uses, which is also the number of
// distinct worker indices that ForWorker hands out.
func Threads() int { return int(threads.Load()) }

// SetThreads sets how many threads For uses; n < 1 means Default.
// It must not be called while a For runs.
func SetThreads(n int) {
	if n < 1 {
		n = Default()
	}
	threads.Store(int32(n))
}

// For calls piece(i) for every i in [0, n), in any order, on up to Threads()
// goroutines, and returns when all are done. A panic in a piece is raised
// again in the caller.
//
// Each thread begins with its own part of [0, n), mostly the same one in every call, and
// then takes over what others have left of theirs. So what one call writes and the next
// reads, piece by piece, is mostly in the thread's cache.
func For(n int, piece func(i int)) {
	ForWorker(n, func(_, i int) { piece(i) })
}

// ForWorker is For for pieces that need scratch memory: worker is in
// [0, Threads()) and no two pieces with the same worker run at once within
// this call. Which worker gets which piece is not fixed.
func ForWorker(n int, piece func(worker, i int)) {
	workers := min(Threads(), n)
	if workers <= 1 {
		for i := range n {
			piece(0, i)
		}
		return
	}
	j := newJob(n, workers, func(worker, _, i int) { piece(worker, i) })
	for w := range j.spans {
		j.spans[w].set(n*w/workers, n*(w+1)/workers)
	}
	j.run()
}

// Grid is For for pieces in rows and columns, of which each thread begins with its own
// columns and goes through them row by row.
func Grid(rows, columns int, piece func(row, column int)) {
	workers := Threads()
	if workers == 1 || columns < workers {
		For(rows*columns, func(i int) { piece(i/columns, i%columns) })
		return
	}
	first := func(worker int) int { return columns * worker / workers }
	j := newJob(rows*columns, workers, func(_, span, i int) {
		from, to := first(span), first(span+1)
		piece(i/(to-from), from+i%(to-from))
	})
	for w := range j.spans {
		j.spans[w].set(0, rows*(first(w+1)-first(w)))
	}
	j.run()
}

// stepsEach is how many times a worker fetches pieces if there are many.
// The smallest pieces take a tenth of a microsecond, little more than to fetch one;
// fetching many at once would let one worker end later than the others.
const stepsEach = 32

// job is one call, shared by the goroutines that work on it.
type job struct {
	step    int // pieces of a fetch
	piece   func(worker, span, i int)
	spans   []span // of each worker
	tickets []ticket
	once    sync.Once
	failure error
}

func newJob(n, workers int, piece func(worker, span, i int)) *job {
	return &job{step: max(1, n/(workers*stepsEach)), piece: piece, spans: make([]span, workers), tickets: make([]ticket, workers-1)}
}

func (j *job) run() {
	for i := range j.tickets {
		j.tickets[i].job, j.tickets[i].worker = j, i+1
		hire(&j.tickets[i])
	}
	j.work(0)
	for i := range j.tickets {
		j.tickets[i].settle()
	}
	if j.failure != nil {
		panic(j.failure)
	}
}

// work does a worker's own span, and then what the others have left.
func (j *job) work(worker int) {
	defer j.catch()
	for turn := range j.spans {
		span := (worker + turn) % len(j.spans)
		for {
			from, to := j.spans[span].take(j.step, turn == 0)
			if from == to {
				break
			}
			for i := from; i < to; i++ {
				j.piece(worker, span, i)
			}
		}
	}
}

func (j *job) catch() {
	if r := recover(); r != nil {
		for i := range j.spans {
			j.spans[i].set(0, 0)
		}
		j.once.Do(func() { j.failure = fmt.Errorf("%v\n%s", r, debug.Stack()) })
	}
}

// span is a range of pieces that are left. Its owner takes them from the front, others
// from the end.
type span struct {
	bounds atomic.Uint64 // first and end, 32 bits each
	_      [120]byte     // a cache line of its own, of the largest
}

func (s *span) set(from, to int) { s.bounds.Store(uint64(from)<<32 | uint64(to)) }

// take returns up to so many pieces, none when none are left.
func (s *span) take(step int, front bool) (from, to int) {
	for {
		bounds := s.bounds.Load()
		first, end := int(bounds>>32), int(bounds&math.MaxUint32)
		if first == end {
			return 0, 0
		}
		middle := min(first+step, end)
		left := uint64(middle)<<32 | uint64(end)
		from, to = first, middle
		if !front {
			middle = max(first, end-step)
			left = uint64(first)<<32 | uint64(middle)
			from, to = middle, end
		}
		if s.bounds.CompareAndSwap(bounds, left) {
			return from, to
		}
	}
}
