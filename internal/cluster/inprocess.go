package cluster

import "sync"

// InProcess returns the clusters of so many ranks that are goroutines of this
// process, for tests. Abort ends the calling goroutine's rank only.
func InProcess(size int) []*Cluster {
	post := &post{boxes: map[address]*box{}}
	all := make([]*Cluster, size)
	var joined sync.WaitGroup
	for rank := range all {
		joined.Go(func() {
			// Nothing fails between goroutines that all take part.
			all[rank], _ = newCluster(&mail{post, rank}, rank, size, "here")
		})
	}
	joined.Wait()
	return all
}

// post holds the messages that are under way between goroutines.
type post struct {
	sync.Mutex
	boxes map[address]*box
}

type address struct{ from, to, tag int }

// box is a queue of one kind: of senders or of receivers that wait.
type box struct {
	sending  bool
	messages []message
	requests []*request
}

// mail is one rank's transport.
type mail struct {
	post *post
	rank int
}

func (m *mail) send(to, tag int, data message) *request {
	return m.post.meet(address{m.rank, to, tag}, true, data, to)
}

func (m *mail) receive(from, tag int, data message) *request {
	return m.post.meet(address{from, m.rank, tag}, false, data, from)
}

func (m *mail) abort(int) {}

func (m *mail) leave(int) error { return nil }

// meet copies the message if the other side waits already, else waits for it.
func (p *post) meet(at address, sending bool, data message, peer int) *request {
	p.Lock()
	defer p.Unlock()
	r := &request{peer: peer, done: make(chan struct{})}
	b := p.boxes[at]
	if b == nil {
		b = &box{}
		p.boxes[at] = b
	}
	if len(b.requests) == 0 || b.sending == sending {
		b.sending = sending
		b.messages, b.requests = append(b.messages, data), append(b.requests, r)
		return r
	}
	to, from := data, b.messages[0]
	if sending {
		to, from = from, to
	}
	copy(to.bytes, from.bytes)
	copy(to.floats, from.floats)
	close(b.requests[0].done)
	close(r.done)
	b.messages, b.requests = b.messages[1:], b.requests[1:]
	return r
}
