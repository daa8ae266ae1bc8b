package serve

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
)

// budget is something that all requests share: bytes, or places.
type budget struct {
	mu   sync.Mutex
	free int64
}

func newBudget(n int64) *budget { return &budget{free: n} }

// take takes n unless there are fewer.
func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.free < n {
		return false
	}
	b.free -= n
	return true
}

func (b *budget) giveBack(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
}

// errBodies says that other requests have the memory.
var errBodies = errors.New("too many large requests at once; try again")

// body reads the body of a request within the bounds. Memory is taken as bytes
// come, so who promises much and sends little holds little. giveBack must be
// called when the body is no longer needed, also after an error.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (data []byte, giveBack func(), err error) {
	taken := int64(0)
	giveBack = func() { s.bodies.giveBack(taken) }
	if r.ContentLength > s.options.Body {
		return nil, giveBack, tooLarge(s.options.Body)
	}
	from := http.MaxBytesReader(w, r.Body, s.options.Body)
	for {
		if len(data) == cap(data) {
			more := int64(max(64<<10, len(data))) // twice as much each time
			if !s.bodies.take(more) {
				return nil, giveBack, refusal{http.StatusServiceUnavailable, errBodies}
			}
			taken += more
			data = append(make([]byte, 0, int64(cap(data))+more), data...)
		}
		n, err := from.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		var large *http.MaxBytesError
		switch {
		case err == io.EOF:
			return data, giveBack, nil
		case errors.As(err, &large):
			return nil, giveBack, tooLarge(s.options.Body)
		case err != nil:
			return nil, giveBack, refusal{http.StatusRequestTimeout, errors.New("the request's body did not come in time")}
		}
	}
}

// limitedListener accepts so many connections at once; others wait.
type limitedListener struct {
	net.Listener
	open chan struct{}
}

// Accept waits for a connection and for room.
func (l *limitedListener) Accept() (net.Conn, error) {
	l.open <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.open
		return nil, err
	}
	return &limitedConn{Conn: c, gone: sync.OnceFunc(func() { <-l.open })}, nil
}

type limitedConn struct {
	net.Conn
	gone func()
}

// Close makes room for another connection.
func (c *limitedConn) Close() error {
	defer c.gone()
	return c.Conn.Close()
}

// decoders is how many pictures are decoded at once: the network needs the
// processors too.
func decoders() int { return max(2, runtime.GOMAXPROCS(0)) }

// quietLog passes on what the HTTP server says, but for the everyday: clients that
// speak something else or go away.
func quietLog(to func(string)) *log.Logger {
	return log.New(writer(func(text string) {
		if !strings.Contains(text, "TLS handshake") && !strings.Contains(text, "unexpected EOF") {
			to(strings.TrimSpace(text))
		}
	}), "", 0)
}

type writer func(string)

func (w writer) Write(b []byte) (int, error) {
	w(string(b))
	return len(b), nil
}
