//go:build mpi && linux && (amd64 || arm64)

package cluster

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Join returns the cluster of the processes that were started together; nil if
// this one is alone. It must be called once.
func Join() (*Cluster, error) {
	launch := Launched()
	if launch.Size == 1 {
		return nil, nil
	}
	lib, err := open()
	if err != nil {
		return nil, err
	}
	e := &engine{library: lib, orders: make(chan order, 64)}
	ready := make(chan error)
	go e.run(ready)
	if err := <-ready; err != nil {
		return nil, err
	}
	if e.size != launch.Size {
		return nil, fmt.Errorf("%s has started %d processes, but %s (%s) knows of %d; "+
			"INCEPTION_MPI=/path/to/libmpi.so names the library that %[1]s belongs to",
			launch.By, launch.Size, lib.path, lib.version(), e.size)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return newCluster(e, e.rank, e.size, host)
}

// Library describes the MPI library that Join would use.
func Library() (string, error) {
	lib, err := open()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s (%s), %s", lib.version(), lib.path, lib.about), nil
}

// engine is the transport over MPI. Libraries differ in what they allow threads
// to do, so all calls come from one thread, which also looks after the messages
// under way while others compute.
type engine struct {
	library    *library
	rank, size int
	orders     chan order
}

// order is a call that the engine's thread makes.
type order struct {
	begin func() *pending // of a message
	last  func()          // ends the engine
}

// pending is a message that MPI has not finished with.
type pending struct {
	*request
	handle uintptr
	memory message // kept from the collector
}

// run makes the calls until the end.
func (e *engine) run(ready chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := e.library.start()
	if err == nil {
		e.rank, e.size, err = e.library.place()
	}
	ready <- err
	if err != nil {
		return
	}
	var waiting []*pending
	pause, last := shortPause, time.Now()
	for {
		o, ok := e.next(len(waiting) > 0, pause)
		switch {
		case ok && o.last != nil:
			o.last()
			return
		case ok:
			waiting = append(waiting, o.begin())
			pause, last = shortPause, time.Now()
			continue // whatever else is to begin comes first
		}
		before := len(waiting)
		waiting = e.library.finish(waiting)
		if pause = pauseAfter(2*pause, time.Since(last)); len(waiting) < before {
			pause, last = shortPause, time.Now()
		}
	}
}

// The pauses between two looks at the messages under way: they grow while
// nothing begins or arrives, for the thread shares its core with one that
// computes.
const (
	shortPause = 20 * time.Microsecond
	longPause  = 500 * time.Microsecond
	endless    = 10 * time.Millisecond
)

// pauseAfter limits a pause after so long a silence: a wait becomes longer by a
// hundredth at most. Links wait for hours.
func pauseAfter(pause, silence time.Duration) time.Duration {
	return min(pause, max(longPause, min(silence/100, endless)))
}

// next returns the next order. If messages are under way, it waits no longer
// than pause for one.
func (e *engine) next(waiting bool, pause time.Duration) (o order, ok bool) {
	if !waiting {
		return <-e.orders, true
	}
	select {
	case o = <-e.orders:
		return o, true
	default:
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case o = <-e.orders:
		return o, true
	case <-timer.C:
		return order{}, false
	}
}

func (e *engine) send(to, tag int, m message) *request {
	return e.begin(to, m, func() uintptr { return e.library.isend(to, tag, m) })
}

func (e *engine) receive(from, tag int, m message) *request {
	return e.begin(from, m, func() uintptr { return e.library.irecv(from, tag, m) })
}

func (e *engine) begin(peer int, m message, call func() uintptr) *request {
	r := &request{peer: peer, done: make(chan struct{})}
	e.orders <- order{begin: func() *pending { return &pending{r, call(), m} }}
	return r
}

func (e *engine) abort(status int) {
	done := make(chan struct{})
	e.orders <- order{last: func() {
		e.library.abort(status)
		close(done)
	}}
	<-done
}

func (e *engine) leave(status int) error {
	done := make(chan error)
	e.orders <- order{last: func() { done <- e.library.end(status) }}
	return <-done
}

// open opens the library that INCEPTION_MPI names, else the first that is found.
func open() (*library, error) {
	if path := os.Getenv("INCEPTION_MPI"); path != "" {
		lib, err := openLibrary(path)
		if err != nil {
			return nil, fmt.Errorf("INCEPTION_MPI: %w", err)
		}
		return lib, nil
	}
	names := candidates(os.Getenv("OMPI_COMM_WORLD_SIZE") != "")
	for _, name := range names {
		if lib, err := openLibrary(name); err == nil {
			return lib, nil
		}
	}
	return nil, fmt.Errorf("the linker finds no MPI library (%s); install Open MPI, MPICH or Intel MPI, "+
		"or name one by INCEPTION_MPI=/path/to/libmpi.so", strings.Join(names, ", "))
}

// candidates returns the names that libraries have: the standard ABI of MPI 5,
// MPICH's ABI (which Intel MPI shares) and Open MPI's. Processes that Open MPI
// has started try its own first: any other would take each of them for a single
// one.
func candidates(openMPI bool) []string {
	names := []string{"libmpi_abi.so.1", "libmpi.so.12", "libmpich.so.12", "libmpi.so.40", "libmpi.so"}
	if openMPI {
		names = []string{"libmpi.so.40", "libmpi.so.80", "libmpi_abi.so.1", "libmpi.so"}
	}
	return names
}
