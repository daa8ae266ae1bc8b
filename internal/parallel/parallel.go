// Package parallel runs the pieces of one kernel on all threads.
//
// The caller cuts its work into pieces whose number and borders do not depend
// on the number of threads, and adds partial results in piece order, so one
// thread and many give the same bits.
package parallel

import (
	"fmt"
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
	j := &job{n: int64(n), step: int64(max(1, n/(workers*stepsEach))), piece: piece, tickets: make([]ticket, workers-1)}
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

// stepsEach is how many times a worker fetches pieces if there are many.
// Fetching costs a tenth of a microsecond, as much as the smallest pieces;
// fetching more at once would let one worker end later than the others.
const stepsEach = 32

// job is one ForWorker call, shared by the goroutines that work on it.
type job struct {
	n, step int64 // pieces in total and per fetch
	next    atomic.Int64
	piece   func(worker, i int)
	tickets []ticket
	once    sync.Once
	failure error
}

func (j *job) work(worker int) {
	defer j.catch()
	for {
		end := j.next.Add(j.step)
		i := end - j.step
		if i >= j.n {
			return
		}
		for ; i < min(end, j.n); i++ {
			j.piece(worker, int(i))
		}
	}
}

func (j *job) catch() {
	if r := recover(); r != nil {
		j.next.Store(j.n)
		j.once.Do(func() { j.failure = fmt.Errorf("%v\n%s", r, debug.Stack()) })
	}
}
