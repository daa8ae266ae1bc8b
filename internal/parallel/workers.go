package parallel

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A kernel may take only about 50 us, as long as waking a sleeping thread can
// take. So a goroutine that waits, for work or for others to finish, polls for a
// while before it sleeps, and work that nobody has started is taken back. That
// while is longer than what a network does on one thread between two kernels: with
// a fifth of it, small networks trained a twentieth slower.

// ticket invites one worker to a job.
type ticket struct {
	job    *job
	worker int
	to     *server
	state  atomic.Int32
	ended  chan struct{} // created by the caller before it sleeps
}

// The states of a ticket.
const (
	open     int32 = iota
	finished       // the worker has left the job
	awaited        // the caller sleeps until then
)

// server is a goroutine that works on one job after another until the process
// ends, always as the same worker, so that its cache has what that worker used.
type server struct {
	worker int
	box    atomic.Pointer[ticket]
	asleep atomic.Bool
	wake   chan struct{}
}

// idle holds the servers that have nothing to do, by worker, the last one at the end.
var idle struct {
	sync.Mutex
	servers [][]*server
}

func rest(s *server) {
	idle.Lock()
	defer idle.Unlock()
	for len(idle.servers) <= s.worker {
		idle.servers = append(idle.servers, nil)
	}
	idle.servers[s.worker] = append(idle.servers[s.worker], s)
}

// hire gives a ticket to an idle server, or to a new one.
func hire(t *ticket) {
	t.to = idleServer(t.worker)
	if t.to == nil {
		t.to = &server{worker: t.worker, wake: make(chan struct{}, 1)}
		go t.to.serve()
	}
	t.to.box.Store(t)
	if t.to.asleep.CompareAndSwap(true, false) {
		t.to.wake <- struct{}{}
	}
}

// idleServer takes a server of a worker that has nothing to do, if there is one.
func idleServer(worker int) *server {
	idle.Lock()
	defer idle.Unlock()
	if worker >= len(idle.servers) {
		return nil
	}
	servers := idle.servers[worker]
	last := len(servers) - 1
	if last < 0 {
		return nil
	}
	idle.servers[worker] = servers[:last]
	return servers[last]
}

func (s *server) serve() {
	for {
		t := s.await()
		t.job.work(t.worker)
		// Idle before the caller continues, so that its next job finds this server.
		rest(s)
		if !t.state.CompareAndSwap(open, finished) {
			close(t.ended)
		}
	}
}

// await returns the next ticket.
func (s *server) await() *ticket {
	for {
		if t := look(s.take); t != nil {
			return t
		}
		s.asleep.Store(true)
		t := s.take()
		if t == nil || !s.asleep.CompareAndSwap(true, false) {
			<-s.wake
		}
		if t != nil {
			return t
		}
	}
}

// take returns the ticket in the box, if the caller has not taken it back.
func (s *server) take() *ticket {
	if t := s.box.Load(); t != nil && s.box.CompareAndSwap(t, nil) {
		return t
	}
	return nil
}

// settle returns when the ticket's worker has left the job or will never start.
func (t *ticket) settle() {
	if t.to.box.CompareAndSwap(t, nil) {
		rest(t.to)
		return
	}
	left := look(func() *ticket {
		if t.state.Load() == finished {
			return t
		}
		return nil
	})
	if left != nil {
		return
	}
	t.ended = make(chan struct{})
	if t.state.CompareAndSwap(open, awaited) {
		<-t.ended
	}
}

// look polls for about 100 us until there is an answer. In between, other
// goroutines may run.
func look(ask func() *ticket) *ticket {
	for range 500 {
		for range 50 {
			if t := ask(); t != nil {
				return t
			}
		}
		runtime.Gosched()
	}
	return nil
}
