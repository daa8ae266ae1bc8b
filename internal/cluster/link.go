package cluster

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// Link is a line between this rank and another one, over which both send
// messages whenever they like. Each lets the other know now and then that it is
// there, so either notices within the timeout if the other stalls.
type Link struct {
	// Received are the messages of the other side. It is closed after the last
	// one, or when the other side stalls; then Err says so.
	Received <-chan []byte

	cluster *Cluster
	peer    int
	limit   time.Duration
	sending sync.Mutex
	closed  chan struct{} // by Close
	err     error         // set before Received is closed
}

// Kinds of messages, in place of a length.
const (
	alive    = math.MaxUint64 // says nothing else
	farewell = math.MaxUint64 - 1
)

// errClosed is the error of a message over a link that has been closed.
var errClosed = errors.New("the link is closed")

// Link opens a line to another rank, which must open one to this. There is at
// most one between two ranks at a time, and no SendFloats beside it. The
// cluster's timeout is the link's.
func (c *Cluster) Link(peer int) *Link {
	received := make(chan []byte)
	l := &Link{Received: received, cluster: c, peer: peer, limit: c.timeout, closed: make(chan struct{})}
	go l.listen(received)
	if l.limit > 0 {
		go l.beat()
	}
	return l
}

// Send sends a message.
func (l *Link) Send(data []byte) error {
	l.sending.Lock()
	defer l.sending.Unlock()
	first, rest := frame(data)
	return l.send(first, rest)
}

// Err returns why Received is closed: nil if the other side has closed the link.
func (l *Link) Err() error { return l.err }

// Close says goodbye and waits until the other side does too. What it still
// sends is dropped.
func (l *Link) Close() error {
	l.sending.Lock()
	err := l.send(sign(farewell), nil)
	close(l.closed) // nothing is sent after it
	l.sending.Unlock()
	for range l.Received {
	}
	return errors.Join(err, l.err)
}

// send is for who holds the lock.
func (l *Link) send(first, rest []byte) error {
	select {
	case <-l.closed:
		return errClosed
	default:
	}
	sent := []*request{l.cluster.send(l.peer, streamTag, message{bytes: first})}
	for piece := range slices.Chunk(rest, most) {
		sent = append(sent, l.cluster.send(l.peer, streamTag+1, message{bytes: piece}))
	}
	return l.cluster.within(l.limit, sent...)
}

// listen receives until the other side says goodbye or stalls.
func (l *Link) listen(received chan<- []byte) {
	defer close(received)
	for {
		first := make([]byte, frameBytes)
		if l.err = l.cluster.within(l.limit, l.cluster.receive(l.peer, streamTag, message{bytes: first})); l.err != nil {
			return
		}
		switch binary.LittleEndian.Uint64(first) {
		case alive:
			continue
		case farewell:
			return
		}
		data, more := unframe(first)
		for piece := range slices.Chunk(more, most) {
			r := l.cluster.receive(l.peer, streamTag+1, message{bytes: piece})
			if l.err = l.cluster.within(l.limit, r); l.err != nil {
				return
			}
		}
		received <- data
	}
}

// beat tells the other side often enough that this one is there.
func (l *Link) beat() {
	ticker := time.NewTicker(max(time.Nanosecond, min(l.limit/8, 10*time.Second)))
	defer ticker.Stop()
	for {
		select {
		case <-l.closed:
			return
		case <-ticker.C:
			l.sending.Lock()
			err := l.send(sign(alive), nil)
			l.sending.Unlock()
			if err != nil {
				return // whoever waits for the other side hears of it
			}
		}
	}
}

// sign is a message of a kind that says nothing else.
func sign(kind uint64) []byte {
	return binary.LittleEndian.AppendUint64(make([]byte, 0, frameBytes), kind)[:frameBytes]
}
